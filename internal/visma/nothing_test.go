package visma

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kvitt/internal/fault"
)

// aList is a query for a list of batches.
var aList = JournalTransactionsQuery{PeriodID: "202601", Module: "GL"}

func TestEveryFormOfAnEmptyListIsEmpty(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"an empty body": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) },
		"null":          func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, " null\n") },
		"no content":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"404 in words": func(w http.ResponseWriter, _ *http.Request) {
			writeJSON(w, http.StatusNotFound, `{"message":"No records"}`)
		},
		"404 in other words": func(w http.ResponseWriter, _ *http.Request) {
			writeJSON(w, http.StatusNotFound, `{"message":"VismaId: 00000000. No matching records were found."}`)
		},
		"a mark before a list": func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, "\ufeff[]") },
		"a mark and null":      func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, "\ufeffnull") },
		"a list without records": func(w http.ResponseWriter, _ *http.Request) {
			writeJSON(w, http.StatusOK, `{"totalCount":0,"records":null}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := serveClient(t, answer).JournalTransactions(t.Context(), aList)
			if err != nil || len(got) != 0 {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func serveClient(t *testing.T, answer http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	client, _ := newTestClient(t, server)
	return client
}

// TestNothingAfterTheFirstPageIsItsEnd: all that the first page announced must still have come.
func TestNothingAfterTheFirstPageIsItsEnd(t *testing.T) {
	for total, complete := range map[int]bool{2: true, 5: false} {
		client := serveClient(t, func(w http.ResponseWriter, r *http.Request) {
			if number, _ := pageAsked(r); number > 1 {
				w.WriteHeader(http.StatusNoContent)
				return
			}
			writeJSON(w, http.StatusOK, subaccountPage(1, 2, total))
		})
		got, err := client.Subaccounts(t.Context())
		if (err == nil) != complete || complete && len(got) != 2 {
			t.Errorf("of %d: got %v, %v", total, got, err)
		}
	}
}

// TestAWrongAddressIsNotAnEmptyList: the answer is refused, and the remedy names the variable.
func TestAWrongAddressIsNotAnEmptyList(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"no body": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) },
		"a web page": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte("<!doctype html><title>404</title><p>There are no records of this page"))
		},
		"the gateway": func(w http.ResponseWriter, _ *http.Request) {
			writeJSON(w, http.StatusNotFound, `{"statusCode":404,"message":"Resource not found"}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			client := serveClient(t, answer)
			_, listErr := client.JournalTransactions(t.Context(), aList)
			_, organizationErr := client.Organization(t.Context())
			for _, err := range []error{listErr, organizationErr} {
				e := fault.As(err)
				if e == nil || e.Class != fault.Rejected || !strings.Contains(e.Remedy, "KVITT_VISMA_API_URL") || !strings.Contains(e.Remedy, DefaultBaseURL+",") {
					t.Errorf("got %v", err)
				}
			}
		})
	}
}

// TestPaddedKeysAreTheKeys: some companies return keys padded with spaces.
func TestPaddedKeysAreTheKeys(t *testing.T) {
	const batch = `{"module":"ModuleGL","batchNumber":"000001    ","ledger":"1         ","branch":"1    ","currencyId":"SEK  ","description":" text ",
		"journalTransactionLines":[{"lineNumber":1,"accountNumber":"1930  ","referenceNumber":"R1  ","branch":"1    ","vatCode":{"id":"25  "},"vat":{"id":"IN25 "}}]}`
	client := serveClient(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/000001") {
			writeJSON(w, http.StatusOK, batch)
			return
		}
		if number, _ := pageAsked(r); number > 1 {
			writeJSON(w, http.StatusOK, "[]")
			return
		}
		writeJSON(w, http.StatusOK, "["+batch+"]")
	})
	listed, err := client.JournalTransactions(t.Context(), aList)
	if err != nil || len(listed) != 1 {
		t.Fatalf("got %v, %v", listed, err)
	}
	read, _, err := client.JournalTransaction(t.Context(), "000001")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range []JournalTransaction{listed[0], *read} {
		l := b.Lines[0]
		if got := strings.Join([]string{b.BatchNumber, b.Ledger, b.Branch, b.CurrencyID, l.AccountNumber, l.ReferenceNumber, l.Branch, l.VATCode.ID, l.VAT.ID}, "|"); got != "000001|1|1|SEK|1930|R1|1|25|IN25" {
			t.Errorf("the keys are %s", got)
		}
		if b.Description != " text " {
			t.Errorf("the text is %q", b.Description)
		}
	}
}
