package vismasim_test

import (
	"net/http"
	"strings"
	"testing"

	"kvitt/sandbox/vismasim"
)

func TestRefusalsHaveTheRealAPIsTexts(t *testing.T) {
	balanced := []line{{"1930", "100", ""}, {"1686", "", "100"}}
	v := func(x any) object { return object{"value": x} }
	cases := map[string]struct {
		body string
		want string
	}{
		"unbalanced":               {voucher([]line{{"1930", "100", ""}, {"1686", "", "99.99"}}), "Batch is out of balance, please review. Debit total 100.0, credit total 99.99."},
		"control total wrong":      {voucher(balanced, set("controlTotalInCurrency", 99)), "The control total 99.0 differs from the debit total 100.0."},
		"closed period":            {voucher(balanced, set("transactionDate", "2025-12-31T00:00:00")), "Financial period '12-2025' is closed in General ledger."},
		"closed period by name":    {voucher(balanced, set("financialPeriod", "202512")), "Financial period '12-2025' is closed in General ledger."},
		"missing period":           {voucher(balanced, set("financialPeriod", "204001")), "FinPeriodID '204001' cannot be found in the system."},
		"no period for the date":   {voucher(balanced, set("transactionDate", "2040-01-01T00:00:00")), "There is no financial period for the date 2040-01-01."},
		"two periods":              {voucher(balanced, set("financialPeriod", "202601"), set("postPeriod", "022026")), "are not the same period"},
		"unknown account":          {voucher([]line{{"9999", "100", ""}, {"1686", "", "100"}}), "AccountID '9999' cannot be found in the system."},
		"inactive account":         {voucher([]line{{"1920", "100", ""}, {"1686", "", "100"}}), "Account '1920' is inactive."},
		"no manual entry":          {voucher([]line{{"2650", "100", ""}, {"1686", "", "100"}}), "Account '2650' does not allow manual entry."},
		"control account":          {voucher([]line{{"2440", "100", ""}, {"1686", "", "100"}}), "Account '2440' is a control account of module AP"},
		"net income account":       {voucher([]line{{"2099", "100", ""}, {"1686", "", "100"}}), "YTD net income account"},
		"no subaccount":            {voucher(balanced, lineNo(0, func(l object) { delete(l, "subaccount") })), "'Subaccount' cannot be empty."},
		"missing segment":          {voucher(balanced, lineNo(1, func(l object) { l["subaccount"] = l["subaccount"].([]any)[:1] })), "Segment 2 (Kanal) of the subaccount is missing."},
		"segments in wrong order":  {voucher(balanced, lineNo(0, func(l object) { s := l["subaccount"].([]any); l["subaccount"] = []any{s[1], s[0]} })), "Segment 1 of the subaccount was expected, segment 2 was found."},
		"value not padded":         {voucher(balanced, lineNo(0, func(l object) { l["subaccount"].([]any)[1].(object)["segmentValue"] = "10" })), "'10' is not a valid value for segment 2 (Kanal)"},
		"inactive value":           {voucher(balanced, lineNo(0, func(l object) { l["subaccount"].([]any)[0].(object)["segmentValue"] = "90" })), "'90' is not a valid value for segment 1 (Avdelning)"},
		"one segment too many":     {voucher(balanced, lineNo(0, func(l object) { l["subaccount"] = append(l["subaccount"].([]any), object{"segmentId": 3}) })), "Segment 3 does not exist"},
		"unknown ledger":           {voucher(balanced, set("ledger", "7")), "LedgerID '7' cannot be found in the system."},
		"budget ledger":            {voucher(balanced, set("ledger", "BUDGET")), "is a budget ledger"},
		"unknown branch":           {voucher(balanced, set("branch", "7")), "BranchID '7' cannot be found in the system."},
		"inactive branch":          {voucher(balanced, set("branch", "9")), "Branch '9' is inactive."},
		"unknown branch on a line": {voucher(balanced, lineNo(0, func(l object) { l["branch"] = v("7") })), "BranchID '7' cannot be found in the system."},
		"currency not used":        {voucher(balanced, set("currencyId", "GBP")), "Currency 'GBP' is not used for accounting."},
		"unknown currency":         {voucher(balanced, set("currencyId", "XXX")), "CuryID 'XXX' cannot be found in the system."},
		"rate of the base":         {voucher(balanced, set("exchangeRate", 2)), "must be 1"},
		"missing operation":        {voucher(balanced, lineNo(1, func(l object) { delete(l, "operation") })), "JournalTransactionLines[1]: operation '' is not one of Insert, Update, Delete."},
		"one line":                 {voucher(balanced[:1]), "A batch must have at least two lines."},
		"no line":                  {voucher(nil), "The batch has no lines."},
		"debit and credit":         {voucher([]line{{"1930", "100", "100"}, {"1686", "", "100"}}), "Line 1 has both a debit and a credit amount."},
		"neither":                  {voucher([]line{{"1930", "", ""}, {"1686", "", "100"}}), "Line 1 has neither a debit nor a credit amount."},
		"negative":                 {voucher([]line{{"1930", "-100", ""}, {"1686", "-100", ""}}), "DebitAmountInCurrency '-100' is negative."},
		"too many decimals":        {voucher([]line{{"1930", "100.001", ""}, {"1686", "", "100.001"}}), "DebitAmountInCurrency '100.001' has more decimals than the currency allows."},
		"beyond any amount":        {voucher([]line{{"1930", "1e25", ""}, {"1686", "", "1e25"}}), "is not an amount that can be kept"},
		"long description":         {voucher(balanced, set("description", strings.Repeat("å", 61))), "The value of the field Description is too long: 61 characters, at most 60 are allowed."},
		"long reference":           {voucher(balanced, lineNo(0, func(l object) { l["referenceNumber"] = v("1234567890123456") })), "ReferenceNumber is too long: 16 characters, at most 15"},
		"long text":                {voucher(balanced, lineNo(0, func(l object) { l["transactionDescription"] = v(strings.Repeat("x", 257)) })), "TransactionDescription is too long"},
		"unknown VAT code":         {voucher(balanced, lineNo(0, func(l object) { l["vatCodeId"] = v("0") })), "TaxCategoryID '0' cannot be found in the system."},
		"unknown VAT id":           {voucher(balanced, lineNo(0, func(l object) { l["vatId"] = v("99") })), "TaxID '99' cannot be found in the system."},
		"a bare scalar":            {strings.Replace(voucher(balanced), `{"value":false}`, `false`, 1), "a scalar must be written"},
		"an amount as text":        {strings.Replace(voucher(balanced), `{"value":100}`, `{"value":"100"}`, 1), "a decimal must be written as a JSON number"},
		"not JSON":                 {`{"hold":`, "The request is invalid"},
		"empty":                    {``, "the body is empty"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(o *vismasim.Options) {
				o.Companies[0].ClosedThrough = "202512"
				o.Limits.Description = 60
			})
			got := w.ask(http.StatusBadRequest, "POST", "/v2/journaltransaction", c.body)
			if words := message(t, got); !strings.Contains(words, c.want) {
				t.Errorf("the refusal reads\n%s\nwant it to contain\n%s", words, c.want)
			}
			if got := w.sim.Books(tenant); got.Batches != 0 || len(got.Accounts) != 0 {
				t.Errorf("the books have changed: %+v", got)
			}
		})
	}
}

func TestARefusalHasTheRealAPIsForm(t *testing.T) {
	w := newWorld(t, nil)
	got := message(t, w.ask(http.StatusBadRequest, "POST", "/v2/journaltransaction", voucher([]line{{"9999", "1", ""}, {"1686", "", "1"}})))
	before, after, _ := strings.Cut(got, ". Error creating document. Error: ")
	if !strings.HasPrefix(before, "VismaId: ") || len(before) != len("VismaId: ")+36 || after != "AccountID '9999' cannot be found in the system." {
		t.Errorf("the refusal reads %q", got)
	}
}

func TestControlTotalsAreRequiredByTheCompanysSetting(t *testing.T) {
	w := newWorld(t, func(o *vismasim.Options) { o.Companies[0].RequireControlTotals = true })
	w.ask(http.StatusBadRequest, "POST", "/v2/journaltransaction", voucher(payoutLines))
	w.post(voucher(payoutLines, set("controlTotalInCurrency", 102000)))
}

func TestAClosedPeriodAcceptsBatchesByTheCompanysSetting(t *testing.T) {
	w := newWorld(t, func(o *vismasim.Options) {
		o.Companies[0].ClosedThrough, o.Companies[0].AllowClosedPeriods = "202601", true
	})
	w.post(voucher(payoutLines))
}

func TestACompanyWithoutSubaccountsNeedsNone(t *testing.T) {
	w := newWorld(t, nil)
	w.token = other + ",read,create,update"
	w.post(voucher([]line{{"1920", "10", ""}, {"1503", "", "10"}}, set("currencyId", "NOK"),
		lineNo(0, func(l object) { delete(l, "subaccount") }), lineNo(1, func(l object) { delete(l, "subaccount") })))
}

func TestAFinancialYearMayStartInMay(t *testing.T) {
	for belongs, want := range map[bool]string{false: "202509", true: "202609"} {
		w := newWorld(t, func(o *vismasim.Options) {
			year := &o.Companies[0].FinancialYear
			year.FirstMonth, year.BelongsToNextYear = 5, belongs
		})
		number, _ := w.post(voucher(payoutLines)) // 30 January is in the ninth period
		if got := w.journal(number)["financialPeriod"]; got != want {
			t.Errorf("the period is %v, want %s", got, want)
		}
	}
}
