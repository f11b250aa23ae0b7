package upgrade

import (
	"compress/gzip"
	"database/sql"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kvitt/internal/access"
	"kvitt/internal/instruct"
	"kvitt/internal/pgtest"
	"kvitt/internal/store"
	"kvitt/internal/vault"
	"kvitt/internal/voucher"
	"kvitt/sandbox/vismasim"
	"kvitt/workflows"
)

var renew = flag.String("renew", "", "record the fixtures of the release of this name, such as `v3`, from the code as it is")

const (
	anna = "anna@example.com"
	// inTests is the workflow that Temporal's test environment says an activity is of.
	inTests = "default-test-workflow-id"
)

// TestRecord records fixtures, one for each kind of database, and makes sure
// that they hold the same.
func TestRecord(t *testing.T) {
	if *renew == "" {
		t.Skip("nothing is recorded: -renew names no release")
	}
	folder := filepath.Join("testdata", *renew)
	must(t, os.MkdirAll(folder, 0o750))
	books := t.TempDir()
	database := "sqlite:" + filepath.Join(t.TempDir(), "kvitt.db")
	first := recorded(t, database, books)
	keepSQLite(t, database, filepath.Join(folder, "sqlite.db.gz"))
	address := pgtest.Database(t)
	if diff := cmp.Diff(first, recorded(t, address, t.TempDir())); diff != "" {
		t.Fatalf("the two databases hold different things:\n%s", diff)
	}
	keepPostgres(t, address, filepath.Join(folder, "postgres.sql.gz"))
	text, err := os.ReadFile(filepath.Join(books, "visma.jsonl"))
	must(t, err)
	zip(t, text, filepath.Join(folder, "visma.jsonl.gz"))
	writeContents(t, folder, first)
	f := load(t, *renew, onSQLite(t), 2*time.Hour, "")
	f.finish()
	for i, x := range f.works {
		first.Works[i].Ends = x.end()
	}
	if wrong := f.judge(); slices.ContainsFunc(wrong, func(s string) bool { return !strings.Contains(s, "it ends as") }) {
		t.Fatalf("this release does not end its own database well:\n%s", strings.Join(wrong, "\n"))
	}
	writeContents(t, folder, first)
}

func writeContents(t *testing.T, folder string, holds contents) {
	t.Helper()
	text, err := json.MarshalIndent(holds, "", "  ")
	must(t, err)
	must(t, os.WriteFile(filepath.Join(folder, "contents.json"), append(text, '\n'), 0o600))
}

func keepSQLite(t *testing.T, database, to string) {
	t.Helper()
	s, err := store.Open(t.Context(), database)
	must(t, err)
	defer s.Close()
	copied := filepath.Join(t.TempDir(), "copy.db")
	must(t, s.Backup(t.Context(), copied))
	body, err := os.ReadFile(copied)
	must(t, err)
	zip(t, body, to)
}

// keepPostgres writes plain SQL that any server of today takes, without psql.
func keepPostgres(t *testing.T, address, to string) {
	t.Helper()
	dump := exec.CommandContext(t.Context(), "pg_dump", "--inserts", "--rows-per-insert=50", "--no-owner", "--no-privileges", "--no-comments", address)
	dump.Stderr = os.Stderr
	text, err := dump.Output()
	must(t, err)
	lines := slices.DeleteFunc(strings.SplitAfter(string(text), "\n"), func(line string) bool {
		return strings.HasPrefix(line, `\`) || strings.HasPrefix(line, "SET ") || strings.HasPrefix(line, "--") || line == "\n"
	})
	zip(t, []byte(strings.Join(lines, "")), to)
}

func zip(t *testing.T, body []byte, to string) {
	t.Helper()
	file, err := os.Create(to)
	must(t, err)
	w, err := gzip.NewWriterLevel(file, gzip.BestCompression)
	must(t, err)
	_, err = w.Write(body)
	must(t, err)
	must(t, w.Close())
	must(t, file.Close())
}

// recorder fills a database by the code under test.
type recorder struct {
	*world
	works []*work
}

func recorded(t *testing.T, database, books string) contents {
	t.Helper()
	r := &recorder{world: newWorld(t, database, books, 0, 15*time.Minute)}
	for _, f := range firms {
		r.connect(f)
	}
	for n, recipe := range recipes {
		r.payout(recipe, reference(n))
	}
	for _, recipe := range accruals {
		r.accrual(recipe)
	}
	for _, x := range r.works {
		r.describe(x)
	}
	return contents{r.count(database), r.works}
}

// kept are the tables that a fixture must not leave empty.
var kept = []string{
	"connections", "profiles", "secrets", "payouts", "documents", "postings", "posting_attempts", "accruals", "accrual_attempts",
	"drift", "accrual_drift", "stops", "decisions", "openings", "scanned_periods", "seen_batches", "sync_runs", "audit_log", "instructions",
}

func (r *recorder) count(database string) map[string]int64 {
	t := r.t
	t.Helper()
	driver, address := "pgx", database
	if file, ok := strings.CutPrefix(database, "sqlite:"); ok {
		driver, address = "sqlite", file
	}
	raw, err := sql.Open(driver, address)
	must(t, err)
	defer func() { _ = raw.Close() }()
	rows := map[string]int64{}
	for _, table := range kept {
		var n int64
		must(t, raw.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM "+table).Scan(&n))
		if n == 0 {
			t.Errorf("nothing is in %s", table)
		}
		rows[table] = n
	}
	return rows
}

// connect makes a connection and lists its payouts.
func (r *recorder) connect(f firm) {
	t := r.t
	t.Helper()
	must(t, r.store.CreateConnection(t.Context(), store.Connection{
		ID: f.id, Name: "Kvitt " + f.id, Provider: "klarna", Region: "eu", Environment: "test", Posting: f.posting,
		State: "active", Start: "2025-11-01", MerchantID: f.merchant, BaseCurrency: "SEK",
	}))
	split := "policy: hold\n  split: true"
	if f.id == "accrues" {
		split = "policy: hold"
	}
	preset, err := voucher.Preset("se-bas")
	must(t, err)
	document := strings.NewReplacer("mode: review", "mode: "+f.posting, "policy: hold", split, "review_after_change: 1", "review_after_change: 0").Replace(string(preset))
	profile, err := voucher.ParseProfile([]byte(document))
	must(t, err)
	_, err = r.store.AddProfile(t.Context(), f.id, []byte(document), profile.Hash(), anna)
	must(t, err)
	must(t, r.vault.Put(t.Context(), f.id, access.FieldKlarna, vault.Secret(`{"key":"`+f.key+`"}`)))
	secret, err := grant(f)
	must(t, err)
	must(t, r.vault.Put(t.Context(), f.id, access.FieldVisma, vault.Secret(secret)))

	company, err := r.doors.Company(t.Context(), f.id)
	must(t, err)
	row, err := r.store.Connection(t.Context(), f.id)
	must(t, err)
	row.CompanyID, row.CompanyName = company.ID, "Kvitt "+f.id+" AB"
	must(t, r.store.SaveConnection(t.Context(), row))
	must(t, r.store.PutOpening(t.Context(), store.Opening{
		ConnectionID: f.id, Currency: "SEK", Start: "2025-11-01", Way: store.OpeningInBooks, Figures: json.RawMessage(`[]`), Who: anna, Reason: "nothing stood open",
	}))
	in := workflows.SyncInput{Connection: f.id, Mode: workflows.ModeSchedule}
	plan := ask(r.world, workflows.BeginSync, workflows.BeginSyncInput{SyncInput: in, RunID: "run-" + f.id, Nominal: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)})
	var found int64
	for _, window := range plan.Windows {
		found += int64(len(ask(r.world, workflows.ListPayouts, workflows.ListPayoutsInput{Connection: f.id, Window: window}).Due))
	}
	ask(r.world, workflows.FinishSync, workflows.FinishSyncInput{
		Connection: f.id, RunID: plan.RunID, Window: workflows.Window{From: plan.Windows[0].From, To: plan.Windows[len(plan.Windows)-1].To},
	})
	if found == 0 {
		t.Fatalf("no payouts of %s are due", f.id)
	}
}

// ask runs an activity that must not fail.
func ask[In, Out any](w *world, a workflows.Activity[In, Out], in In) Out {
	w.t.Helper()
	out, err := run(w, a, in)
	if err != nil {
		w.t.Fatalf("%s: %v", a.Name, err)
	}
	return out
}

func (r *recorder) payout(c recipe, ref string) {
	t := r.t
	t.Helper()
	x := &work{Name: c.name, Kind: payout, Connection: c.connection, Reference: ref, State: workflows.StateDiscovered, Next: workflows.ProvePayout.Name}
	r.works = append(r.works, x)
	if len(c.then) > 0 && c.then[0] == "reverse" {
		r.cook(x, recipe{})
	} else {
		r.cook(x, c)
	}
	for _, deed := range c.then {
		r.do(deed, c, x)
	}
}

// cook drives a work as its recipe says.
func (r *recorder) cook(x *work, c recipe) {
	t := r.t
	t.Helper()
	r.begin()
	if c.at != "" {
		must(t, r.drive(x, c.at))
		if x.Next != c.at {
			t.Fatalf("%s: %s was not reached, but %s, %s", x.Name, c.at, x.Next, x.Held)
		}
	}
	if c.visma.Kind != "" {
		f := c.visma
		f.Method, f.Path = "POST", journals
		if f.Kind == vismasim.ReleaseFailed {
			f.Path = release
		}
		must(t, r.visma.Inject(f))
	}
	if c.dies != nil {
		dies := *c.dies
		r.wire.armed = &dies
	}
	err := r.drive(x, c.stops)
	switch {
	case c.dies != nil && (err == nil || !strings.Contains(err.Error(), died) || r.wire.armed != nil):
		t.Fatalf("%s: the worker did not die: %v, it is %s %s", x.Name, err, x.State, x.Held)
	case c.dies == nil && err != nil && c.visma.Kind == "":
		t.Fatalf("%s: %v", x.Name, err)
	case c.dies == nil && err != nil:
		t.Logf("%s: %v", x.Name, err)
	}
	r.visma.ClearFaults()
}

// instruct writes down who asks for something.
func (r *recorder) instruct(connection, action, digest string) workflows.Instruction {
	r.t.Helper()
	id, err := instruct.NewBook(r.vault, r.store).Write(r.t.Context(), instruct.Instruction{
		Connection: connection, Workflow: inTests, Action: action, Who: anna, Digest: digest,
	})
	must(r.t, err)
	return workflows.Instruction{ID: id, Action: action, Who: anna, Digest: digest}
}

// decide lets Anna decide about a payout.
func (r *recorder) decide(x *work, kind, action string) {
	r.t.Helper()
	by := workflows.Person{Who: anna, Reason: "as it has to be"}
	d := workflows.Decision{PayoutRef: x.ref(), Kind: kind, Who: anna, Reason: by.Reason, Instruction: r.instruct(x.Connection, action, workflows.DigestOf(by))}
	if x.Compiled != nil {
		d.VoucherHash = x.Compiled.VoucherHash
	}
	if got := ask(r.world, workflows.RecordDecision, d); got.Refused != "" {
		r.t.Fatalf("%s: %s", x.Name, got.Refused)
	}
}

// batchOf is the batch that the company has for a payout.
func (r *recorder) batchOf(x *work) *vismasim.Batch {
	r.t.Helper()
	found := r.visma.Books(tenantOf(x.Connection)).WithReference(x.Reference)
	if len(found) != 1 {
		r.t.Fatalf("%s: there are %d batches", x.Name, len(found))
	}
	return found[0]
}

func tenantOf(connection string) string {
	for _, f := range firms {
		if f.id == connection {
			return f.tenant
		}
	}
	return ""
}

// do is something that a person does.
func (r *recorder) do(deed string, c recipe, x *work) {
	t := r.t
	t.Helper()
	switch deed {
	case "go on", "anew":
		if deed == "anew" {
			x.Next = workflows.ProvePayout.Name
		}
		r.cook(x, recipe{})
	case "drift":
		ask(r.world, workflows.CheckDrift, workflows.DriftInput{Connection: x.Connection})
	case "edit":
		must(t, r.visma.EditBatch(tenantOf(x.Connection), r.batchOf(x).Number, func(b *vismasim.Batch) { b.Lines[0].Account = "1940" }))
	case "foreign":
		_, err := r.visma.AddBatch(tenantOf(x.Connection), vismasim.ForeignBatch{Date: "2026-03-10", Description: "Klarna by hand", Lines: []vismasim.ForeignLine{
			{Account: "1930", Reference: x.Reference, Debit: 1_000}, {Account: "1686", Reference: x.Reference, Credit: 1_000},
		}})
		must(t, err)
	case "elsewhere":
		_, err := r.store.Decide(t.Context(), store.Decision{
			ConnectionID: x.Connection, Work: store.WorkPayout, Name: x.Reference, Kind: store.DecidedElsewhere,
			Code: "booked_elsewhere", BatchNumber: r.batchOf(x).Number, Evidence: json.RawMessage(`{}`), Who: anna, Reason: "booked by hand",
		})
		must(t, err)
	case "reject":
		r.decide(x, workflows.DecisionReject, workflows.RejectPayout.Name)
	case "approve":
		r.decide(x, workflows.DecisionApprove, workflows.ApprovePayout.Name)
		x.Approved = x.Compiled.VoucherHash
		x.Next, x.State, x.Held = workflows.PostVoucher.Name, workflows.StateCompiled, ""
	case "reverse":
		r.reverse(c, x)
	case "repost":
		r.decide(x, workflows.DecisionRepost, workflows.RepostPayout.Name)
		x.Next, x.State, x.Compiled, x.Batch = workflows.ProvePayout.Name, workflows.StateDiscovered, nil, ""
	case "accepted":
		r.cook(x, recipe{at: workflows.PostVoucher.Name, dies: &crash{method: "GET", path: job}})
	default:
		t.Fatalf("nobody knows how to %s", deed)
	}
}

func (r *recorder) reverse(c recipe, x *work) {
	t := r.t
	t.Helper()
	in := workflows.ReverseInput{PayoutRef: x.ref(), Revision: 1, Who: anna, Reason: "the wrong account"}
	prepared := ask(r.world, workflows.PrepareReversal, in)
	if prepared.Refused != "" || prepared.Held != nil {
		t.Fatalf("%s: %+v", x.Name, prepared)
	}
	if got := ask(r.world, workflows.RecordDecision, workflows.Decision{
		PayoutRef: x.ref(), Kind: workflows.DecisionReverse, Who: anna, Reason: in.Reason, VoucherHash: prepared.VoucherHash,
		Instruction: r.instruct(x.Connection, workflows.ActionReverse, workflows.DigestOf(in)),
	}); got.Refused != "" {
		t.Fatalf("%s: %s", x.Name, got.Refused)
	}
	back := &work{
		Name: c.name, Kind: reversal, Connection: x.Connection, Reference: x.Reference, State: workflows.StateProven,
		Next: workflows.PostReversal.Name, Reversal: &workflows.ReversalStep{ReverseInput: in, PreparedReversal: prepared},
	}
	r.works = append(r.works, back)
	r.cook(back, c)
	if back.State == workflows.StateReversed {
		x.State = workflows.StateReversed
	}
}

func (r *recorder) accrual(c recipe) {
	t := r.t
	t.Helper()
	in := workflows.AccrualInput{Connection: "accrues", At: c.day, Currency: "SEK", Who: anna}
	instruction := r.instruct(in.Connection, workflows.ActionAccrue, workflows.DigestOf(in))
	in.Instruction = instruction.ID
	prepared := ask(r.world, workflows.PrepareAccrual, in)
	if prepared.Refused != "" {
		t.Fatalf("%s: %s", c.name, prepared.Refused)
	}
	in.Instruction = "" // it is used, and as random as ids are
	x := &work{
		Name: c.name, Kind: accrual, Connection: in.Connection, State: workflows.StateProven, Next: workflows.PostAccrual.Name,
		Accrual: &workflows.AccrualStep{AccrualInput: in, PreparedAccrual: prepared},
	}
	r.works = append(r.works, x)
	r.cook(x, c)
	for _, deed := range c.then {
		r.do(deed, c, x)
	}
}

// describe writes down what the database and the books have of a work.
func (r *recorder) describe(x *work) {
	t := r.t
	t.Helper()
	kinds := map[string][]string{payout: {store.KindPayout, store.KindPart}, reversal: {store.KindReversal}, accrual: {store.KindAccrual}}[x.Kind]
	var rows []store.Booking
	for _, kind := range kinds {
		all, err := r.store.Bookings(t.Context(), x.Connection, x.Reference, kind)
		must(t, err)
		rows = append(rows, all...)
	}
	for _, row := range rows {
		if x.Kind == accrual && row.Name != x.Accrual.Name() {
			continue
		}
		kind := x.Kind
		if row.Kind == store.KindPart {
			kind = "split"
		}
		p := posting{
			Token: row.Token, Kind: kind, Revision: row.Revision, State: row.State, Period: row.Period, Batch: row.BatchNumber, Adopted: row.Adopted, Attempts: row.Attempts,
		}
		for _, b := range r.visma.Books(tenantOf(x.Connection)).WithDescription(row.Token) {
			if b.Reverses == "" {
				p.Booked = b.Number
			}
		}
		x.Postings = append(x.Postings, p)
	}
}
