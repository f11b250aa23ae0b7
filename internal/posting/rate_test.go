package posting_test

import (
	"strings"
	"testing"

	"kvitt/internal/held"
	"kvitt/internal/posting"
	"kvitt/internal/visma"
)

func decimal(t *testing.T, literal string) visma.Decimal {
	t.Helper()
	d, err := visma.ParseDecimal(literal)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func rated(in *posting.Intent) { in.Voucher.ExchangeRate = "0.97081234" }

func TestABatchThatDidNotTakeTheRateIsNeverReleased(t *testing.T) {
	for stands, took := range map[string]bool{
		"0.97081234":            true,
		"0.970812340000":        true,
		"97081234e-8":           true,
		"0.97081233999999996":   true, // a binary fraction
		"0.970812":              true, // six decimals
		"0.97081":               true,
		"0.9708":                true,
		"0.971":                 false, // three are another rate
		"0.9709":                false,
		"0.97081235":            false,
		"0.970813":              false,
		"0.9657":                false, // its own
		"1.03006523":            false, // the other way round
		"1":                     false,
		"0":                     false,
		"-0.97081234":           false,
		"9.7081234e-9999":       false,
		"0.9708123499999999999": false, // 0.97081235
	} {
		b := newBench(t)
		b.onCreate = func(b *books, commit func() string) (visma.Accepted, error) {
			accepted := b.accept(commit())
			b.batches[0].ExchangeRate = decimal(t, stands)
			return accepted, nil
		}
		state, got := b.finish(t, b.poster(), intent(rated))
		if took {
			if state != posting.Verified {
				t.Errorf("%s: ended as %s, %+v", stands, state, got.Stop)
			}
			continue
		}
		if state != "held" || got.Stop.Code != held.BatchDiffers || b.releases != 0 {
			t.Errorf("%s: ended as %s, %+v after %d releases", stands, state, got.Stop, b.releases)
			continue
		}
		if !strings.Contains(got.Stop.Detail, "exchange rate is ") || !strings.Contains(got.Stop.Detail, "meant was 0.97081234") {
			t.Errorf("%s: the detail is %s", stands, got.Stop.Detail)
		}
	}
}

func TestARateThatVismaCutsIsTheRate(t *testing.T) {
	for sent, stands := range map[string][]string{
		"0.97089999":   {"0.9709", "0.9708", "0.970899", "0.970900"},
		"11.35000000":  {"11.35", "11.350", "11.3500000"},
		"0.06580000":   {"0.0658"},
		"149.12345678": {"149.1235", "149.1234", "149.123457", "149.123456"},
	} {
		for _, stands := range stands {
			b := posted(t, func(in *posting.Intent) { in.Voucher.ExchangeRate = sent })
			b.batches[0].ExchangeRate = decimal(t, stands)
			if got := b.watch(t); got.Word != posting.AsPosted {
				t.Errorf("%s that stands as %s: %s %v", sent, stands, got.Word, got.Differences)
			}
		}
	}
}

func TestARateThatSomebodyChangesIsFoundByTheDailyCheck(t *testing.T) {
	b := posted(t, rated)
	if got := b.watch(t); got.Word != posting.AsPosted || got.Posted.Rate != "0.97081234" || got.Found.Rate != "0.97081234" {
		t.Fatalf("before: %+v", got)
	}
	b.batches[0].ExchangeRate = decimal(t, "0.9657")
	got := b.watch(t)
	if words := strings.Join(got.Differences, "; "); got.Word != posting.Edited || words != "exchange rate is 0.9657, meant was 0.97081234" || got.Found.Rate != "0.9657" {
		t.Errorf("found %s (%s), rate %q", got.Word, words, got.Found.Rate)
	}
}

// Where Kvitt leaves the rate to Visma.net, any is right.
func TestVismasOwnRateIsNotCompared(t *testing.T) {
	b := posted(t)
	b.batches[0].ExchangeRate = decimal(t, "0.9657")
	if got := b.watch(t); got.Word != posting.AsPosted || got.Posted.Rate != "" || got.Found.Rate != "" {
		t.Errorf("found %s %v", got.Word, got.Differences)
	}
}
