package field_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"kvitt/internal/company"
	"kvitt/internal/fault"
	"kvitt/internal/held"
	"kvitt/internal/visma"
	"kvitt/internal/voucher"
)

// cases are the inputs about payouts and postings, by the beginning of their name.
var cases = map[string]func(t *testing.T, name string){
	"a1-": debtInvoicedApart, "a2-": halfAnEmoji, "a3-": oneIncompletePayout, "a4-": membersWithoutMoney, "a5-": feeCorrectionWithoutRows,
	"b1-": emptyLists, "b2-": always500, "b3-": filledIn, "b4-": errorsInsideMembers, "b6-": paddedKeys, "b12-": wrongHost,
}

func TestEveryCaseOfTheField(t *testing.T) {
	dir := os.Getenv("KVITT_REFERENCE_DIR")
	if dir == "" {
		t.Skip("KVITT_REFERENCE_DIR names no folder; tables of internal/klarna, visma, posting, operate and activities hold the same kinds")
	}
	files, err := filepath.Glob(filepath.Join(dir, "cases", "field", "[ab]*"))
	if err != nil || len(files) < len(cases) {
		t.Fatalf("found %d files for %d cases, %v", len(files), len(cases), err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		beginning, _, _ := strings.Cut(name, "-")
		run, known := cases[beginning+"-"]
		if !known {
			t.Errorf("nothing shows what becomes of %s", name)
			continue
		}
		t.Run(name, func(t *testing.T) { run(t, name) })
	}
}

func debtInvoicedApart(t *testing.T, name string) {
	c := parse[struct {
		Payouts []json.RawMessage
		Rows    []json.RawMessage `json:"rows_of_9000000002"`
	}](t, name)
	s := newShop(t, page("payouts", string(c.Payouts[0])))
	s.rows["9000000001"] = []string{`{"type":"RETURN","detailed_type":"REFUND","amount":15000,"currency_code":"SEK","payment_reference":"9000000001"}`}
	s.rows["9000000002"] = texts(c.Rows)
	if stop := s.prove(t, 1)["9000000001"].Held; stop != nil {
		t.Errorf("the first one is held: %+v", stop)
	}
	s.payouts = page("payouts", texts(c.Payouts)...)
	stop := s.prove(t, 2)["9000000002"].Held
	if stop == nil || stop.Code != held.DebtDiffers || stop.Difference != -15000 && stop.Difference != 15000 || !strings.Contains(stop.Detail, "9000000001") {
		t.Errorf("the second one: %+v", stop)
	}
}

func texts(raw []json.RawMessage) (all []string) {
	for _, one := range raw {
		all = append(all, string(one))
	}
	return all
}

// payoutOf is a payout that is nothing but its sales.
func payoutOf(reference string, amount int) []byte {
	return page("payouts", fmt.Sprintf(`{"payment_reference":%q,"payout_date":"2026-01-05T07:45:00Z","currency_code":"SEK","merchant_settlement_type":"NET","merchant_id":"K900001","totals":{"sale_amount":%d,"settlement_amount":%d}}`, reference, amount, amount))
}

func halfAnEmoji(t *testing.T, name string) {
	rows := parse[struct{ Transactions []json.RawMessage }](t, name)
	s := newShop(t, payoutOf("9000000003", 2000))
	s.rows["9000000003"] = texts(rows.Transactions)
	proven := s.prove(t, 1)["9000000003"]
	if proven.Held != nil || proven.Rows != 2 || s.warned(t, "9000000003") != 1 {
		t.Errorf("got %+v with %d warnings", proven, s.warned(t, "9000000003"))
	}
}

func oneIncompletePayout(t *testing.T, name string) {
	s := newShop(t, read(t, name))
	s.rows["9000000004"] = []string{`{"type":"SALE","detailed_type":"PURCHASE","amount":1000,"currency_code":"SEK","payment_reference":"9000000004"}`}
	proven := s.prove(t, 2)
	if stop := proven["9000000004"].Held; stop != nil {
		t.Errorf("the whole one is held: %+v", stop)
	}
	if stop := proven["9000000005"].Held; stop == nil || stop.Code != held.BadData {
		t.Errorf("the other one: %+v", stop)
	}
}

func membersWithoutMoney(t *testing.T, name string) {
	c := parse[struct {
		Row      map[string]json.RawMessage
		Variants []map[string]json.RawMessage
	}](t, name)
	for _, variant := range c.Variants {
		row := map[string]json.RawMessage{}
		said := ""
		for _, members := range []map[string]json.RawMessage{c.Row, variant} {
			for member, value := range members {
				row[member] = value
			}
		}
		for member, value := range variant {
			said = member + ": " + string(value)
		}
		var text []string
		for member, value := range row {
			text = append(text, fmt.Sprintf("%q:%s", member, value))
		}
		s := newShop(t, payoutOf("9000000006", 1000))
		s.rows["9000000006"] = []string{"{" + strings.Join(text, ",") + "}"}
		proven := s.prove(t, 1)["9000000006"]
		if proven.Held != nil || proven.Settlement != 1000 || s.warned(t, "9000000006") != 1 {
			t.Errorf("%s: got %+v with %d warnings", said, proven, s.warned(t, "9000000006"))
		}
	}
}

func feeCorrectionWithoutRows(t *testing.T, name string) {
	c := parse[struct {
		Payout json.RawMessage
		Rows   []json.RawMessage
	}](t, name)
	s := newShop(t, page("payouts", string(c.Payout)))
	s.rows["9000000007"] = texts(c.Rows)
	proven := s.prove(t, 1)["9000000007"]
	if proven.Held != nil || proven.Settlement != 100500 {
		t.Errorf("got %+v", proven)
	}
}

func emptyLists(t *testing.T, name string) {
	number := regexp.MustCompile(`(?m)^\d\)`)
	if all := number.FindAllString(string(read(t, name)), -1); len(all) != 5 {
		t.Fatalf("the case shows %d ways, and 5 are played here", len(all))
	}
	for way, nothing := range map[string]func(w http.ResponseWriter){
		"no body":          func(w http.ResponseWriter) { w.WriteHeader(http.StatusOK) },
		"null":             func(w http.ResponseWriter) { _, _ = w.Write([]byte("null")) },
		"204":              func(w http.ResponseWriter) { w.WriteHeader(http.StatusNoContent) },
		"404 No records":   func(w http.ResponseWriter) { answer(w, http.StatusNotFound, `{"message":"No records"}`) },
		"a mark before []": func(w http.ResponseWriter) { _, _ = w.Write([]byte("\ufeff[]")) },
	} {
		t.Run(way, func(t *testing.T) {
			// Nothing is booked by the first send, and the second one is taken.
			var p *poster
			p = newPoster(t, func(w http.ResponseWriter, _ *http.Request) {
				if p.sent == 1 {
					answer(w, http.StatusInternalServerError, `{"message":"Object reference not set"}`)
					return
				}
				answer(w, http.StatusBadRequest, `{"message":"Error: the period is closed."}`)
			}, func(w http.ResponseWriter, _ *http.Request) { nothing(w) })
			got := p.until(t, intent())
			if p.sent != 2 || got.Stop == nil || got.Stop.Code != held.Rejected {
				t.Errorf("after %d sends: %+v", p.sent, got.Stop)
			}
		})
	}
}

func answer(w http.ResponseWriter, status int, body string) {
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

func always500(t *testing.T, name string) {
	c := parse[struct {
		Answers []struct {
			Status int
			Body   json.RawMessage
			Job    json.RawMessage `json:"then_job"`
		}
	}](t, name)
	for i, a := range c.Answers {
		var job struct{ ID string }
		if len(a.Job) > 0 {
			if err := json.Unmarshal(a.Job, &job); err != nil {
				t.Fatal(err)
			}
		}
		p := newPoster(t, func(w http.ResponseWriter, _ *http.Request) {
			body := a.Body
			if job.ID != "" {
				body = fmt.Appendf(nil, `{"jobId":%q}`, job.ID)
				w.Header().Set("Location", "/v1/background/"+job.ID)
			}
			answer(w, a.Status, string(body))
		}, func(w http.ResponseWriter, r *http.Request) {
			switch {
			case strings.HasSuffix(r.URL.Path, "/content"):
				answer(w, http.StatusOK, `{"message":"Object reference not set"}`)
			case strings.Contains(r.URL.Path, "/background/"):
				answer(w, http.StatusOK, string(a.Job))
			default:
				answer(w, http.StatusOK, "[]")
			}
		})
		got := p.until(t, intent())
		if got.Stop == nil || got.Stop.Code != held.RefusedRepeatedly || p.sent != 3 || got.LookAgain <= 0 {
			t.Errorf("answer %d: %+v after %d sends", i+1, got, p.sent)
			continue
		}
		words := "Object reference not set (request 00000000-0000-4000-8000-000000000009)"
		if job.ID != "" {
			words = "500"
		}
		if !strings.Contains(got.Stop.Detail, words) || !strings.Contains(got.Stop.Detail, job.ID) {
			t.Errorf("answer %d: neither words nor request id are told: %s", i+1, got.Stop.Detail)
		}
	}
}

// readBack is a batch of the case as the batch of an intent.
func readBack(t *testing.T, document json.RawMessage, v *voucher.Voucher) string {
	t.Helper()
	batch := map[string]any{
		"batchNumber": "000001", "module": "ModuleGL", "status": "Balanced", "currencyId": "SEK", "branch": "1", "ledger": "1",
		"description": v.Description, "transactionDate": "2026-01-05T00:00:00", "financialPeriod": "202601",
	}
	lines := []any{}
	for i, l := range v.Lines {
		lines = append(lines, map[string]any{
			"lineNumber": i + 1, "accountNumber": l.Account, "debitAmountInCurrency": float64(l.Debit) / 100, "creditAmountInCurrency": float64(l.Credit) / 100, "referenceNumber": l.Reference,
		})
	}
	batch["journalTransactionLines"] = lines
	if err := json.Unmarshal(document, &batch); err != nil {
		t.Fatal(err)
	}
	for _, line := range batch["journalTransactionLines"].([]any) {
		line.(map[string]any)["referenceNumber"] = "10001"
	}
	text, err := json.Marshal(batch)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// created answers that a batch was created at once, and gives it when it is read.
func created(t *testing.T, batch string) *poster {
	t.Helper()
	return newPoster(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/v2/journaltransaction/000001")
		w.WriteHeader(http.StatusCreated)
	}, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/000001") {
			answer(w, http.StatusOK, batch)
			return
		}
		answer(w, http.StatusOK, "[]")
	})
}

func filledIn(t *testing.T, name string) {
	c := parse[struct {
		ReadBack json.RawMessage `json:"read_back"`
	}](t, name)
	in := intent()
	p := created(t, readBack(t, c.ReadBack, in.Voucher))
	got := p.until(t, in)
	if got.Stop == nil || got.Stop.Code != held.BatchDiffers {
		t.Fatalf("got %+v", got)
	}
	for _, words := range []string{"it makes VAT transactions: true, meant was false", "branch is OTHER, meant was 1", "6570 debit 10.00 credit 0.00 ref 10001 has VAT code 25 and id IN25, meant was no VAT code"} {
		if !strings.Contains(got.Stop.Detail, words) {
			t.Errorf("%q is not told: %s", words, got.Stop.Detail)
		}
	}
}

func errorsInsideMembers(t *testing.T, name string) {
	p := newPoster(t, func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusBadRequest, string(read(t, name))) },
		func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "[]") })
	got := p.until(t, intent())
	if got.Stop == nil || got.Stop.Code != held.Rejected || p.sent != 1 {
		t.Fatalf("got %+v after %d sends", got, p.sent)
	}
	for _, words := range []string{"raised at least one error", "PostPeriod: Error: The 08-2026 financial period is inactive", "Details[0].Account: Error: Account is inactive"} {
		if !strings.Contains(got.Stop.Detail, words) {
			t.Errorf("%q is not told: %s", words, got.Stop.Detail)
		}
	}
}

// padded is a company of which only branches and ledgers are read over the wire.
type padded struct{ *visma.Client }

func (padded) Organization(context.Context) (*visma.Organization, error) {
	return &visma.Organization{OrganizationCD: "1", Name: "Shop AB"}, nil
}
func (padded) Accounts(context.Context) ([]visma.Account, error)                 { return nil, nil }
func (padded) Currencies(context.Context) ([]visma.Currency, error)              { return nil, nil }
func (padded) Segments(context.Context) ([]visma.Segment, error)                 { return nil, nil }
func (padded) VATs(context.Context) ([]visma.VAT, error)                         { return nil, nil }
func (padded) FinancialPeriods(context.Context) ([]visma.FinancialPeriod, error) { return nil, nil }

func paddedKeys(t *testing.T, name string) {
	c := parse[struct {
		Branches json.RawMessage `json:"GET /v1/branch"`
		Ledgers  json.RawMessage `json:"GET /v1/ledger"`
		Profile  struct{ Ledger, Branch string }
		ReadBack json.RawMessage `json:"read_back"`
	}](t, name)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		number := r.URL.Query().Get("pageNumber")
		switch {
		case number != "" && number != "1":
			answer(w, http.StatusOK, "[]")
		case strings.HasPrefix(r.URL.Path, "/v1/branch"):
			answer(w, http.StatusOK, string(c.Branches))
		case strings.HasPrefix(r.URL.Path, "/v1/ledger"):
			answer(w, http.StatusOK, string(c.Ledgers))
		}
	})
	firm, err := company.Read(t.Context(), padded{client(t, server.URL)}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if problems := firm.Check(voucher.Uses{Ledgers: []string{c.Profile.Ledger}, Branches: []string{c.Profile.Branch}}); len(problems) > 0 || firm.MainBranch() != "1" {
		t.Errorf("main branch %q, %v", firm.MainBranch(), problems)
	}
	in := intent()
	p := created(t, readBack(t, c.ReadBack, in.Voucher))
	if got := p.until(t, in); got.Stop != nil {
		t.Errorf("got %+v", got.Stop)
	}
}

func wrongHost(t *testing.T, name string) {
	addresses := regexp.MustCompile(`KVITT_VISMA_API_URL=https://[^/\s]+(\S*)`).FindAllStringSubmatch(string(read(t, name)), -1)
	if len(addresses) != 2 {
		t.Fatalf("the case names %v", addresses)
	}
	for _, address := range addresses {
		for body, kind := range map[string]string{"": "", "<!doctype html><title>404</title><p>Not found": "text/html"} {
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if !strings.HasPrefix(r.URL.Path, address[1]+"/") {
					t.Errorf("asked for %s", r.URL.Path)
				}
				w.Header().Set("Content-Type", kind)
				answer(w, http.StatusNotFound, body)
			})
			_, err := client(t, server.URL+address[1]).Organization(t.Context())
			if f := fault.As(err); f == nil || f.Class != fault.Rejected || !strings.Contains(f.Remedy, "KVITT_VISMA_API_URL") {
				t.Errorf("%s: %v", address[1], err)
			}
		}
	}
}
