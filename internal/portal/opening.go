package portal

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
)

// openingPage shows what stood open with Klarna at the start.
type openingPage struct {
	store.Connection
	At, Contra string
	All        []operate.Opening
	Failed     string // why there are no figures
	Helps      string
	// What was typed for a currency whose confirmation was refused, and why.
	Currency, Batch, Reason string
	Refused, RefusedHelps   string
	NoReason, NoBatch       bool
}

func (p *Portal) opening(w http.ResponseWriter, r *http.Request) error {
	row, err := p.found(r)
	if err != nil {
		return err
	}
	at := openingPage{Connection: row, At: r.URL.Query().Get("at"), Contra: strings.TrimSpace(r.URL.Query().Get("contra"))}
	p.fillOpening(r, &at)
	p.show(w, r, http.StatusOK, "opening", &at)
	return nil
}

// fillOpening computes the figures; a day is needed where the connection has not
// started.
func (p *Portal) fillOpening(r *http.Request, at *openingPage) {
	if at.At == "" {
		at.At = at.Start
	}
	if at.At == "" {
		return
	}
	start, err := voucher.ParseDate(at.At)
	if err == nil {
		ctx, cancel := within(r.Context())
		defer cancel()
		at.All, err = p.Desk.Openings(ctx, &at.Connection, start, at.Contra)
	}
	if err != nil {
		at.Failed, at.Helps = operate.Explain(err)
	}
}

// confirmOpening records where the books have the opening of a currency.
func (p *Portal) confirmOpening(w http.ResponseWriter, r *http.Request) error {
	row, err := p.found(r)
	if err != nil {
		return err
	}
	at := openingPage{
		Connection: row, At: r.PostFormValue("at"), Contra: strings.TrimSpace(r.PostFormValue("contra")), Currency: r.PostFormValue("currency"),
		Batch: strings.TrimSpace(r.PostFormValue("batch")), Reason: strings.TrimSpace(r.PostFormValue("reason")),
	}
	p.fillOpening(r, &at)
	i := slices.IndexFunc(at.All, func(o operate.Opening) bool { return string(o.Currency) == at.Currency })
	way := r.PostFormValue("do")
	switch {
	case at.Failed != "":
		p.show(w, r, http.StatusUnprocessableEntity, "opening", &at)
		return nil
	case i < 0 || !slices.Contains([]string{store.OpeningBooked, store.OpeningInBooks, store.OpeningWithdrawn}, way):
		return &operate.Error{Attempted: "record an opening", Happened: "the page did not say which", Helps: "Open the page of the opening again."}
	case at.Reason == "":
		at.NoReason = true
	case way == store.OpeningBooked && at.Batch == "":
		at.NoBatch = true
	}
	if way != store.OpeningBooked {
		at.Batch = ""
	}
	if at.NoReason || at.NoBatch {
		p.show(w, r, http.StatusUnprocessableEntity, "opening", &at)
		return nil
	}
	err = p.Desk.ConfirmOpening(r.Context(), &row, &at.All[i], operate.Confirmation{Currency: at.Currency, Way: way, Batch: at.Batch, Who: by(r), Reason: at.Reason})
	var refused *operate.Error
	if errors.As(err, &refused) {
		at.Refused, at.RefusedHelps = operate.Finish(refused.Happened), refused.Helps
		p.show(w, r, http.StatusUnprocessableEntity, "opening", &at)
		return nil
	}
	if err != nil {
		return err
	}
	return done(w, r, "/connections/"+row.ID+"/opening", "opening_"+way)
}
