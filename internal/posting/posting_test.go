package posting_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"kvitt/internal/fault"
	"kvitt/internal/held"
	"kvitt/internal/posting"
	"kvitt/internal/store"
	"kvitt/internal/visma"
	"kvitt/internal/voucher"
)

func TestAVoucherIsBookedReadBackAttachedAndReleased(t *testing.T) {
	b := newBench(t)
	state, got := b.finish(t, b.poster(), intent())
	if state != posting.Verified || got.BatchNumber != "000001" || got.Adopted {
		t.Errorf("ended as %s, %+v", state, got)
	}
	b.onlyOne(t, visma.BatchPosted)
	if len(b.attached) != 1 || b.releases != 1 || b.creates != 1 {
		t.Errorf("attached %v, %d releases, %d creates", b.attached, b.releases, b.creates)
	}
}

func TestADraftIsLeftOnHold(t *testing.T) {
	b := newBench(t)
	state, _ := b.finish(t, b.poster(), intent(func(in *posting.Intent) { in.Draft = true }))
	if state != posting.Draft || b.releases != 0 {
		t.Errorf("ended as %s after %d releases", state, b.releases)
	}
	b.onlyOne(t, visma.BatchHold)
}

func TestAFinalPayoutIsNeverPostedAgain(t *testing.T) {
	b := newBench(t)
	b.finish(t, b.poster(), intent())
	state, got := b.finish(t, b.poster(), intent())
	if state != posting.Verified || got.BatchNumber != "000001" {
		t.Errorf("ended as %s, %+v", state, got)
	}
	if b.creates != 1 || b.releases != 1 {
		t.Errorf("%d creates, %d releases", b.creates, b.releases)
	}
}

func TestABatchThatWasBookedBehindATimeOutIsAdopted(t *testing.T) {
	b := newBench(t)
	b.onCreate = func(_ *books, commit func() string) (visma.Accepted, error) {
		commit()
		return visma.Accepted{}, errNoAnswer
	}
	state, got := b.finish(t, b.poster(), intent())
	if state != posting.Verified || !got.Adopted {
		t.Errorf("ended as %s, %+v", state, got)
	}
	b.onlyOne(t, visma.BatchPosted)
}

func TestABatchThatAppearsLateIsAdoptedNotRepeated(t *testing.T) {
	b := newBench(t)
	var late func() string
	b.onCreate = func(_ *books, commit func() string) (visma.Accepted, error) {
		late = commit
		return visma.Accepted{}, errNoAnswer
	}
	p := b.poster()
	for looks := 0; ; looks++ {
		got, err := p.Post(t.Context(), intent())
		if err != nil || got.Stop != nil {
			t.Fatalf("%+v, %v", got, err)
		}
		if got.BatchNumber != "" {
			break
		}
		if b.clock = b.clock.Add(got.LookAgain); looks == 2 {
			late()
		}
	}
	if b.creates != 1 {
		t.Errorf("it was posted %d times", b.creates)
	}
	b.onlyOne(t, visma.BatchBalanced)
}

func TestAPostIsRepeatedOnlyAfterTheBatchStayedAwayLongEnough(t *testing.T) {
	b := newBench(t)
	tries := 0
	b.onCreate = func(b *books, commit func() string) (visma.Accepted, error) {
		if tries++; tries == 1 {
			return visma.Accepted{}, errNoAnswer // and nothing was booked
		}
		return b.accept(commit()), nil
	}
	began := b.clock
	state, _ := b.finish(t, b.poster(), intent())
	if state != posting.Verified || b.creates != 2 {
		t.Errorf("ended as %s after %d creates", state, b.creates)
	}
	if waited := b.clock.Sub(began); waited < 15*time.Minute {
		t.Errorf("it was posted again after %s", waited)
	}
	if b.lists < 3 {
		t.Errorf("it was looked for %d times", b.lists)
	}
	b.onlyOne(t, visma.BatchPosted)
}

func TestJobsThatGoWrongAreLookedForNotRepeated(t *testing.T) {
	lost := func(status int) func(*books, string, visma.Job) (visma.Job, error) {
		return func(*books, string, visma.Job) (visma.Job, error) {
			return visma.Job{}, &fault.Error{Class: fault.Rejected, Party: "Visma.net", Attempted: "read job", Status: status}
		}
	}
	cases := map[string]func(*books, string, visma.Job) (visma.Job, error){
		"lost (404)": lost(404),
		"gone (410)": lost(410),
		"failed after it had booked": func(_ *books, _ string, j visma.Job) (visma.Job, error) {
			j.Status, j.StatusCode = visma.JobFailed, 500
			return j, nil
		},
		"finished with 500": func(_ *books, _ string, j visma.Job) (visma.Job, error) {
			j.StatusCode = 500
			return j, nil
		},
		"finished without a location": func(_ *books, _ string, j visma.Job) (visma.Job, error) {
			j.ResponseHeaders = nil
			return j, nil
		},
	}
	for name, onJob := range cases {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.onJob = onJob
			state, got := b.finish(t, b.poster(), intent())
			if state != posting.Verified || !got.Adopted || b.creates != 1 {
				t.Errorf("ended as %s, %+v after %d creates", state, got, b.creates)
			}
			b.onlyOne(t, visma.BatchPosted)
		})
	}
}

func TestAClearNoIsHeldWithVismasWordsAndNeverRepeatedByItself(t *testing.T) {
	b := newBench(t)
	b.onCreate = func(b *books, _ func() string) (visma.Accepted, error) {
		b.jobs["job-1"] = visma.Job{ID: "job-1", Status: visma.JobFinished, StatusCode: 400, HasResponseContent: true}
		return visma.Accepted{JobID: "job-1"}, nil
	}
	state, got := b.finish(t, b.poster(), intent())
	if state != "held" || got.Stop.Code != held.Rejected || !strings.Contains(got.Stop.Detail, "the period is closed") {
		t.Errorf("ended as %s, %+v", state, got.Stop)
	}
	if b.creates != 1 || len(b.batches) != 0 {
		t.Errorf("%d creates, %d batches", b.creates, len(b.batches))
	}
	// A person corrects the cause and retries: the same token, one batch.
	b.onCreate = nil
	if state, _ := b.finish(t, b.poster(), intent()); state != posting.Verified {
		t.Errorf("after the correction: %s", state)
	}
	b.onlyOne(t, visma.BatchPosted)
}

func TestErrorsThatAreAClearNoAndHealAreLeftToTemporal(t *testing.T) {
	for _, class := range []fault.Class{fault.Auth, fault.Throttled, fault.Transient} {
		t.Run(string(class), func(t *testing.T) {
			b := newBench(t)
			b.onCreate = func(*books, func() string) (visma.Accepted, error) {
				return visma.Accepted{}, &fault.Error{Class: class, Party: "Visma.net", Attempted: "post"}
			}
			_, err := b.poster().Post(t.Context(), intent())
			if fault.ClassOf(err) != class {
				t.Fatalf("the error is %v", err)
			}
			b.onCreate = nil
			if state, got := b.finish(t, b.poster(), intent()); state != posting.Verified || got.Adopted {
				t.Errorf("afterwards: %s, %+v", state, got)
			}
			b.onlyOne(t, visma.BatchPosted)
		})
	}
}

func TestTheSameTokenWithAnotherVoucherIsALoudStop(t *testing.T) {
	b := newBench(t)
	b.finish(t, b.poster(), intent())
	changed := intent(func(in *posting.Intent) { in.Voucher.Lines[0].Debit++; in.Voucher.Lines[1].Credit++ })
	state, got := b.finish(t, b.poster(), changed)
	if state != "held" || got.Stop.Code != held.ChangedAfterPosting {
		t.Errorf("ended as %s, %+v", state, got.Stop)
	}
	b.onlyOne(t, visma.BatchPosted)
}

func TestAnEmptyDatabaseFindsWhatAnEarlierInstallationBooked(t *testing.T) {
	before := newBench(t)
	before.finish(t, before.poster(), intent())
	after := newBench(t)
	after.books = before.books
	state, got := after.finish(t, after.poster(), intent())
	if state != posting.Verified || !got.Adopted || got.BatchNumber != "000001" {
		t.Errorf("ended as %s, %+v", state, got)
	}
	if after.creates != 1 {
		t.Errorf("it was posted %d times", after.creates)
	}
	after.onlyOne(t, visma.BatchPosted)
}

func TestARestoredDatabaseFindsWhatWasPostedAfterItsBackup(t *testing.T) {
	for name, left := range map[string]func(*store.Booking){
		"nothing of it": nil,
		"a refusal":     func(r *store.Booking) { r.State, r.Attempts = posting.Rejected, 1 },
		"an intent":     func(r *store.Booking) { r.State, r.Attempts = posting.Intended, 1 },
	} {
		t.Run(name, func(t *testing.T) {
			before, after := newBench(t), newBench(t)
			// The backup was taken when the period had been read and was empty.
			if err := after.store.RememberPeriod(t.Context(), "42", "202601", nil); err != nil {
				t.Fatal(err)
			}
			if left != nil {
				in := intent()
				row := store.Booking{
					CompanyID: "42", Token: in.Voucher.Token, ConnectionID: "c1", PaymentReference: "10001",
					VoucherHash: in.Voucher.Hash(), Voucher: []byte(`{}`), Period: "202601", Mode: "auto", State: posting.Intended,
				}
				if _, err := after.store.EnsureBooking(t.Context(), row); err != nil {
					t.Fatal(err)
				}
				if _, err := after.store.UpdateBooking(t.Context(), "42", row.Token, func(r *store.Booking) error { left(r); return nil }); err != nil {
					t.Fatal(err)
				}
			}
			before.finish(t, before.poster(), intent())
			after.books = before.books
			state, got := after.finish(t, after.poster(), intent())
			if state != posting.Verified || !got.Adopted || after.creates != 1 {
				t.Errorf("ended as %s, %+v after %d creates", state, got, after.creates)
			}
			after.onlyOne(t, visma.BatchPosted)
		})
	}
}

func TestABatchOfSomebodyElseThatCarriesTheReferenceHoldsThePayout(t *testing.T) {
	b := newBench(t)
	b.batches = []visma.JournalTransaction{{
		BatchNumber: "000001", FinancialPeriod: "202601", Description: "Klarna week 1, by hand",
		Lines: []visma.JournalTransactionLine{{AccountNumber: "1930", ReferenceNumber: "10001"}},
	}}
	state, got := b.finish(t, b.poster(), intent())
	if state != "held" || got.Stop.Code != held.BookedElsewhere || b.creates != 0 {
		t.Errorf("ended as %s, %+v after %d creates", state, got.Stop, b.creates)
	}
	b.batches[0].Lines[0].ReferenceNumber = "by hand" // a person has changed it
	if state, _ := b.finish(t, b.poster(), intent()); state != posting.Verified {
		t.Errorf("after the change: %s", state)
	}
}

func TestABatchThatIsNotTheVoucherIsNeverReleased(t *testing.T) {
	b := newBench(t)
	b.onCreate = func(b *books, commit func() string) (visma.Accepted, error) {
		accepted := b.accept(commit())
		b.batches[0].Lines[0].AccountNumber = "1940"
		return accepted, nil
	}
	state, got := b.finish(t, b.poster(), intent())
	if state != "held" || got.Stop.Code != held.BatchDiffers || b.releases != 0 {
		t.Errorf("ended as %s, %+v after %d releases", state, got.Stop, b.releases)
	}
	if !strings.Contains(got.Stop.Detail, "1940") || !strings.Contains(got.Stop.Detail, "1686") {
		t.Errorf("the detail names neither what is nor what was meant: %s", got.Stop.Detail)
	}
}

func TestAReleaseThatFailsIsRetriedAlone(t *testing.T) {
	b := newBench(t)
	b.onRelease = func(*books, func()) error {
		return &fault.Error{Class: fault.Rejected, Party: "Visma.net", Attempted: "release batch", Status: 400, Words: "the batch is being edited"}
	}
	state, got := b.finish(t, b.poster(), intent())
	if state != "held" || got.Stop.Code != held.ReleaseFailed {
		t.Errorf("ended as %s, %+v", state, got.Stop)
	}
	b.onRelease = nil
	if state, _ := b.finish(t, b.poster(), intent()); state != posting.Verified || b.creates != 1 {
		t.Errorf("afterwards %s, %d creates", state, b.creates)
	}
}

func TestABatchThatSomebodyChangedMeanwhileIsNotReleased(t *testing.T) {
	for name, stop := range map[string]func(b *bench){
		"its release had failed": func(b *bench) {
			b.onRelease = func(*books, func()) error {
				return &fault.Error{Class: fault.Rejected, Party: "Visma.net", Attempted: "release batch", Status: 400, Words: "the batch is being edited"}
			}
		},
		"its documents could not be had for days": func(b *bench) { b.noDocuments = true },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			stop(b)
			b.finish(t, b.poster(), intent())
			released := b.releases
			b.onRelease, b.noDocuments, b.clock = nil, false, b.clock.Add(48*time.Hour)
			b.batches[0].Lines[0].AccountNumber = "1940"
			state, got := b.finish(t, b.poster(), intent())
			if state != "held" || got.Stop.Code != held.BatchDiffers || b.releases != released || !strings.Contains(got.Stop.Detail, "1940") {
				t.Errorf("ended as %s, %+v after %d releases", state, got.Stop, b.releases-released)
			}
			b.batches[0].Lines[0].AccountNumber = "1686"
			if state, _ := b.finish(t, b.poster(), intent()); state != posting.Verified {
				t.Errorf("corrected, it ended as %s", state)
			}
			b.onlyOne(t, visma.BatchPosted)
		})
	}
}

func TestAReleaseIsConfirmedByTheBatchNotByTheAnswer(t *testing.T) {
	for name, onRelease := range map[string]func(*books, func()) error{
		"no answer, and it was released":   func(_ *books, commit func()) error { commit(); return errNoAnswer },
		"refused, because it was released": func(_ *books, commit func()) error { commit(); return &fault.Error{Class: fault.Rejected, Status: 400} },
		"no answer, and it was not": func(b *books, commit func()) error {
			if b.releases > 1 {
				commit()
				return nil
			}
			return errNoAnswer
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.onRelease = onRelease
			if state, _ := b.finish(t, b.poster(), intent()); state != posting.Verified {
				t.Errorf("ended as %s", state)
			}
			b.onlyOne(t, visma.BatchPosted)
		})
	}
}

func TestABatchPostedToBeReleasedIsNeverCalledADraft(t *testing.T) {
	b := newBench(t)
	if got, err := b.poster().Post(t.Context(), intent()); err != nil || got.Stop != nil {
		t.Fatalf("%+v, %v", got, err)
	}
	// The connection's mode is changed before the batch is complete.
	state, _, err := b.poster().Complete(t.Context(), intent(func(in *posting.Intent) { in.Draft = true }), documents)
	if err != nil || state != posting.Verified {
		t.Errorf("ended as %s, %v", state, err)
	}
	b.onlyOne(t, visma.BatchPosted)
}

func TestAVoidedBatchIsNotThePayout(t *testing.T) {
	for _, isDraft := range []bool{false, true} {
		before, after := newBench(t), newBench(t)
		before.finish(t, before.poster(), intent())
		before.batches[0].Status = visma.BatchVoided
		after.books = before.books
		state, got := after.finish(t, after.poster(), intent(func(in *posting.Intent) { in.Draft = isDraft }))
		if state != "held" || got.Stop.Code != held.BatchDiffers || !strings.Contains(got.Stop.Detail, "voided") {
			t.Errorf("ended as %s, %+v", state, got.Stop)
		}
	}
}

func TestAPayoutThatStandsInTwoBatchesIsHeldUntilOneIsLeft(t *testing.T) {
	before, after := newBench(t), newBench(t)
	before.finish(t, before.poster(), intent())
	twin := before.batches[0]
	twin.BatchNumber = "000002"
	before.batches = append(before.batches, twin)
	after.books = before.books
	state, got := after.finish(t, after.poster(), intent())
	if state != "held" || got.Stop.Code != held.BatchDiffers || !strings.Contains(got.Stop.Detail, "000001, 000002") {
		t.Fatalf("ended as %s, %+v", state, got.Stop)
	}
	after.batches[1].Description = "corrected by hand"
	if state, got := after.finish(t, after.poster(), intent()); state != posting.Verified || got.BatchNumber != "000001" {
		t.Errorf("with one left it ended as %s, %+v", state, got)
	}
	if after.creates != 1 {
		t.Errorf("it was posted %d times", after.creates)
	}
}

// blind does not show single batches.
type blind struct {
	*books
	status int
	reads  int
}

func (b *blind) JournalTransaction(context.Context, string) (*visma.JournalTransaction, string, error) {
	b.reads++
	return nil, "", &fault.Error{Class: fault.Rejected, Party: "Visma.net", Attempted: "read batch", Status: b.status}
}

func TestABatchThatIsListedAndCannotBeReadIsLookedForWithPatience(t *testing.T) {
	b := newBench(t)
	p := b.poster()
	p.Books = &blind{books: b.books, status: 404}
	for look := range 5 {
		got, err := p.Post(t.Context(), intent())
		if err != nil || got.Stop != nil || got.LookAgain < time.Minute {
			t.Fatalf("look %d: %+v, %v", look, got, err)
		}
		b.clock = b.clock.Add(got.LookAgain)
	}
	if reads := p.Books.(*blind).reads; reads != 5 || b.creates != 1 {
		t.Errorf("%d reads and %d creates in five looks", reads, b.creates)
	}
	if state, _ := b.finish(t, b.poster(), intent()); state != posting.Verified {
		t.Errorf("once it could be read it ended as %s", state)
	}
	b.onlyOne(t, visma.BatchPosted)
}

func TestARefusalToShowABatchDoesNotMeanThatItIsGone(t *testing.T) {
	b := newBench(t)
	b.batches = []visma.JournalTransaction{{
		BatchNumber: "000001", FinancialPeriod: "202601", Description: "Klarna week 1, by hand",
		Lines: []visma.JournalTransactionLine{{AccountNumber: "1930", ReferenceNumber: "10001"}},
	}}
	p := b.poster()
	p.Books = &blind{books: b.books, status: 400}
	if got, err := p.Post(t.Context(), intent()); err == nil || b.creates != 0 {
		t.Errorf("%+v, %v after %d creates", got, err, b.creates)
	}
}

func TestAConnectionThatWasMadeAnewOwnsWhatItPosts(t *testing.T) {
	b := newBench(t)
	b.onCreate = func(*books, func() string) (visma.Accepted, error) {
		return visma.Accepted{}, &fault.Error{Class: fault.Rejected, Party: "Visma.net", Attempted: "post", Status: 400}
	}
	b.finish(t, b.poster(), intent())
	b.onCreate = nil
	b.connect(t, "c2")
	again := intent(func(in *posting.Intent) { in.Connection = "c2" })
	for range 2 { // the second as after a crash
		if got, err := b.poster().Post(t.Context(), again); err != nil || got.BatchNumber != "000001" || got.Adopted {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if row, err := b.store.Booking(t.Context(), "42", again.Voucher.Token); err != nil || row.ConnectionID != "c2" {
		t.Errorf("the posting is %q's, %v", row.ConnectionID, err)
	}
}

// crash is a dying process as its own code sees it.
type crash struct{ at int }

// fragile is a poster whose process dies at the n-th thing it does, before or
// after the thing is done.
type fragile struct {
	*bench
	n, dieAt int
	deaths   int
}

func (f *fragile) step() {
	if f.n++; f.n == f.dieAt {
		f.deaths++
		panic(crash{f.n})
	}
}

type fragileBooks struct {
	posting.Books
	f *fragile
}

func (b fragileBooks) CreateJournalTransaction(ctx context.Context, t visma.JournalTransactionUpdate) (visma.Accepted, error) {
	b.f.step()
	a, err := b.Books.CreateJournalTransaction(ctx, t)
	b.f.step()
	return a, err
}

func (b fragileBooks) Job(ctx context.Context, id string) (visma.Job, error) {
	b.f.step()
	return b.Books.Job(ctx, id)
}

func (b fragileBooks) JournalTransaction(ctx context.Context, n string) (*visma.JournalTransaction, string, error) {
	b.f.step()
	return b.Books.JournalTransaction(ctx, n)
}

func (b fragileBooks) Release(ctx context.Context, n, etag string) (visma.ReleaseResult, error) {
	b.f.step()
	r, err := b.Books.Release(ctx, n, etag)
	b.f.step()
	return r, err
}

func (b fragileBooks) Attach(ctx context.Context, module, n string, f visma.File) error {
	b.f.step()
	err := b.Books.Attach(ctx, module, n, f)
	b.f.step()
	return err
}

type fragileMemory struct {
	posting.Memory
	f *fragile
}

func (m fragileMemory) EnsureBooking(ctx context.Context, p store.Booking) (store.Booking, error) {
	m.f.step()
	out, err := m.Memory.EnsureBooking(ctx, p)
	m.f.step()
	return out, err
}

func (m fragileMemory) UpdateBooking(ctx context.Context, company, token string, change func(*store.Booking) error) (store.Booking, error) {
	m.f.step()
	out, err := m.Memory.UpdateBooking(ctx, company, token, change)
	m.f.step()
	return out, err
}

func (f *fragile) poster() *posting.Poster {
	p := f.bench.poster()
	p.Books, p.Memory = fragileBooks{p.Books, f}, fragileMemory{p.Memory, f}
	return p
}

// TestACrashAtAnyPointLeavesExactlyOneBatch kills the process at every single
// thing it does, and lets a new one go on.
func TestACrashAtAnyPointLeavesExactlyOneBatch(t *testing.T) {
	for dieAt, died := 1, true; died; dieAt++ {
		t.Run(fmt.Sprint(dieAt), func(t *testing.T) {
			f := &fragile{bench: newBench(t), dieAt: dieAt}
			func() {
				defer func() {
					if r := recover(); r != nil {
						if _, ours := r.(crash); !ours {
							panic(r)
						}
					}
				}()
				f.finish(t, f.poster(), intent())
			}()
			died = f.deaths > 0
			if state, _ := f.finish(t, f.bench.poster(), intent()); state != posting.Verified {
				t.Errorf("after the crash it ended as %s", state)
			}
			f.onlyOne(t, visma.BatchPosted)
			if len(f.attached) != 1 {
				t.Errorf("attached: %v", f.attached)
			}
		})
	}
}

func TestTwoWorkersAtOnceBookOneBatch(t *testing.T) {
	b := newBench(t)
	p := b.poster()
	inside := false
	b.onCreate = func(bk *books, commit func() string) (visma.Accepted, error) {
		if !inside { // a second worker comes while the first one's POST is on its way
			inside = true
			if got, err := p.Post(t.Context(), intent()); err == nil && got.BatchNumber != "" {
				t.Errorf("the second worker booked %s", got.BatchNumber)
			}
		}
		return bk.accept(commit()), nil
	}
	state, _ := b.finish(t, p, intent())
	if state != posting.Verified || b.creates != 1 {
		t.Errorf("ended as %s after %d creates", state, b.creates)
	}
	b.onlyOne(t, visma.BatchPosted)
}

func TestATokenIsFoundInADescriptionThatVismaShortened(t *testing.T) {
	token := voucher.Token("K1", "10001", "42", 0)
	if got, ok := voucher.FindToken((token + " Klarna 10001")[:len(token)]); !ok || got != token {
		t.Errorf("found %q", got)
	}
}
