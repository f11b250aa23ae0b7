package voucher_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"kvitt/internal/voucher"
)

const accrues = `
accrual: {receivable: "1687", clearing: clearing, fees: fees, vat: "1650"}
`

func accruing(t *testing.T, more string) *voucher.Profile {
	t.Helper()
	document, err := voucher.Preset("se-bas")
	if err != nil {
		t.Fatal(err)
	}
	p, err := voucher.ParseProfile([]byte(string(document) + more))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func captured() *voucher.Accrued {
	return &voucher.Accrued{
		MerchantID: "K123", Company: "5560001", At: voucher.Date{Year: 2026, Month: time.January, Day: 31}, Currency: "SEK",
		Captured: voucher.Captured{Sales: 100_000_00, Returns: 8_000_00, Fees: 2_480_00, VAT: 620_00},
	}
}

func TestAnAccrualMovesWhatIsOwedFromClearingAndTakesItselfBack(t *testing.T) {
	v, err := voucher.Accrue(accruing(t, accrues), captured())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, l := range v.Lines {
		got[l.Account] += l.Debit - l.Credit
	}
	for account, want := range map[string]int64{"1687": 88_900_00, "6064": 2_480_00, "1650": 620_00} {
		if got[account] != want {
			t.Errorf("%s has %d, want %d", account, got[account], want)
		}
	}
	if !v.AutoReversing || v.Date.String() != "2026-01-31" || !strings.HasPrefix(v.Description, v.Token) || len(v.Lines) != 4 {
		t.Errorf("%+v", v)
	}
	plain := *v
	plain.AutoReversing = false
	if plain.Hash() == v.Hash() {
		t.Error("the hash does not tell that it takes itself back")
	}
}

// The token comes from merchant, day, currency and company, and from nothing
// else: the same accrual asked for twice has one.
func TestAnAccrualHasOneTokenWhateverItComesTo(t *testing.T) {
	token := func(change func(*voucher.Accrued)) string {
		a := captured()
		change(a)
		v, err := voucher.Accrue(accruing(t, accrues), a)
		if err != nil {
			t.Fatal(err)
		}
		if l := v.Lines[0].Reference; len(l) != 15 {
			t.Errorf("reference %q", l)
		}
		return v.Token
	}
	own := token(func(*voucher.Accrued) {})
	if token(func(a *voucher.Accrued) { a.Sales++ }) != own {
		t.Error("another amount has another token")
	}
	for what, change := range map[string]func(*voucher.Accrued){
		"merchant": func(a *voucher.Accrued) { a.MerchantID = "K124" }, "company": func(a *voucher.Accrued) { a.Company = "5560002" },
		"day": func(a *voucher.Accrued) { a.At.Day = 30 }, "currency": func(a *voucher.Accrued) { a.Currency = "NOK" },
	} {
		if token(change) == own {
			t.Errorf("another %s has the same token", what)
		}
	}
}

func TestAnAccrualThatTheProfileSaysNothingAboutIsRefusedWithWhatToAdd(t *testing.T) {
	_, err := voucher.Accrue(accruing(t, ""), captured())
	var lacks *voucher.AccrualError
	if !errors.As(err, &lacks) || strings.Join(lacks.Missing, " ") != "`receivable` `clearing` `fees` `vat`" {
		t.Errorf("%v", err)
	}
	disputed := captured()
	disputed.Other = -100_00
	if _, err = voucher.Accrue(accruing(t, accrues), disputed); !errors.As(err, &lacks) || strings.Join(lacks.Missing, " ") != "`other`" {
		t.Errorf("what is neither sale nor fee: %v", err)
	}
	nothing := captured()
	nothing.Captured = voucher.Captured{}
	var none *voucher.NothingAccruedError
	if _, err = voucher.Accrue(accruing(t, accrues), nothing); !errors.As(err, &none) {
		t.Errorf("%v", err)
	}
}

func TestAnAccrualOfAProfileIsWhole(t *testing.T) {
	document, err := voucher.Preset("se-bas")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		`accrual: {receivable: "1687", clearing: clearing, fees: fees}`:             `accrual has no "vat"`,
		`accrual: {receivable: "1687", clearing: clearings, fees: fees, vat: "1"}`:  `no account named "clearings"`,
		`accrual: {receivable: "1687", clearing: clearing, fee: fees, vat: "1650"}`: `"fee"`,
	} {
		_, err := voucher.ParseProfile([]byte(string(document) + "\n" + text + "\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if users := accruing(t, accrues).UsedBy("1687"); len(users) != 1 || users[0] != "accrual.receivable" {
		t.Errorf("1687 is used by %v", users)
	}
}
