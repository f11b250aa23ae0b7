package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"kvitt/internal/held"
	"kvitt/internal/interview"
	"kvitt/internal/klarna"
	"kvitt/internal/store"
	"kvitt/workflows"
)

func TestACommandAboutAKustomConnectionNamesKustom(t *testing.T) {
	d := newDesk(t)
	d.connected("shop-1")
	row, err := d.store.Connection(t.Context(), "shop-1")
	if err != nil {
		t.Fatal(err)
	}
	row.Provider = "kustom"
	if err := d.store.SaveConnection(t.Context(), row); err != nil {
		t.Fatal(err)
	}
	if _, err := d.store.UpsertPayouts(t.Context(), "shop-1", []store.Payout{{
		PaymentReference: "P1", Date: noon.Add(-24 * time.Hour), Currency: "SEK", SettlementType: "NET", Settlement: 1, Payout: json.RawMessage(`{}`),
	}}); err != nil {
		t.Fatal(err)
	}
	says := func(said string) {
		t.Helper()
		if strings.Contains(strings.ReplaceAll(said, "klarna", ""), "Klarna") {
			t.Errorf("it speaks of Klarna:\n%s", said)
		}
	}
	named := false
	for _, r := range held.All() {
		err := d.store.UpdatePayout(t.Context(), "shop-1", "P1", func(p *store.Payout) error {
			why, err := json.Marshal(workflows.Held{Code: r.Code})
			p.State, p.HeldReason, p.Held = workflows.StateHeld, string(r.Code), why
			return err
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		shown := d.want(d.run("payout", "show", "shop-1", "P1"), ExitDone).out
		says(shown)
		named = named || strings.Contains(shown, "Kustom")
	}
	if !named {
		t.Error("no page of a held payout says Kustom")
	}
	says(d.run("opening", "shop-1", "--contra", "1510").out)
	paint := painter{provider: klarna.Kustom}
	for _, outcome := range []string{workflows.OutcomeNothingDue, workflows.OutcomeDueMissing, workflows.OutcomeCancelled, workflows.OutcomeFetched} {
		for _, r := range []Report{{DryRun: true}, {}, {Held: 1}} {
			var out strings.Builder
			if err := writeConclusion(&out, &r, &workflows.SyncResult{Outcome: outcome}, paint); err != nil {
				t.Fatal(err)
			}
			says(out.String())
		}
	}
}

func TestTheInterviewOfAKustomConnectionAsksAboutKustom(t *testing.T) {
	var told strings.Builder
	a := newApp(Streams{Err: &told})
	a.paint.provider = klarna.Kustom
	asked := 0
	for _, q := range interview.Choices(interview.Answers{}) {
		who := &person{answers: []string{"?", ""}}
		a.console = who
		before := "SEK"
		if len(q.Options) > 0 {
			before = q.Options[0]
		}
		if _, err := a.askOne(t.Context(), q, interview.Answers{}, before, interview.Chart{}, nil); err != nil {
			t.Fatal(err)
		}
		asked++
		if said := strings.Join(who.asked, "\n") + told.String(); strings.Contains(said, "Klarna") {
			t.Errorf("it asks:\n%s", said)
		}
	}
	if asked < 10 || !strings.Contains(told.String(), "Kustom") {
		t.Errorf("%d questions were asked, and told was:\n%s", asked, told.String())
	}
}
