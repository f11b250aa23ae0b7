package lang_test

import (
	"errors"
	"testing"

	"kvitt/internal/lang"
	"kvitt/internal/voucher"
)

// What is wrong in a posting profile is read in the language of who reads.
func TestProblemsOfAProfileAreSaid(t *testing.T) {
	for document, want := range map[string][2]string{
		"acounts: {}":  {`profilen har inget fält "acounts"`, `profilen har ikke noe felt "acounts"`},
		"version: 2\n": {`version "2" kan den här versionen av Kvitt inte läsa`, `version "2" kan ikke denne versjonen av Kvitt lese`},
	} {
		_, err := voucher.ParseProfile([]byte(document))
		var problem *voucher.ProfileError
		if !errors.As(err, &problem) {
			t.Fatalf("%q: %v", document, err)
		}
		for i, l := range lang.Languages()[1:] {
			if got := l.In(problem.Problem); got != want[i] {
				t.Errorf("%s: %q, want %q", l, got, want[i])
			}
			if said, ok := l.Say(problem.Remedy); !ok || said == problem.Remedy {
				t.Errorf("%s: there are no words for %q", l, problem.Remedy)
			}
		}
	}
	for english, want := range map[string]string{
		"Visma.net is to make VAT transactions, and the rate 25 % has no VAT code, so it stays outside of them.":                        "Visma.net ska skapa momstransaktioner, och momssatsen 25 % har ingen momskod, så den kommer inte med i dem.",
		"Visma.net is to make VAT transactions, and the output VAT of the reverse charge has no VAT code, so it stays outside of them.": "Visma.net ska skapa momstransaktioner, och den omvända betalningsskyldighetens utgående moms har ingen momskod, så den kommer inte med i dem.",
	} {
		if got := lang.Swedish.In(english); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
