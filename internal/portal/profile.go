package portal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"kvitt/internal/company"
	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// profilePage is the posting profile in use, and its versions.
type profilePage struct {
	store.Connection
	Latest   store.ProfileVersion
	Profile  *voucher.Profile // nil when it cannot be read
	Problem  *voucher.ProfileError
	Rules    []voucher.TableRow
	Named    []voucher.NamedAccount
	VAT      []voucher.VATRow
	Versions []store.ProfileVersion // newest first
}

func (p *Portal) profile(w http.ResponseWriter, r *http.Request) error {
	row, err := p.found(r)
	if err != nil {
		return err
	}
	at := profilePage{Connection: row}
	if at.Versions, err = p.Desk.Store.Profiles(r.Context(), row.ID); err != nil {
		return err
	}
	if len(at.Versions) == 0 {
		return p.missing(w, r)
	}
	at.Latest = at.Versions[0]
	profile, err := voucher.ParseProfile(at.Latest.Document)
	switch {
	case errors.As(err, &at.Problem):
	case err != nil:
		return err
	default:
		at.Profile, at.Rules, at.Named, at.VAT = profile, profile.Table(), profile.Named(), profile.VAT()
	}
	p.show(w, r, http.StatusOK, "profile", &at)
	return nil
}

// versionPage is one version, and what it changed.
type versionPage struct {
	store.Connection
	This   store.ProfileVersion
	Before int // the version it is compared with, 0: none
	Places [][]voucher.TextLine
}

// aroundChanges is the number of lines that are shown before and after a change.
const aroundChanges = 2

func (p *Portal) profileVersion(w http.ResponseWriter, r *http.Request) error {
	row, err := p.found(r)
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(r.PathValue("version"))
	if err != nil || number < 1 {
		return p.missing(w, r)
	}
	at := versionPage{Connection: row, Before: number - 1}
	if at.This, err = p.Desk.Store.Profile(r.Context(), row.ID, number); err != nil {
		return err
	}
	if at.Before > 0 {
		before, err := p.Desk.Store.Profile(r.Context(), row.ID, at.Before)
		if err != nil {
			return err
		}
		at.Places = voucher.Near(voucher.CompareText(string(before.Document), string(at.This.Document)), aroundChanges)
	}
	p.show(w, r, http.StatusOK, "version", &at)
	return nil
}

// editing is the editor of a posting profile.
type editing struct {
	store.Connection
	OnTopOf  int // the version that is edited
	Document string
	Reason   string
	Payout   string // to try it on

	Slots    []slot
	Chart    []company.Account
	NoChart  string // why the company's accounts are not known
	Payouts  []store.Payout
	Problem  *voucher.ProfileError
	NoReason bool
	Outdated string // what somebody else did meanwhile
	NoTrial  string // why there is nothing to try it on
	rehearsed
}

// rehearsed is a past payout by the version in use and by a change.
type rehearsed struct {
	Rehearsal  *operate.Rehearsal
	OldD, OldC int64 // sums of the two vouchers
	NewD, NewC int64
}

func rehearsedOf(got *operate.Rehearsal) rehearsed {
	out := rehearsed{Rehearsal: got}
	if got.Old != nil {
		out.OldD, out.OldC = got.Old.Total()
	}
	if got.New != nil {
		out.NewD, out.NewC = got.New.Total()
	}
	return out
}

// slot is a named account of the document, with what the company calls it.
type slot struct {
	voucher.Slot
	Description string
	Unusable    bool // the company lacks it, or takes no entries on it
}

func (p *Portal) editProfile(w http.ResponseWriter, r *http.Request) error {
	row, err := p.found(r)
	if err != nil {
		return err
	}
	latest, err := p.Desk.Store.Profile(r.Context(), row.ID, 0)
	if err != nil {
		return err
	}
	at := editing{Connection: row, OnTopOf: latest.Version, Document: string(latest.Document), Payout: operate.Latest}
	return p.showEditor(w, r, http.StatusOK, &at)
}

// changeProfile takes what was edited: the accounts that were picked are put
// into the document, and then it is tried on a payout, or saved.
func (p *Portal) changeProfile(w http.ResponseWriter, r *http.Request) error {
	row, err := p.found(r)
	if err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return &operate.Error{Attempted: "change the posting profile", Happened: "the form could not be read", Err: err}
	}
	at := editing{
		Connection: row, Reason: strings.TrimSpace(r.PostFormValue("reason")), Payout: r.PostFormValue("payout"),
		Document: strings.ReplaceAll(r.PostFormValue("document"), "\r\n", "\n"), // as browsers send lines
	}
	if at.OnTopOf, err = strconv.Atoi(r.PostFormValue("on")); err != nil {
		return &operate.Error{Attempted: "change the posting profile", Happened: "the page did not say which version was edited", Helps: "Open the editor again."}
	}
	document, err := voucher.WithAccounts([]byte(at.Document), picked(r))
	var profile *voucher.Profile
	if err == nil {
		at.Document = string(document)
		profile, err = voucher.ParseProfile(document)
	}
	if errors.As(err, &at.Problem) {
		return p.showEditor(w, r, http.StatusUnprocessableEntity, &at)
	}
	if err != nil {
		return err
	}
	switch r.PostFormValue("do") {
	case "preview":
		return p.tryProfile(w, r, &at, profile)
	case "save":
		return p.saveProfile(w, r, &row, &at, profile)
	default:
		return p.showEditor(w, r, http.StatusOK, &at)
	}
}

// picked are the accounts that a person changed in the list beside the
// document. What was left alone is not in it: the document decides.
func picked(r *http.Request) map[string]string {
	numbers := map[string]string{}
	for name := range r.PostForm {
		key, ours := strings.CutPrefix(name, "account:")
		if number := strings.TrimSpace(r.PostFormValue(name)); ours && number != r.PostFormValue("was:"+key) {
			numbers[key] = number
		}
	}
	return numbers
}

func (p *Portal) tryProfile(w http.ResponseWriter, r *http.Request, at *editing, profile *voucher.Profile) error {
	got, err := p.Desk.Rehearse(r.Context(), &at.Connection, at.Payout, profile)
	var nothing *operate.Error
	switch {
	case errors.As(err, &nothing):
		at.NoTrial = operate.Sentence(err)
	case err != nil:
		return err
	default:
		at.rehearsed, at.Payout = rehearsedOf(got), got.Payout.PaymentReference
	}
	return p.showEditor(w, r, http.StatusOK, at)
}

func (p *Portal) saveProfile(w http.ResponseWriter, r *http.Request, row *store.Connection, at *editing, profile *voucher.Profile) error {
	if at.NoReason = at.Reason == ""; at.NoReason {
		return p.showEditor(w, r, http.StatusUnprocessableEntity, at)
	}
	_, err := p.Desk.SetProfile(r.Context(), row, profile, store.Revision{
		Document: []byte(at.Document), Who: by(r), Reason: at.Reason, OnTopOf: at.OnTopOf,
	})
	if errors.Is(err, store.ErrOutdated) {
		at.Outdated = operate.Sentence(err)
		return p.showEditor(w, r, http.StatusConflict, at)
	}
	if err != nil {
		return err
	}
	return done(w, r, "/connections/"+row.ID+"/profile", "profile")
}

// mostToTry is the number of past payouts that are offered.
const mostToTry = 30

// chartWithin limits how long the company's accounts are waited for: without them
// the document can be edited all the same.
const chartWithin = 15 * time.Second

// showEditor shows the editor with the company's accounts beside the document.
func (p *Portal) showEditor(w http.ResponseWriter, r *http.Request, status int, at *editing) (err error) {
	if at.Payouts, err = p.Desk.Store.ProvenPayouts(r.Context(), at.ID, mostToTry); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), chartWithin)
	defer cancel()
	names := map[string]company.Account{}
	if firm, err := p.Desk.Doors.Company(ctx, at.ID); err != nil {
		at.NoChart, _ = operate.Explain(err)
	} else {
		at.Chart = firm.Chart()
		for _, a := range at.Chart {
			names[a.Number] = a
		}
	}
	slots, err := voucher.Slots([]byte(at.Document))
	if err != nil { // the document says where it is wrong
		slots = nil
	}
	for _, s := range slots {
		known, ok := names[s.Number]
		at.Slots = append(at.Slots, slot{s, known.Description, at.NoChart == "" && (!ok || !known.Usable)})
	}
	p.show(w, r, status, "edit", at)
	return nil
}

// TextLines is the number of lines in which the document is shown.
func (at *editing) TextLines() int { return min(40, strings.Count(at.Document, "\n")+2) }

// setFourEyes turns the second pair of eyes on or off.
func (p *Portal) setFourEyes(w http.ResponseWriter, r *http.Request) error {
	row, err := p.found(r)
	if err != nil {
		return err
	}
	on := r.PostFormValue("four_eyes") == "on"
	if row.State == workflows.ConnDisconnected {
		return &operate.Error{Attempted: "configure the connection " + row.ID, Happened: "it is disconnected, which is final"}
	}
	if row.FourEyes && !on {
		return p.ask(w, r, row.ID, operate.RequestSettings, workflows.Configure{FourEyes: &on})
	}
	if _, err := p.Desk.FourEyes(r.Context(), &row, on, by(r)); err != nil {
		return err
	}
	return done(w, r, "/connections/"+row.ID+"/profile", fmt.Sprintf("eyes_%v", on))
}
