package portal

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"kvitt/internal/instruct"
	"kvitt/internal/operate"
	"kvitt/internal/signin"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// reviewList is the payouts that await approval.
type reviewList struct {
	store.Connection
	Payouts []reviewed
	Sums    []operate.Sum
	Pager   pager
	Mine    bool // some of them somebody else has to approve
}

// reviewed is a payout that awaits approval. Mine: the person who looks made the
// profile version that it was compiled with, and the connection wants another.
type reviewed struct {
	store.Payout
	Mine bool
}

// Choice is the payout with the voucher that is shown, as a form carries it.
func (p *reviewed) Choice() string { return p.PaymentReference + " " + p.VoucherHash }

func (p *Portal) review(w http.ResponseWriter, r *http.Request) error {
	row, err := p.found(r)
	if err != nil {
		return err
	}
	list := reviewList{Connection: row, Pager: pagerOf(r, "page")}
	waiting, err := p.Desk.Awaiting(r.Context(), store.PayoutFilter{
		Connection: row.ID, Newest: true, Offset: list.Pager.skip(mostPayouts), Limit: mostPayouts + 1,
	})
	if err != nil {
		return err
	}
	waiting = cut(&list.Pager, waiting, mostPayouts)
	mine, err := p.mine(r, &row)
	if err != nil {
		return err
	}
	var open []store.Payout
	for i := range waiting {
		one := reviewed{waiting[i], mine[waiting[i].ProfileVersion]}
		list.Payouts, list.Mine = append(list.Payouts, one), list.Mine || one.Mine
		if !one.Mine {
			open = append(open, waiting[i])
		}
	}
	list.Sums = operate.Sums(open)
	p.show(w, r, http.StatusOK, "review", &list)
	return nil
}

// mine are the profile versions whose vouchers the person may not approve. It is
// a courtesy: what decides is the activity that records an approval.
func (p *Portal) mine(r *http.Request, row *store.Connection) (map[int]bool, error) {
	mine := map[int]bool{}
	if !row.FourEyes {
		return mine, nil
	}
	person, _ := signin.PersonOf(r.Context())
	versions, err := p.Desk.Store.Profiles(r.Context(), row.ID)
	for i := range versions {
		v := &versions[i]
		mine[v.Version] = instruct.Author(v.CreatedBy, v.VouchedBy).MayBe(instruct.Party{Who: by(r), VouchedBy: person.VouchedBy})
	}
	return mine, err
}

// confirming asks whether the chosen payouts are meant, with what they come to.
type confirming struct {
	store.Connection
	Choices []string
	Payouts []store.Payout
	Sums    []operate.Sum
	Changed []string // payment references whose voucher is another one by now
}

// outcomes holds what became of the approvals.
type outcomes struct {
	store.Connection
	Approved, Refused int
	Going             int
	All               []operate.Approval
}

// approveChosen approves the payouts that were chosen on the list, after it was
// confirmed.
func (p *Portal) approveChosen(w http.ResponseWriter, r *http.Request) error {
	row, err := p.found(r)
	if err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return &operate.Error{Attempted: "approve payouts", Happened: "the form could not be read", Err: err}
	}
	choices := r.PostForm["payout"]
	if r.PostFormValue("do") == "all" {
		choices = r.PostForm["all"]
	}
	if len(choices) == 0 {
		return say("review.unchosen")
	}
	if r.PostFormValue("sure") != "yes" {
		return p.confirmChosen(w, r, &row, choices)
	}
	chosen := make([]operate.Chosen, len(choices))
	for i, c := range choices {
		chosen[i].PaymentReference, chosen[i].VoucherHash, _ = strings.Cut(c, " ")
	}
	out := outcomes{Connection: row, All: p.Desk.ApproveAll(r.Context(), row.ID, chosen, by(r), approvalWithin)}
	for i := range out.All {
		switch {
		case out.All[i].Err != nil:
			out.Refused++
		case out.All[i].Going:
			out.Going++
		default:
			out.Approved++
		}
	}
	p.show(w, r, http.StatusOK, "reviewed", &out)
	return nil
}

// approvalWithin limits how long each of many approvals is waited for. What takes
// longer continues by itself.
const approvalWithin = 5 * time.Second

func (p *Portal) confirmChosen(w http.ResponseWriter, r *http.Request, row *store.Connection, choices []string) error {
	at := confirming{Connection: *row}
	for _, c := range choices {
		reference, hash, _ := strings.Cut(c, " ")
		payout, err := p.Desk.Store.Payout(r.Context(), row.ID, reference)
		if err != nil {
			return err
		}
		if payout.VoucherHash != hash || payout.State != workflows.StateAwaitingApproval {
			at.Changed = append(at.Changed, reference)
			continue
		}
		at.Choices, at.Payouts = append(at.Choices, c), append(at.Payouts, payout)
	}
	at.Sums = operate.Sums(at.Payouts)
	p.show(w, r, http.StatusOK, "confirm", &at)
	return nil
}

// previewPage is the voucher that a dry run would have posted.
type previewPage struct {
	store.Preview
	Voucher *voucher.Voucher
	Held    *workflows.Held
	Back    string // the page of the dry run
}

func (p *Portal) preview(w http.ResponseWriter, r *http.Request) error {
	row, err := p.Desk.Store.Preview(r.Context(), r.PathValue("id"), r.PathValue("ref"), r.URL.Query().Get("run"))
	if err != nil {
		return err
	}
	at := previewPage{Preview: row}
	for _, part := range []struct {
		document json.RawMessage
		into     any
	}{{row.Voucher, &at.Voucher}, {row.Held, &at.Held}} {
		if len(part.document) == 0 {
			continue
		}
		if err := json.Unmarshal(part.document, part.into); err != nil {
			return fmt.Errorf("read the preview of payout %s: %w", row.PaymentReference, err)
		}
	}
	at.Back = backfillOf(row.ConnectionID, row.RunID)
	p.show(w, r, http.StatusOK, "preview", &at)
	return nil
}

// backfillOf is the page of the backfill that a run was, or that of its
// connection.
func backfillOf(connection, run string) string {
	if from, to, ok := backfillDays(connection, run); ok {
		return "/connections/" + connection + "/backfills/" + from + "/" + to + "?" + url.Values{"run": {run}}.Encode()
	}
	return "/connections/" + connection
}

// backfillDays are the days of the backfill that a run was, as in an address; not
// ok for other runs.
func backfillDays(connection, run string) (from, to string, ok bool) {
	name, _, _ := strings.Cut(run, "@")
	days, ours := strings.CutPrefix(name, "backfill/"+connection+"/")
	from, to, ok = strings.Cut(days, "/")
	return url.PathEscape(from), url.PathEscape(to), ok && ours
}
