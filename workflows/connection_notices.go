package workflows

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"kvitt/internal/notice"
)

// In the last days before a consent ends it is told daily.
const lastDays = 3

// beginTelling goes on with what an earlier run had not delivered, and watches
// over the syncs. A run of an earlier version begins at its next daily check.
func (c *connection) beginTelling(ctx workflow.Context, carried *Notices) {
	if carried != nil {
		c.Notices = *carried
	}
	c.startTelling(ctx, "notify")
}

// beginTellingLate makes a run that an earlier version began tell from now on.
// Each day is a change of its own: of one change the SDK keeps the answer that
// the replay of the first days gave.
func (c *connection) beginTellingLate(ctx workflow.Context) {
	if !c.tells {
		c.startTelling(ctx, "notify/"+workflow.Now(ctx).UTC().Format(time.DateOnly))
	}
}

func (c *connection) startTelling(ctx workflow.Context, change string) {
	if workflow.GetVersion(ctx, change, workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return
	}
	c.tells = true
	if c.Told == nil {
		c.Told = map[string]string{}
	}
	for i := range c.Outbox {
		c.post(ctx, c.Outbox[i])
	}
	workflow.Go(ctx, c.watch)
}

// tell sends a notice, unless it was the last one of its topic already. It
// returns at once: whoever is called must not wait for a mail server.
func (c *connection) tell(ctx workflow.Context, topic string, f notice.Facts, occasion ...string) {
	f.Connection, f.At = c.ID, workflow.Now(ctx)
	f.ID = notice.ID(f.Kind, append([]string{c.ID}, occasion...)...)
	if !c.tells || c.Told[topic] == f.ID {
		return
	}
	c.Told[topic] = f.ID
	c.Outbox = append(c.Outbox, f)
	c.post(ctx, f)
}

// post delivers beside everything else. What is not delivered in a day is given
// up, and said so in the audit trail. Until then it is in the outbox, which
// goes along when the workflow continues as new; the activity knows what an
// earlier run of it has delivered.
func (c *connection) post(ctx workflow.Context, f notice.Facts) {
	workflow.Go(ctx, func(ctx workflow.Context) {
		if _, err := Notify.Run(ctx, c.ID, f); err != nil {
			workflow.GetLogger(ctx).Error("a notice was not delivered", "kind", string(f.Kind), "id", f.ID, "error", err)
			if _, err := DropNotice.Run(ctx, c.ID, f); err != nil {
				workflow.GetLogger(ctx).Error("that a notice was not delivered was not kept", "id", f.ID, "error", err)
			}
		}
		c.Outbox = slices.DeleteFunc(c.Outbox, func(o notice.Facts) bool { return o.ID == f.ID })
	})
}

// tellLoss tells that a side no longer accepts Kvitt; it has just been noted.
func (c *connection) tellLoss(ctx workflow.Context, provider string) {
	side := c.side(provider)
	c.tell(ctx, string(notice.ReauthRequired)+"/"+provider, notice.Facts{
		Kind: notice.ReauthRequired, Side: provider, Reason: side.LastError, Remedy: side.Remedy,
	}, provider, notice.Stamp(side.Since))
}

// tellRecovery tells that it works again, and how many workflows went on.
func (c *connection) tellRecovery(ctx workflow.Context, provider string, resumed int) {
	c.tell(ctx, string(notice.Recovered)+"/"+provider, notice.Facts{
		Kind: notice.Recovered, Side: provider, Resumed: max(0, resumed),
	}, provider, notice.Stamp(c.side(provider).Since))
}

// waitingFor returns how many workflows wait for a side.
func (c *connection) waitingFor(provider string) (n int) {
	for _, w := range c.Waiting {
		if strings.HasPrefix(w, provider+" ") {
			n++
		}
	}
	return n
}

// onPayoutsMissing tells of payouts that a scheduled sync has missed, once for
// each date: the next sync will miss them too.
func (c *connection) onPayoutsMissing(ctx workflow.Context, missing []notice.Missing) {
	for i := range missing {
		m := missing[i]
		c.tell(ctx, string(notice.DueMissing)+"/"+m.Currency, notice.Facts{Kind: notice.DueMissing, Missing: &m}, m.Currency, m.Due)
	}
}

// tellDaily tells what can wait for the daily check.
func (c *connection) tellDaily(ctx workflow.Context) {
	if !c.tells {
		return
	}
	stock, err := TakeStock.Run(ctx, c.ID, StockInput{Connection: c.ID})
	if err != nil {
		workflow.GetLogger(ctx).Warn("stock was not taken for the daily notices", "error", err)
		return
	}
	c.tellExpiry(ctx, stock.GrantWarning)
	if len(stock.Waiting)+len(stock.Reversals)+len(stock.Accruals)+len(stock.Others) > 0 {
		c.tell(ctx, string(notice.PayoutsHeld), notice.Facts{
			Kind: notice.PayoutsHeld, Payouts: stock.Waiting, Reversals: stock.Reversals, Accruals: stock.Accruals, Others: stock.Others,
		}, workflow.Now(ctx).UTC().Format(time.DateOnly))
	}
}

// tellExpiry warns of a consent that ends: once when the time to warn has come,
// then daily in the last days.
func (c *connection) tellExpiry(ctx workflow.Context, warning time.Duration) {
	expires, now := c.Visma.Expires, workflow.Now(ctx)
	if c.Visma.State != SideConnected || expires.IsZero() || now.Before(expires.Add(-warning)) || !now.Before(expires) {
		return // once it has ended, Visma Connect says so itself
	}
	stage := "warning"
	if left := notice.Days(now, expires); left <= lastDays {
		stage = strconv.Itoa(left)
	}
	c.tell(ctx, string(notice.AuthorizationExpires), notice.Facts{
		Kind: notice.AuthorizationExpires, Side: ProviderVisma, Expires: expires,
	}, expires.UTC().Format(time.DateOnly), stage)
}

// watch reports that no sync has succeeded for too long. It looks when that
// would be so if none did, hence about once in the limit when all is well: the
// daily check is too coarse for a limit of 26 hours, and a timer for each sync
// would be another schedule. What it goes by is the database, not the syncs.
func (c *connection) watch(ctx workflow.Context) {
	for {
		if err := workflow.Await(ctx, func() bool { return c.State == ConnActive }); err != nil {
			return
		}
		since := c.Since
		stock, err := TakeStock.Run(ctx, c.ID, StockInput{Connection: c.ID})
		wait := time.Hour // after a failure, the database's or ours
		if err == nil && c.State == ConnActive {
			wait = c.tellLate(ctx, since, &stock)
		}
		// Whoever pauses a connection, or has lost a side, knows why nothing comes.
		if _, err := workflow.AwaitWithTimeout(ctx, wait, func() bool { return c.State != ConnActive }); err != nil {
			return
		}
	}
}

// tellLate tells when the last success is too old, and says when to look again.
func (c *connection) tellLate(ctx workflow.Context, active time.Time, stock *Stock) time.Duration {
	if stock.SyncLimit <= 0 {
		return time.Hour
	}
	from, never := stock.LastSync, stock.LastSync.IsZero()
	if from.Before(active) {
		from = active // while it was paused, nothing was to come
	}
	left := from.Add(stock.SyncLimit).Sub(workflow.Now(ctx))
	if left > 0 {
		return left
	}
	since := stock.LastSync
	if never {
		since = active
	}
	c.tell(ctx, string(notice.SyncLate), notice.Facts{Kind: notice.SyncLate, Since: since, Never: never, Limit: stock.SyncLimit}, notice.Stamp(from))
	return stock.SyncLimit
}
