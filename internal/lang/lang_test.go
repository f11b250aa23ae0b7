package lang_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"kvitt/internal/lang"
)

func TestNumbersAreWrittenAsTheLanguageDoes(t *testing.T) {
	for _, c := range []struct {
		in         string
		en, sv, nb string
	}{
		{"0.00", "0.00", "0,00", "0,00"},
		{"-1234567.89", "−1\u00a0234\u00a0567.89", "−1\u00a0234\u00a0567,89", "−1\u00a0234\u00a0567,89"},
		{"999.5", "999.5", "999,5", "999,5"},
		{"12345", "12\u00a0345", "12\u00a0345", "12\u00a0345"},
		{"", "", "", ""},
		{"C-17.2", "C-17.2", "C-17.2", "C-17.2"},
		{"2026-01-31", "2026-01-31", "2026-01-31", "2026-01-31"},
	} {
		for l, want := range map[lang.Language]string{"": c.en, lang.English: c.en, lang.Swedish: c.sv, lang.Norwegian: c.nb} {
			if got := l.Decimal(c.in); got != want {
				t.Errorf("%q: %q is written %q, want %q", l, c.in, got, want)
			}
		}
	}
	for l, want := range map[lang.Language]string{"fi": "−1\u00a0234\u00a0567,89", "da": "−1.234.567,89"} {
		if got := l.Decimal("-1234567.89"); strings.ReplaceAll(got, "-", "−") != want {
			t.Errorf("%q: it is written %q, want %q", l, got, want)
		}
	}
	if got := lang.Swedish.Money(-9223372036854775808, "SEK"); got != "−92\u00a0233\u00a0720\u00a0368\u00a0547\u00a0758,08" {
		t.Errorf("the least amount is written %q", got)
	}
	if got := lang.Swedish.Money(123456, "JPY"); got != "123\u00a0456" {
		t.Errorf("yen are written %q", got)
	}
}

func TestOneIsSingularAndNothingElse(t *testing.T) {
	for _, l := range lang.Languages() {
		for n, want := range map[int64]bool{0: false, 1: true, 2: false, 11: false, 21: false, 1_000_000_001: false, 1 << 62: false} {
			if l.One(n) != want {
				t.Errorf("%s: %d is %t", l, n, !want)
			}
		}
	}
}

func TestASentenceIsSaidWithItsFigures(t *testing.T) {
	for english, want := range map[string][2]string{
		"Payout register": {"Utbetalningsregister", "Utbetalingsregister"},
		"Klarna's totals come to 100.00 SEK by its settlement formula, and its settlement amount is -12345.60 SEK: a difference of 0.05 SEK": {
			"Klarnas totaler blir 100,00\u00a0SEK enligt Klarnas formel, och det utbetalda beloppet är −12\u00a0345,60\u00a0SEK: en differens på 0,05\u00a0SEK", //nolint:misspell // Swedish
			"Klarnas totaler blir 100,00\u00a0SEK etter Klarnas formel, og det utbetalte beløpet er −12\u00a0345,60\u00a0SEK: en differanse på 0,05\u00a0SEK",   //nolint:misspell // Swedish
		},
		"prove payout AB12: it closes with a debt of 1.00 SEK, and payout CD34 after it opens with 2.00 SEK: a difference of 1.00 SEK": {
			"kontrollräkna utbetalning AB12: den slutar med skulden 1,00\u00a0SEK, och nästa utbetalning CD34 börjar med 2,00\u00a0SEK: en differens på 1,00\u00a0SEK", //nolint:misspell // Swedish
			"kontrollregne utbetaling AB12: den slutter med gjelden 1,00\u00a0SEK, og neste utbetaling CD34 begynner med 2,00\u00a0SEK: en differanse på 1,00\u00a0SEK",
		},
		"2026-01: SEK: 1 of 1 payout booked. Not booked, or not as Klarna paid: AB, CD.": {
			"2026-01: SEK: 1 av 1 utbetalning bokförd. Ej bokfört, eller inte som Klarna betalade: AB, CD.",
			"2026-01: SEK: 1 av 1 utbetaling bokført. Ikke bokført, eller ikke som Klarna betalte: AB, CD.",
		},
		"SEK: 3 of 4 payouts booked.": {"SEK: 3 av 4 utbetalningar bokförda.", "SEK: 3 av 4 utbetalinger bokført."},
		"Approve the payout P1: nobody said which voucher was looked at. Look at the payout again.": {
			"Godkänna utbetalning P1: ingen angav vilken verifikation som granskades. Titta på utbetalningen igen.", //nolint:misspell // Swedish
			"Godkjenne utbetaling P1: ingen oppga hvilket bilag som ble sett på. Se på utbetalingen igjen.",
		},
	} {
		for i, l := range lang.Languages()[1:] {
			got, ok := l.Say(english)
			if got != want[i] || !ok {
				t.Errorf("%s, known %t:\n got %s\nwant %s", l, ok, got, want[i])
			}
		}
	}
}

func TestWhatIsNotKnownStaysAsItIs(t *testing.T) {
	const foreign = "Konto 1930 saknar behörighet hos motparten (request 7f)."
	for _, l := range lang.Languages()[1:] {
		if got, ok := l.Say(foreign); got != foreign || ok {
			t.Errorf("%s made %q of it, known %t", l, got, ok)
		}
		for _, plain := range []string{"", "SEK", "2026-01-31", "C-1, C-2", "`starter sync c1`"} {
			if got, ok := l.Say(plain); got != plain || !ok {
				t.Errorf("%s made %q of %q, known %t", l, got, plain, ok)
			}
		}
	}
}

var verb = regexp.MustCompile(`%(?:\[\d\])?[sdqvw]`)

func TestEverySentenceHasEveryLanguageWithTheSameFigures(t *testing.T) {
	for _, l := range lang.Languages()[1:] {
		all, err := lang.Sentences(l)
		if err != nil || len(all) < 300 {
			t.Fatalf("%d sentences: %v", len(all), err)
		}
		for english, text := range all {
			want, got := len(verb.FindAllString(english, -1)), verb.FindAllString(text, -1)
			slices.Sort(got)
			if text == "" || len(got) != want {
				t.Errorf("%s: %q does not fit %q", l, text, english)
			}
			if said, ok := l.Say(english); !ok && want == 0 {
				t.Errorf("%s: %q is said %q", l, english, said)
			}
		}
	}
}
