package company_test

import (
	"context"
	"testing"
	"time"

	"kvitt/internal/company"
	"kvitt/internal/held"
	"kvitt/internal/settlement"
	"kvitt/internal/visma"
	"kvitt/internal/voucher"
)

// reader is a Visma.net company with one subaccount segment.
type reader struct{}

func (reader) Organization(context.Context) (*visma.Organization, error) {
	return &visma.Organization{OrganizationCD: "42", Name: "Nordic Shop AB"}, nil
}

func (reader) Accounts(context.Context) ([]visma.Account, error) {
	return []visma.Account{{AccountCD: "1930", Active: true}, {AccountCD: "1686", Active: true}}, nil
}

func (reader) Ledgers(context.Context) ([]visma.Ledger, error)  { return nil, nil }
func (reader) Branches(context.Context) ([]visma.Branch, error) { return nil, nil }
func (reader) Currencies(context.Context) ([]visma.Currency, error) {
	return []visma.Currency{{ID: "SEK", IsBaseCurrency: true}}, nil
}

func (reader) Segments(context.Context) ([]visma.Segment, error) {
	return []visma.Segment{{SegmentID: 1, Description: "Cost centre"}}, nil
}

func (reader) VATs(context.Context) ([]visma.VAT, error) {
	return []visma.VAT{{VATID: "25I", VATCategoryID: "25", Description: "Ingående 25"}}, nil
}

func (reader) FinancialPeriods(context.Context) ([]visma.FinancialPeriod, error) { return nil, nil }

func TestEveryLineOfAVoucherNeedsItsSubaccount(t *testing.T) {
	c, err := company.Read(t.Context(), reader{}, time.Date(2026, 1, 6, 9, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	v := voucher.Voucher{Currency: settlement.Currency("SEK"), Lines: []voucher.Line{
		{Account: "1930", Subaccount: []voucher.Segment{{ID: 1, Value: "10"}}, Debit: 100},
		{Account: "1686", Subaccount: []voucher.Segment{{ID: 1, Value: "20"}}, Credit: 100},
	}}
	if problems := c.Check(v.Uses()); len(problems) > 0 {
		t.Errorf("a voucher that the company accepts has problems: %v", problems)
	}
	v.Lines[1].Subaccount = nil
	if problems := c.Check(v.Uses()); len(problems) != 1 || problems[0].Code != held.SubaccountInvalid {
		t.Errorf("a line without a subaccount: %v", problems)
	}
}
