package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kvitt/internal/cli/table"
	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/internal/trail"
	"kvitt/internal/vault"
	"kvitt/workflows"
)

// What a doctor waits for, and what it tolerates.
const (
	checkWithin = 20 * time.Second
	mostSkew    = 30 * time.Second
)

// examination is a doctor at work.
type examination struct {
	*session
	checks
	limit  time.Duration // how old the last successful sync may be
	manned bool          // a worker does the work
}

func (a *app) doctorCommand() *cobra.Command {
	var limit time.Duration
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Check everything that Kvitt depends on, and say what helps",
		Long: `Check everything that Kvitt depends on, one line each: the database, the keyset,
Temporal and its workers, this machine's clock, Visma Connect, the OpenID Connect
provider, the mail server and the webhook where they are set (nothing is sent); and for each
connection a real read from Klarna and from Visma.net, whether the company has
what the posting profile uses, how long its authorisation lives, and the age of
the last successful sync. Connections that need somebody are named at the end.

Nothing is changed. Exit status 1 when a check failed.`,
		Example: `  starter doctor
  starter doctor --sync-limit 2h --output json`,
		Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			if limit <= 0 && c.Flags().Changed("sync-limit") {
				return usagef("--sync-limit is %s; it is a time such as 24h", limit)
			}
			return a.doctor(c.Context(), limit)
		},
	}
	c.Flags().DurationVar(&limit, "sync-limit", 0, "the greatest `AGE` of a connection's last successful sync (default what KVITT_SYNC_LIMIT says)")
	return c
}

func (a *app) doctor(ctx context.Context, limit time.Duration) error {
	c, err := a.settings()
	if err != nil {
		return err
	}
	e := &examination{session: &session{app: a, config: c}, limit: cmp.Or(limit, c.SyncLimit)}
	defer e.close()
	e.examine(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	err = a.show(e.list, func(w io.Writer) error {
		if err := e.write(w, a.paint); err != nil {
			return err
		}
		for _, words := range e.attention() {
			const need = "Needs attention:"
			fmt.Fprintf(w, "\n%s", strings.Replace(table.Fold(need+" "+words+".", width(w), 2), need, a.paint.warn(need), 1))
		}
		_, err := fmt.Fprintf(w, "\n%s, %s, %d failed.\n", counted(e.count(checkOK), "check")+" ok", counted(e.count(checkWarning), "warning"), e.count(checkFailed))
		return err
	})
	if err == nil && e.count(checkFailed) > 0 {
		return errTold
	}
	return err
}

func (e *examination) examine(ctx context.Context) {
	sound := e.database(ctx)
	if sound {
		e.audit(ctx)
	}
	sound = e.keyset(ctx, sound) && sound
	if sound {
		e.marks(ctx)
	}
	e.temporalServer(ctx)
	e.clock(ctx)
	e.openDoors()
	e.visma(ctx)
	e.signIn(ctx)
	e.channels(ctx)
	if !sound {
		e.warn("connections", "", "skipped: the database or the keyset cannot be used", "")
		return
	}
	all, err := e.store.Connections(ctx)
	if err != nil {
		e.failed("connections", "", err)
		return
	}
	for i := range all {
		if all[i].State != workflows.ConnDisconnected {
			before := len(e.list)
			e.connectionChecks(ctx, &all[i])
			for j := before; j < len(e.list); j++ {
				e.list[j].Name = all[i].Name
			}
		}
	}
}

func (e *examination) database(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	url := e.config.DatabaseURL.Reveal()
	if err := store.Made(url); err != nil { // a doctor that opened it would make an empty one
		e.failed("database", "", err)
		return false
	}
	db, err := store.Open(ctx, url)
	if err != nil {
		e.failed("database", "", err)
		return false
	}
	e.store = db
	if err := db.Ready(ctx); err != nil {
		e.failed("database", "", err)
		return false
	}
	words := db.Name() + " answers and has its tables"
	if db.Pooled() {
		words += "; a connection pooler stands before it, so statements are not prepared"
	}
	e.ok("database", "", words)
	return true
}

// audit checks that the audit trail is what was written, and tells its head: a
// copy of it kept elsewhere proves later that nobody rewrote the whole.
func (e *examination) audit(ctx context.Context) {
	if err := e.store.VerifyAudit(ctx); err != nil {
		e.failed("audit trail", "", err)
		return
	}
	entries, head, err := e.store.AuditHead(ctx)
	if err != nil {
		e.failed("audit trail", "", err)
		return
	}
	if len(head) > 16 {
		head = head[:16]
	}
	words := fmt.Sprintf("%d entries, the chain is whole", entries)
	if head != "" {
		words += ", its head is " + head
	}
	e.ok("audit trail", "", words)
}

// marks compares the audit trail with what the workers have marked of it, and
// looks for payouts in the books whose documents are gone. It says nothing when
// there is nothing to say.
func (e *examination) marks(ctx context.Context) {
	if _, err := (trail.Marks{Vault: e.vault, Keeper: e.store}).Check(ctx); err != nil {
		e.failed("audit trail", "", err)
	}
	switch bare, err := e.store.BareVerified(ctx); {
	case err != nil:
		e.failed("documents", "", err)
	case bare > 0:
		e.fail("documents", "", fmt.Sprintf("%d verified payouts have no archived document, and Kvitt deletes none.", bare), "Compare the database with a backup.")
	}
}

// keyset checks that the keyset opens, and that it is the one this database
// was sealed with.
func (e *examination) keyset(ctx context.Context, database bool) bool {
	keys, err := vault.Open(e.config.Keyset.Reveal())
	if err != nil {
		e.failed("keyset", "", err)
		return false
	}
	e.keys = keys
	if !database {
		e.ok("keyset", "", "opens; not compared with the database, which cannot be used")
		return true
	}
	e.vault = vault.New(keys, e.store)
	switch err := e.vault.Check(ctx); {
	case errors.Is(err, vault.ErrWrongKeyset):
		e.fail("keyset", "", "It is not the one that this database was sealed with.", vault.RightKeyset)
		return false
	case err != nil:
		e.failed("keyset", "", err)
		return false
	}
	e.ok("keyset", "", "opens, and belongs to this database")
	return true
}

func (e *examination) temporalServer(ctx context.Context) {
	if e.keys == nil {
		e.warn("temporal", "", "skipped: what Temporal keeps cannot be read without the keyset", "")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	if err := e.reach(ctx); err != nil {
		e.failed("temporal", "", err)
		return
	}
	e.ok("temporal", "", e.temporal.Where()+" answers")
	switch missing, err := missingAttributes(ctx, e.temporal); {
	case err != nil:
		e.failed("search attributes", "", err)
	case len(missing) > 0:
		e.fail("search attributes", "", fmt.Sprintf("%d of %d are not registered.", len(missing), len(workflows.SearchAttributes())), "Run `starter setup`.")
	default:
		e.ok("search attributes", "", "are registered")
	}
	e.worker(ctx)
	e.version(ctx)
}

// version checks, where workers have versions, that this one gets the work: a
// worker whose version is not current stands by and does nothing.
func (e *examination) version(ctx context.Context) {
	name, build := e.config.Deployment, e.config.BuildID
	if name == "" {
		return
	}
	helps := "When the new workers run: `temporal worker deployment set-current-version --deployment-name " + name + " --build-id " + build + "`."
	switch current, err := e.temporal.Current(ctx, name); {
	case errors.Is(err, operate.ErrNotRunning):
		e.fail("version", "", "Temporal does not know the deployment "+name+" yet.", "Start a worker with the same KVITT_DEPLOYMENT and KVITT_BUILD_ID. "+helps)
	case err != nil:
		e.failed("version", "", err)
	case current == "":
		e.fail("version", "", "No version of the deployment "+name+" is current; workers without a version get the work.", helps)
	case current != build:
		e.warn("version", "", fmt.Sprintf("Version %s is not current; %s gets the work.", build, current), helps)
	default:
		e.ok("version", "", build+" of "+name+" is current")
	}
}

func polled(n int) string {
	if n == 1 {
		return "a worker polled"
	}
	return fmt.Sprintf("%d workers polled", n)
}

// clock compares this machine's clock with what the other sides say in their
// answers: tokens, signatures and the windows of syncs depend on it.
func (e *examination) clock(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	for _, address := range []string{e.config.VismaConnectURL + "/.well-known/openid-configuration", e.config.VismaAPIURL} {
		skew, ok := e.skew(ctx, address)
		switch {
		case !ok:
		case skew > mostSkew || skew < -mostSkew:
			e.warn("clock", "", fmt.Sprintf("This machine's clock is %s %s that of Visma.", span(skew.Abs()), aheadOf(skew)), "Turn on NTP; access tokens and the windows of syncs depend on the clock.")
			return
		default:
			e.ok("clock", "", "agrees with that of Visma to "+span(max(skew.Abs(), time.Second)))
			return
		}
	}
	e.warn("clock", "", "skipped: no server answered", "")
}

func aheadOf(skew time.Duration) string {
	if skew > 0 {
		return "ahead of"
	}
	return "behind"
}

// skew returns how far our clock is ahead of that of an HTTP server. Its Date says
// whole seconds.
func (e *examination) skew(ctx context.Context, address string) (time.Duration, bool) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(address, "/"), http.NoBody)
	if err != nil {
		return 0, false
	}
	client := e.http
	if client == nil {
		client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	before := e.now()
	answer, err := client.Do(request)
	if err != nil {
		return 0, false
	}
	defer answer.Body.Close()
	after := e.now()
	theirs, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil {
		return 0, false
	}
	ours := before.Add(after.Sub(before) / 2)
	return ours.Sub(theirs.Add(500 * time.Millisecond)), true
}

func (e *examination) visma(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	if e.config.VismaClientID == "" || e.config.VismaClientSecret == "" {
		e.fail("visma connect", "", "There is no OAuth client.", "Set KVITT_VISMA_CLIENT_ID and KVITT_VISMA_CLIENT_SECRET to the client that is registered with Visma.")
		return
	}
	provider, err := e.doors.Connect()
	if err == nil {
		err = provider.Discover(ctx)
	}
	if err != nil {
		e.refused("visma connect", "", err, "")
		return
	}
	e.ok("visma connect", "", e.config.VismaConnectURL+" answers with its discovery document")
}

// syncAge checks a connection from outside its syncs: that one has succeeded
// lately, or that it works since a moment ago only.
func (e *examination) syncAge(ctx context.Context, c *store.Connection, since time.Time) {
	const name = "last sync"
	switch c.State {
	case workflows.ConnActive:
	case workflows.ConnPaused:
		e.warn(name, c.ID, "not expected, because the connection is paused", "")
		return
	default: // which was said above
		return
	}
	last, err := e.store.LastSuccessfulSync(ctx, c.ID)
	switch {
	case err != nil:
		e.failed(name, c.ID, err)
	case last == nil && e.now().Sub(since) < e.limit:
		e.ok(name, c.ID, "none yet, and the connection is new")
	case last == nil:
		e.fail(name, c.ID, "There has never been one.", "Run `starter sync "+c.ID+"` and read what it says.")
	case e.now().Sub(last.To) > e.limit && e.now().Sub(*last.FinishedAt) > e.limit:
		e.fail(name, c.ID, fmt.Sprintf("None has succeeded for %s; the limit is %s.", span(e.now().Sub(*last.FinishedAt)), span(e.limit)),
			"Run `starter sync "+c.ID+"` and read what it says.")
	default:
		e.ok(name, c.ID, fmt.Sprintf("%s ago, %s", span(e.now().Sub(*last.FinishedAt)), last.Outcome))
	}
}
