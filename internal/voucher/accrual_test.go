package voucher_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"kvitt/internal/settlement"
	"kvitt/internal/voucher"
)

const accrues = `
accrual: {receivable: "1790", vat: "2648"}
`

// accruing is the Swedish preset with another accrual section.
func accruing(t *testing.T, accrual string) *voucher.Profile {
	t.Helper()
	return profile(t, withAccrual(t, accrual))
}

func withAccrual(t *testing.T, accrual string) string {
	t.Helper()
	document, err := voucher.Preset("se-bas")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Replace(string(document), accrualOf(t, "se-bas"), "\n"+accrual+"\n", 1)
}

// accrualOf is the accrual section of a preset, as it is written there.
func accrualOf(t *testing.T, name string) string {
	t.Helper()
	document, err := voucher.Preset(name)
	if err != nil {
		t.Fatal(err)
	}
	section := regexp.MustCompile(`\naccrual: \{.*\}\n`).FindString(string(document))
	if section == "" {
		t.Fatalf("the preset %s has no accrual section", name)
	}
	return section
}

// captured is a payout of which everything was captured in January, accrued with
// all others.
func captured(tb testing.TB, rows ...settlement.Row) *voucher.Accrued {
	tb.Helper()
	if rows == nil {
		rows = []settlement.Row{row("SALE/PURCHASE", 100_000_00), row("RETURN/PURCHASE_RETURN", 8_000_00), row("FEE/PURCHASE_FEE_PERCENTAGE", 2_480_00, 620_00)}
	}
	tally := settlement.NewTally("SEK")
	for i := range rows {
		tally.Add(&rows[i])
	}
	proof := &settlement.Proof{Payout: payout(settlement.Totals{}), Components: tally.Components()}
	return &voucher.Accrued{
		MerchantID: "K123", Company: "5560001", At: voucher.Date{Year: 2026, Month: time.January, Day: 31}, Currency: "SEK",
		Shares: []voucher.Share{{Proof: proof, Components: proof.Components}},
	}
}

func TestAnAccrualMovesWhatIsOwedFromClearingAndTakesItselfBack(t *testing.T) {
	v, err := voucher.Accrue(accruing(t, accrues), captured(t))
	if err != nil {
		t.Fatal(err)
	}
	wantTable(t, v, `
1790       88900.00               Klarna, debiterat, ej utbetalt 2026-01-31
1686        8000.00               Klarna: returer
1686                   100000.00  Klarna: försäljning
6064        2480.00               Klarna: avgift, procent
2648         620.00               Klarna: moms på avgift
          100000.00    100000.00`)
	if !v.AutoReversing || v.Date.String() != "2026-01-31" || !strings.HasPrefix(v.Description, v.Token) {
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
		a := captured(t)
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
	if token(func(a *voucher.Accrued) { a.Shares[0].Components[0].Amount++ }) != own {
		t.Error("another amount has another token")
	}
	for what, change := range map[string]func(*voucher.Accrued){
		"merchant": func(a *voucher.Accrued) { a.MerchantID = "K124" }, "company": func(a *voucher.Accrued) { a.Company = "5560002" },
		"day": func(a *voucher.Accrued) { a.At.Day = 30 }, "currency": func(a *voucher.Accrued) { a.Currency, a.Shares[0].Proof.Payout.Currency = "NOK", "NOK" },
	} {
		if token(change) == own {
			t.Errorf("another %s has the same token", what)
		}
	}
}

func TestAnAccrualThatTheProfileSaysNothingAboutIsRefusedWithWhatToAdd(t *testing.T) {
	_, err := voucher.Accrue(preset(t, "se-bas", "\naccrual: ", "\n# accrual: "), captured(t))
	var lacks *voucher.AccrualError
	if !errors.As(err, &lacks) || strings.Join(lacks.Missing, " ") != "`receivable`" {
		t.Errorf("%v", err)
	}
	for name, rows := range map[string][]settlement.Row{
		"nothing at all":              {},
		"nothing in sum, per account": {row("SALE/PURCHASE", 100_00), row("RETURN/PURCHASE_RETURN", 100_00)},
	} {
		var none *voucher.NothingAccruedError
		if v, err := voucher.Accrue(accruing(t, accrues), captured(t, rows...)); !errors.As(err, &none) {
			t.Errorf("%s: %v %v", name, v, err)
		}
	}
	elsewhere := captured(t)
	elsewhere.Currency = "NOK"
	if v, err := voucher.Accrue(accruing(t, accrues), elsewhere); err == nil {
		t.Errorf("a payout in SEK was accrued in NOK:\n%s", table(v))
	}
}

// What holds the voucher of a payout refuses the accrual that it is in.
func TestAnAccrualIsRefusedForWhatWouldHoldThePayout(t *testing.T) {
	for code, r := range map[string]settlement.Row{
		"component_unknown":   row("FEE/NEVER_SEEN", 1_00, 25),
		"vat_rate_unexpected": {Type: "FEE", DetailedType: "SERVICING_FEE", Currency: "SEK", Amount: 1_00, VAT: 12, VATRate: 12_00},
	} {
		v, err := voucher.Accrue(accruing(t, accrues), captured(t, row("SALE/PURCHASE", 100_00), r))
		if err == nil {
			t.Errorf("want %s, and it was accrued:\n%s", code, table(v))
		} else if got := codeOf(err); got != code || !strings.Contains(err.Error(), "1234567890") {
			t.Errorf("want %s of payout 1234567890, got %s: %v", code, got, err)
		}
	}
}

func TestTheAccrualOfAProfileNeedsAReceivableAndLeadsSomewhere(t *testing.T) {
	for text, want := range map[string]string{
		`accrual: {vat: "2648"}`:                          `accrual has no "receivable"`,
		`accrual: {receivable: "1790", vat: clearings}`:   `no account named "clearings"`,
		`accrual: {receivable: "1790", fee: fees}`:        `"fee"`,
		`accrual: {receivable: "1790", clearing: [1, 2]}`: `clearing`,
	} {
		_, err := voucher.ParseProfile([]byte(withAccrual(t, text)))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if users := accruing(t, accrues).UsedBy("1790"); len(users) != 1 || users[0] != "accrual.receivable" {
		t.Errorf("1790 is used by %v", users)
	}
}

// Profiles of before name accounts for sums. They parse, book as others do, and
// say what has no effect any more.
func TestAnOlderAccrualStillParsesAndSaysWhatHasNoEffect(t *testing.T) {
	older := accruing(t, "\naccrual: {receivable: \"1687\", clearing: \"1510\", fees: \"6999\", vat: \"1650\", other: \"2999\"}\n")
	if got := strings.Join(older.WithoutEffect(), " "); got != "accrual.clearing accrual.fees accrual.other" {
		t.Errorf("without effect: %s", got)
	}
	for _, account := range []string{"1510", "6999"} {
		if users := older.UsedBy(account); len(users) != 0 {
			t.Errorf("%s is used by %v", account, users)
		}
	}
	v, err := voucher.Accrue(older, captured(t))
	if err != nil {
		t.Fatal(err)
	}
	for account, want := range map[string]int64{"1687": 88_900_00, "1686": -92_000_00, "6064": 2_480_00, "1650": 620_00} {
		if got := balance(v, account); got != want {
			t.Errorf("%s has %d, want %d", account, got, want)
		}
	}
	if now := accruing(t, accrues); len(now.WithoutEffect()) != 0 {
		t.Errorf("without effect: %v", now.WithoutEffect())
	}
}

// Without `accrual.vat` VAT is booked by the rules. Where Visma.net makes VAT
// transactions of it, nobody knows whether it takes them back.
func TestVATOfAnAccrualFollowsTheRulesOrWaits(t *testing.T) {
	v, err := voucher.Accrue(accruing(t, "\naccrual: {receivable: \"1790\"}\n"), captured(t))
	if err != nil {
		t.Fatal(err)
	}
	if balance(v, "2641") != 620_00 {
		t.Errorf("VAT is not where the payout books it:\n%s", table(v))
	}
	with := func(to string) *voucher.Profile {
		return preset(t, "se-bas", "  # transaction: true\n", "  transaction: true\n", accrualOf(t, "se-bas"), to)
	}
	var lacks *voucher.AccrualError
	if _, err := voucher.Accrue(with("\naccrual: {receivable: \"1790\"}\n"), captured(t)); !errors.As(err, &lacks) || strings.Join(lacks.Missing, " ") != "`vat`" {
		t.Errorf("VAT transactions of an earlier period: %v", err)
	}
	v, err = voucher.Accrue(with(accrues), captured(t))
	if err != nil {
		t.Fatal(err)
	}
	if v.VATTransaction || balance(v, "2648") != 620_00 {
		t.Errorf("it makes VAT transactions: %t\n%s", v.VATTransaction, table(v))
	}
}

// The rate of VAT that Klarna leaves out is known of the whole payout. The few
// minor units of one day would fit two rates.
func TestTheRateOfAPartIsThatOfThePayout(t *testing.T) {
	const rates = "\n    \"25\": {}\n"
	p := preset(t, "se-bas", rates, "\n    \"25\": {account: \"2643\"}\n    \"25.5\": {account: \"2644\"}\n",
		accrualOf(t, "se-bas"), "\naccrual: {receivable: \"1790\"}\n")
	accrued := captured(t, row("FEE/SERVICING_FEE", 4, 1), row("FEE/SERVICING_FEE", 1000_00, 250_00))
	part := captured(t, row("FEE/SERVICING_FEE", 4, 1)).Shares[0].Components
	accrued.Shares[0].Components = part
	v, err := voucher.Accrue(p, accrued)
	if err != nil {
		t.Fatal(err)
	}
	if balance(v, "2643") != 1 {
		t.Errorf("VAT of 25 %% is not where the payout books it:\n%s", table(v))
	}
}
