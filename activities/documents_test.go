package activities

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.temporal.io/sdk/testsuite"

	"kvitt/internal/access"
	"kvitt/internal/archive"
	"kvitt/internal/config"
	"kvitt/internal/fault"
	"kvitt/internal/settlement"
	"kvitt/internal/store"
	"kvitt/internal/vault"
	"kvitt/internal/visma"
	"kvitt/internal/voucher"
	"kvitt/sandbox/klarnasim"
	"kvitt/sandbox/shop"
	"kvitt/workflows"
)

// desk is a payout that is proven and booked, at the moment when its documents
// are attached.
type desk struct {
	t       *testing.T
	store   *store.Store
	klarna  *klarnasim.Sim
	url     string
	on      *Visma
	ref     workflows.PayoutRef
	voucher *voucher.Voucher

	instead atomic.Pointer[http.HandlerFunc] // answers for the CSV in Klarna's place
	refuses func(visma.File) error           // what Visma.net says to a document
	hung    map[string][]byte                // what hangs on the batch
}

const deskKey = "klarna_test_api_cmVwb3J0cw"

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, hung: map[string][]byte{}, ref: workflows.PayoutRef{Connection: "c1", PaymentReference: "10001"}}
	payout, err := shop.Settlement{PaymentReference: "10001", Rows: shop.SaleRows(1, 100_00, 2_99, 2_95, 2500)}.Payout()
	d.must(err)
	d.klarna, err = klarnasim.New(shop.New(payout.MerchantID, "SEK", payout), klarnasim.Options{Environment: "test", Keys: []klarnasim.Key{{Key: deskKey}}})
	d.must(err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h := d.instead.Load(); h != nil && strings.HasSuffix(r.URL.Path, "/payout-with-transactions") {
			(*h)(w, r)
			return
		}
		d.klarna.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	d.url, d.store = server.URL, shopStore(t, "auto")
	text, err := vault.NewKeyset()
	d.must(err)
	keys, err := vault.Open(text)
	d.must(err)
	v := vault.New(keys, d.store)
	d.must(v.Put(t.Context(), "c1", access.FieldKlarna, vault.Secret(`{"key":"`+deskKey+`"}`)))
	d.on = &Visma{Store: d.store, Doors: &access.Doors{Store: d.store, Vault: v, Config: &config.Config{KlarnaBaseURL: server.URL}}}
	d.prove()
	d.klarna.ResetRequests()
	return d
}

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) prove() {
	ctx := d.t.Context()
	client, err := d.on.Doors.Klarna(ctx, "c1")
	d.must(err)
	listed, _, err := client.Payout(ctx, "10001")
	d.must(err)
	payout := listed.Settlement()
	_, err = d.store.UpsertPayouts(ctx, "c1", []store.Payout{{PaymentReference: "10001", Date: payout.Date, Currency: "SEK", SettlementType: "NET"}})
	d.must(err)
	tally, kept, announced, err := Fetch(ctx, client, archive.NewWriter(d.store, "c1", "10001", archive.KindTransactions), &payout, nil)
	d.must(err)
	proof, err := settlement.Prove(payout, tally, announced, nil)
	d.must(err)
	document, err := voucher.Preset("se-bas")
	d.must(err)
	profile, err := voucher.ParseProfile(document)
	d.must(err)
	d.voucher, err = voucher.Compile(profile, proof, voucher.Target{Company: "5560001"})
	d.must(err)
	body, err := json.Marshal(Proof{proof, kept})
	d.must(err)
	d.must(d.store.UpdatePayout(ctx, "c1", "10001", func(p *store.Payout) error { p.Proof = body; return nil }, nil))
}

// attach is Visma.net.
func (d *desk) attach(ctx context.Context, f visma.File) error {
	if d.refuses != nil {
		if err := d.refuses(f); err != nil {
			return err
		}
	}
	var last []byte
	for range 2 { // a request may have to be sent twice
		r, err := f.Open(ctx)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(r)
		if err = errors.Join(err, r.Close()); err != nil {
			return err
		}
		if int64(len(body)) != f.Size || last != nil && !bytes.Equal(last, body) {
			d.t.Errorf("%s of %d bytes gives %d bytes, and the time before %d", f.Name, f.Size, len(body), len(last))
		}
		last = body
	}
	d.hung[f.Name] = last
	return nil
}

func (d *desk) documents() error {
	return d.on.documents(d.t.Context(), d.ref, d.voucher, d.attach)
}

// csv returns the CSV that Klarna serves.
func (d *desk) csv() []byte {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, d.url+"/settlements/v1/reports/payout-with-transactions?payment_reference=10001", http.NoBody)
	d.must(err)
	r.Header.Set("Authorization", "Basic "+deskKey)
	response, err := http.DefaultClient.Do(r)
	d.must(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	d.must(err)
	return body
}

func (d *desk) archived() []byte {
	d.t.Helper()
	r := archive.Open(d.t.Context(), d.store, "c1", "10001", archive.KindCSV)
	defer func() { _ = r.Close() }()
	body, err := io.ReadAll(r)
	d.must(err)
	return body
}

func (d *desk) proof() string { return string(d.hung["kvitt.10001.txt"]) }

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

const (
	csvPath = "/reports/payout-with-transactions"
	csvName = "settlement.10001.csv"
)

func TestTheThreeDocumentsAreAsReceivedAndTheProofHasTheirHashes(t *testing.T) {
	d := newDesk(t)
	served := d.csv()
	d.must(d.documents())
	if len(d.hung) != 3 || !bytes.Equal(d.hung[csvName], served) || !bytes.Equal(d.archived(), served) || len(served) == 0 {
		t.Errorf("served %d bytes, archived %d, attached %d; %d documents", len(served), len(d.archived()), len(d.hung[csvName]), len(d.hung))
	}
	for name, body := range map[string][]byte{csvName: served, "settlement.10001.pdf": d.hung["settlement.10001.pdf"]} {
		line := fmt.Sprintf("%-40s %12d bytes  SHA-256 %s\n", name, len(body), sumOf(body))
		if !strings.Contains(d.proof(), line) {
			t.Errorf("the proof lacks %q:\n%s", line, d.proof())
		}
	}
	for body, err := range archive.Read(t.Context(), d.store, "c1", "10001", archive.KindProof) {
		if err != nil || string(body) != d.proof() {
			t.Errorf("the archived proof is another one: %v", err)
		}
	}
}

func TestARetryReadsTheReportsFromTheArchive(t *testing.T) {
	d := newDesk(t)
	d.refuses = func(visma.File) error { return errors.New("killed") } // between archive and attach
	if err := d.documents(); err == nil {
		t.Fatal("nothing failed")
	}
	d.refuses = nil
	d.must(d.documents())
	d.must(d.documents())
	asked := d.klarna.Requests().ByEndpoint
	if asked[csvPath] != 1 || asked["/reports/payout"] != 1 || len(d.hung) != 3 {
		t.Errorf("Klarna was asked %v, and %d documents hang on the batch", asked, len(d.hung))
	}
}

func TestACSVThatWasCutOffIsFetchedAgainAndNeverTakenForWhole(t *testing.T) {
	d := newDesk(t)
	served := d.csv()
	d.klarna.Inject(klarnasim.Fault{Kind: klarnasim.FaultCut, Path: csvPath, Times: 1})
	if err := d.documents(); fault.ClassOf(err) != fault.Transient {
		t.Errorf("the error is %v", err)
	}
	if len(d.archived()) > 0 || len(d.hung) > 0 {
		t.Errorf("%d bytes are archived, and %d documents hang on the batch", len(d.archived()), len(d.hung))
	}
	d.must(d.documents())
	if !bytes.Equal(d.archived(), served) || !bytes.Equal(d.hung[csvName], served) {
		t.Error("the second answer was not taken")
	}
}

func TestAPayoutWithoutReportsGetsTheProofAlone(t *testing.T) {
	d := newDesk(t)
	for _, path := range []string{csvPath, "/reports/payout"} {
		d.klarna.Inject(klarnasim.Fault{Kind: klarnasim.FaultStatus, Status: http.StatusNotFound, Path: path})
	}
	d.must(d.documents())
	if len(d.hung) != 1 || !strings.Contains(d.proof(), "Klarna has no CSV report for this payout.") || !strings.Contains(d.proof(), "Klarna has no PDF report for this payout.") {
		t.Errorf("%d documents:\n%s", len(d.hung), d.proof())
	}
}

func no(status int) error {
	return &fault.Error{Class: fault.Rejected, Party: "Visma.net", Attempted: "attach file to journal transaction", Status: status, Words: "Request body too large."}
}

func TestACSVThatVismaNetDoesNotTakeIsCompressedOrLeftOutAndTheBatchGoesOn(t *testing.T) {
	for name, c := range map[string]struct {
		refused []string
		hangs   []string
		words   string
	}{
		"as it is":   {[]string{csvName}, []string{csvName + ".gz"}, "compressed, as settlement.10001.csv.gz"},
		"compressed": {[]string{csvName, csvName + ".gz"}, nil, "It is not attached: attach file to journal transaction"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.refuses = func(f visma.File) error {
				for _, name := range c.refused {
					if name == f.Name {
						return no(http.StatusRequestEntityTooLarge)
					}
				}
				return nil
			}
			d.must(d.documents())
			served := d.csv()
			if len(d.hung) != 2+len(c.hangs) || !strings.Contains(d.proof(), c.words) || !strings.Contains(d.proof(), sumOf(served)) || !bytes.Equal(d.archived(), served) {
				t.Errorf("%d documents:\n%s", len(d.hung), d.proof())
			}
			for _, name := range c.hangs {
				if got := gunzip(t, d.hung[name]); !bytes.Equal(got, served) {
					t.Errorf("gunzip makes %d bytes of it", len(got))
				}
			}
		})
	}
}

func gunzip(t *testing.T, b []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestOnlyTheCSVIsDoneWithout(t *testing.T) {
	d := newDesk(t)
	d.refuses = func(f visma.File) error {
		if strings.HasSuffix(f.Name, ".pdf") {
			return no(http.StatusRequestEntityTooLarge)
		}
		return nil
	}
	if err := d.documents(); fault.ClassOf(err) != fault.Rejected {
		t.Errorf("the PDF was refused, and the error is %v", err)
	}
}

// TestAFailingCSVIsWaitedForAndNotForever: what may heal is waited for, and what
// cannot be read is asked for three times.
func TestAFailingCSVIsWaitedForAndNotForever(t *testing.T) {
	for name, c := range map[string]struct {
		fault    klarnasim.Fault
		patience time.Duration
		before   int // attempts that found it unreadable
		goesOn   bool
	}{
		"a moment":       {klarnasim.Fault{Kind: klarnasim.FaultStatus}, time.Hour, 0, false},
		"too long":       {klarnasim.Fault{Kind: klarnasim.FaultStatus}, time.Nanosecond, 0, true},
		"cut off":        {klarnasim.Fault{Kind: klarnasim.FaultCut}, time.Nanosecond, 0, true},
		"unreadable":     {klarnasim.Fault{Kind: klarnasim.FaultHTML}, time.Nanosecond, 1, false},
		"for the third":  {klarnasim.Fault{Kind: klarnasim.FaultHTML}, time.Hour, 2, true},
		"no bytes of it": {klarnasim.Fault{Kind: klarnasim.FaultGarbage}, time.Hour, 2, true},
		"a clear no":     {klarnasim.Fault{Kind: klarnasim.FaultStatus, Status: http.StatusBadRequest}, time.Hour, 0, true},
		"throttled":      {klarnasim.Fault{Kind: klarnasim.FaultThrottled, RetryAfter: 1}, time.Nanosecond, 0, false},
		"not let in":     {klarnasim.Fault{Kind: klarnasim.FaultStatus, Status: http.StatusForbidden}, time.Nanosecond, 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.on.CSVPatience = c.patience
			c.fault.Path = csvPath
			d.klarna.Inject(c.fault)
			var suite testsuite.WorkflowTestSuite
			env := suite.NewTestActivityEnvironment()
			if c.before > 0 {
				env.SetHeartbeatDetails(c.before)
			}
			step := func(ctx context.Context) error { return d.on.documents(ctx, d.ref, d.voucher, d.attach) }
			env.RegisterActivity(step)
			_, err := env.ExecuteActivity(step)
			if goesOn := err == nil; goesOn != c.goesOn {
				t.Fatalf("the error is %v", err)
			}
			if len(d.archived()) > 0 || c.goesOn && (len(d.hung) != 2 || !strings.Contains(d.proof(), "Klarna's CSV report could not be had: fetch the CSV report of payout 10001")) {
				t.Errorf("%d bytes are archived, %d documents:\n%s", len(d.archived()), len(d.hung), d.proof())
			}
		})
	}
}

func TestTheCSVIsArchivedForEachRevisionOfItsOwn(t *testing.T) {
	d := newDesk(t)
	d.must(d.documents())
	d.must(d.store.UpdatePayout(t.Context(), "c1", "10001", func(p *store.Payout) error { p.Revision = 2; return nil }, nil))
	d.must(d.documents())
	for _, kind := range []string{archive.KindCSV, archive.Revised(archive.KindCSV, 2)} {
		if w, err := archive.Measure(t.Context(), d.store, "c1", "10001", kind); err != nil || w.Parts != 1 {
			t.Errorf("%s: %+v, %v", kind, w, err)
		}
	}
}
