package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"kvitt/internal/held"
	"kvitt/internal/klarna"
	"kvitt/internal/lang"
	"kvitt/internal/notice"
	"kvitt/internal/notify"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// Notices tells people what workflows have to say, through every channel, and
// to the log.
type Notices struct {
	Store                   *store.Store
	Channels                []notify.Channel
	PublicURL               string
	SyncLimit, GrantWarning time.Duration
}

// What the audit trail says of a notice, by channel.
const (
	noticeSent    = "notice.sent"
	noticeDropped = "notice.not_delivered"
)

// TakeStock reads how a connection stands, for the notices that are due by the
// calendar.
func (n *Notices) TakeStock(ctx context.Context, in workflows.StockInput) (workflows.Stock, error) {
	out := workflows.Stock{SyncLimit: n.SyncLimit, GrantWarning: n.GrantWarning, Waiting: map[string]int64{}}
	last, err := n.Store.LastSuccessfulSync(ctx, in.Connection)
	if err != nil {
		return out, err
	}
	if last != nil && last.FinishedAt != nil {
		out.LastSync = last.FinishedAt.UTC()
	}
	counts, err := n.Store.PayoutCounts(ctx)
	if err != nil {
		return out, err
	}
	for _, c := range counts {
		switch {
		case c.ConnectionID != in.Connection:
		case c.State == workflows.StateAwaitingApproval:
			out.Waiting[string(held.Approval)] += c.Payouts
		case c.State == workflows.StateHeld:
			out.Waiting[c.HeldReason] += c.Payouts
		}
	}
	return out, n.takeStockBeside(ctx, in.Connection, &out)
}

// takeStockBeside counts what waits for a person besides payouts.
func (n *Notices) takeStockBeside(ctx context.Context, connection string, out *workflows.Stock) error {
	stops, err := n.Store.Stops(ctx, connection, "")
	if err != nil {
		return err
	}
	counts := map[string]*map[string]int64{workflows.WorkReversal: &out.Reversals, workflows.WorkAccrual: &out.Accruals}
	for i := range stops {
		into := counts[stops[i].Work]
		if into == nil {
			into = &out.Others
		}
		if *into == nil {
			*into = map[string]int64{}
		}
		(*into)[stops[i].Reason]++
	}
	return nil
}

// Notify sends a notice through every channel that has not sent it yet. One
// that fails does not keep the others from it; Temporal tries again.
func (n *Notices) Notify(ctx context.Context, in notice.Facts) (workflows.Nothing, error) {
	connection, err := n.Store.Connection(ctx, in.Connection)
	if err != nil {
		return workflows.Nothing{}, err
	}
	to := n.reader(ctx, in.Connection)
	to.Says = klarna.Provider(connection.Provider).Says
	message := notice.ComposeFor(to, &in, connection.Name, n.PublicURL)
	var failed []error
	for _, channel := range append([]notify.Channel{logged{}}, n.Channels...) {
		failed = append(failed, n.once(ctx, channel, &message))
	}
	return workflows.Nothing{}, errors.Join(failed...)
}

// reader is the company of a connection. One whose profile cannot be read gets
// its notices all the same.
func (n *Notices) reader(ctx context.Context, connection string) notice.Reader {
	row, err := n.Store.Profile(ctx, connection, 0)
	if err != nil {
		return notice.Reader{}
	}
	profile, err := voucher.ParseProfile(row.Document)
	if err != nil {
		return notice.Reader{}
	}
	return notice.Reader{Zone: profile.Location(), Language: lang.Of(string(profile.Language))}
}

// once sends through one channel, and remembers that it did. Between the two a
// crash lets a notice go out again, under the same id.
func (n *Notices) once(ctx context.Context, channel notify.Channel, message *notice.Notice) error {
	subject := subjectOf(message.ID, channel)
	unlock, err := n.Store.Lock(ctx, subject, 2*time.Minute) // an attempt of an earlier run may be under way
	if err != nil {
		return err
	}
	defer unlock()
	done, err := n.Store.Audited(ctx, message.Connection, subject, noticeSent)
	if err != nil || done {
		return err
	}
	if err := channel.Send(ctx, message); err != nil {
		return err
	}
	return n.record(ctx, message.Connection, subject, noticeSent, message.Kind)
}

// DropNotice records through which channels a notice was not delivered, after
// its time was up.
func (n *Notices) DropNotice(ctx context.Context, in notice.Facts) (workflows.Nothing, error) {
	for _, channel := range n.Channels {
		subject := subjectOf(in.ID, channel)
		sent, err := n.Store.Audited(ctx, in.Connection, subject, noticeSent)
		if err != nil {
			return workflows.Nothing{}, err
		}
		dropped, err := n.Store.Audited(ctx, in.Connection, subject, noticeDropped)
		if err != nil {
			return workflows.Nothing{}, err
		}
		if sent || dropped {
			continue
		}
		activity.GetLogger(ctx).Error("a notice was not delivered", "channel", channel.Name(), "kind", string(in.Kind), "connection", in.Connection, "id", in.ID)
		if err := n.record(ctx, in.Connection, subject, noticeDropped, in.Kind); err != nil {
			return workflows.Nothing{}, err
		}
	}
	return workflows.Nothing{}, nil
}

func (n *Notices) record(ctx context.Context, connection, subject, action string, kind notice.Kind) error {
	after, err := json.Marshal(map[string]string{"kind": string(kind)})
	if err != nil {
		return fmt.Errorf("record %s of %s: %w", action, subject, err)
	}
	return n.Store.Audit(ctx, store.AuditEntry{Who: "kvitt", ConnectionID: connection, Subject: subject, Action: action, After: after})
}

func subjectOf(id string, channel notify.Channel) string {
	return "notice/" + id + "/" + channel.Name()
}

// logged is the channel that is always there. A log carries ids and codes, no
// names and no words of others: those are on the page that it links to.
type logged struct{}

func (logged) Name() string { return "log" }

func (logged) Send(ctx context.Context, m *notice.Notice) error {
	activity.GetLogger(ctx).Warn("notice", "kind", string(m.Kind), "connection", m.Connection, "side", m.Side, "helps", m.Helps, "link", m.Link, "id", m.ID)
	return nil
}

func (logged) Check(context.Context) (string, error) { return "", nil }
