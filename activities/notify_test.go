package activities

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"

	"kvitt/internal/notice"
	"kvitt/internal/notify"
	"kvitt/internal/store"
	"kvitt/workflows"
)

// box is a channel that keeps what is sent.
type box struct {
	name string
	dead bool
	got  []string
}

func (b *box) Name() string { return b.name }

func (b *box) Send(_ context.Context, n *notice.Notice) error {
	if b.dead {
		return errors.New("no answer")
	}
	b.got = append(b.got, n.ID+" "+n.Name)
	return nil
}

func (b *box) Check(context.Context) (string, error) { return "", nil }

type noticeDesk struct {
	t     *testing.T
	store *store.Store
	env   *testsuite.TestActivityEnvironment
	do    *Notices
}

func newNoticeDesk(t *testing.T, channels ...notify.Channel) *noticeDesk {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "kvitt.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"c1", "c2"} {
		if err := s.CreateConnection(t.Context(), store.Connection{ID: id, Name: "Shop " + id, Provider: "klarna", Region: "eu", Posting: "auto", Start: "2026-01-01"}); err != nil {
			t.Fatal(err)
		}
	}
	d := &noticeDesk{t: t, store: s, env: (&testsuite.WorkflowTestSuite{}).NewTestActivityEnvironment()}
	d.do = &Notices{Store: s, Channels: channels, PublicURL: "http://127.0.0.1:8088", SyncLimit: 26 * time.Hour, GrantWarning: 14 * 24 * time.Hour}
	d.env.RegisterActivityWithOptions(d.do.Notify, activity.RegisterOptions{Name: "Notify"})
	d.env.RegisterActivityWithOptions(d.do.DropNotice, activity.RegisterOptions{Name: "DropNotice"})
	return d
}

func (d *noticeDesk) call(name string) error {
	d.t.Helper()
	_, err := d.env.ExecuteActivity(name, notice.Facts{ID: "n1", Kind: notice.ReauthRequired, Connection: "c1", Side: "klarna", Reason: "words of Klarna", At: time.Now()})
	return err
}

// trail returns what the audit trail says of notices, oldest first.
func (d *noticeDesk) trail() (out []string) {
	d.t.Helper()
	all, err := d.store.AuditTrail(d.t.Context(), "c1", 0)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, e := range slices.Backward(all) {
		if strings.HasPrefix(e.Action, "notice.") {
			out = append(out, e.Action+" "+e.Subject+" "+string(e.After))
		}
	}
	return out
}

func TestANoticeGoesOnceThroughEachChannelHoweverOftenItIsTried(t *testing.T) {
	mail, hook := &box{name: "mail", dead: true}, &box{name: "webhook"}
	d := newNoticeDesk(t, mail, hook)
	if err := d.call("Notify"); err == nil || !strings.Contains(err.Error(), "no answer") {
		t.Fatalf("a dead mail server was no error: %v", err)
	}
	mail.dead = false
	for range 2 { // the retry, and a run that continued as new
		if err := d.call("Notify"); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(mail.got, []string{"n1 Shop c1"}) || !slices.Equal(hook.got, []string{"n1 Shop c1"}) {
		t.Errorf("mail %v, webhook %v", mail.got, hook.got)
	}
	if err := d.call("DropNotice"); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`notice.sent notice/n1/log {"kind":"reauth_required"}`,
		`notice.sent notice/n1/webhook {"kind":"reauth_required"}`,
		`notice.sent notice/n1/mail {"kind":"reauth_required"}`,
	}
	if diff := cmp.Diff(want, d.trail()); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsNotDeliveredIsAuditedOnce(t *testing.T) {
	d := newNoticeDesk(t, &box{name: "mail", dead: true}, &box{name: "webhook"})
	if d.call("Notify") == nil {
		t.Fatal("a dead mail server was no error")
	}
	for range 2 {
		if err := d.call("DropNotice"); err != nil {
			t.Fatal(err)
		}
	}
	if got := d.trail(); len(got) != 3 || !strings.HasPrefix(got[2], "notice.not_delivered notice/n1/mail") {
		t.Errorf("%v", got)
	}
}

func TestWithoutChannelsANoticeIsLoggedAndNoError(t *testing.T) {
	d := newNoticeDesk(t)
	if err := errors.Join(d.call("Notify"), d.call("DropNotice")); err != nil {
		t.Fatal(err)
	}
	if got := d.trail(); len(got) != 1 || !strings.HasPrefix(got[0], "notice.sent notice/n1/log") {
		t.Errorf("%v", got)
	}
}

func TestStockIsThatOfTheOneConnection(t *testing.T) {
	d := newNoticeDesk(t)
	for connection, states := range map[string]map[string]string{
		"c1": {"1": "held", "2": "held", "3": workflows.StateAwaitingApproval, "4": workflows.StateVerified}, "c2": {"5": "held"},
	} {
		for ref, state := range states {
			if _, err := d.store.UpsertPayouts(t.Context(), connection, []store.Payout{{PaymentReference: ref, MerchantID: "K1", Currency: "SEK", SettlementType: "NET", Date: time.Now(), Payout: []byte("{}")}}); err != nil {
				t.Fatal(err)
			}
			if err := d.store.UpdatePayout(t.Context(), connection, ref, func(p *store.Payout) error {
				p.State = state
				switch state {
				case "held":
					p.HeldReason = "period_closed"
				case workflows.StateAwaitingApproval:
					p.HeldReason = "approval"
				}
				return nil
			}, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	at := time.Now().UTC().Truncate(time.Second)
	if err := d.store.PutSyncRun(t.Context(), store.SyncRun{ID: "r", ConnectionID: "c1", Mode: "schedule", From: at, To: at, StartedAt: at, FinishedAt: &at, Outcome: store.OutcomeNothingDue}); err != nil {
		t.Fatal(err)
	}
	for _, stop := range []store.Stop{
		{ConnectionID: "c1", Work: store.WorkReversal, Name: "4", Reason: "period_closed"},
		{ConnectionID: "c1", Work: store.WorkAccrual, Name: "a", Reason: "batch_differs"},
		{ConnectionID: "c1", Work: "payment", Name: "x", Reason: "y"},
		{ConnectionID: "c2", Work: store.WorkReversal, Name: "5", Reason: "period_closed"},
	} {
		if err := d.store.PutStop(t.Context(), stop); err != nil {
			t.Fatal(err)
		}
	}
	got, err := d.do.TakeStock(t.Context(), workflows.StockInput{Connection: "c1"})
	want := workflows.Stock{
		LastSync: at, SyncLimit: 26 * time.Hour, GrantWarning: 14 * 24 * time.Hour, Waiting: map[string]int64{"period_closed": 2, "approval": 1},
		Reversals: map[string]int64{"period_closed": 1}, Accruals: map[string]int64{"batch_differs": 1}, Others: map[string]int64{"y": 1},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

// The workflow tells of an accrual that was not taken back by the word that the
// comparison gives it, and of stops by the works that they are kept under.
func TestTheWorkflowsAndTheStoreMeanTheSameByAWord(t *testing.T) {
	for _, c := range [][2]string{
		{workflows.DriftNotTakenBack, store.NotTakenBack}, {workflows.WorkReversal, store.WorkReversal}, {workflows.WorkAccrual, store.WorkAccrual},
	} {
		if c[0] != c[1] {
			t.Errorf("%q and %q", c[0], c[1])
		}
	}
}
