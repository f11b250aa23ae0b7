package operate

import (
	"context"
	"time"

	"kvitt/internal/company"
	"kvitt/internal/interview"
	"kvitt/internal/store"
	"kvitt/internal/visma"
)

// Interview holds what the questions about a connection's profile are asked with.
type Interview struct {
	Version  int    // of the profile that the answers come from
	Document []byte // of that version
	Answers  interview.Answers
	Asked    bool // the document was made by the interview before
	Chart    interview.Chart
	NoChart  string // why the company's accounts are not known
	Codes    []VATCode
}

// VATCode is a VAT code of the company, written as the interview takes it.
type VATCode struct {
	Code, Description string
	Reverse           bool
}

// chartWithin limits how long the company's accounts are waited for: without them
// the questions can be answered all the same, and nothing is confirmed.
const chartWithin = 15 * time.Second

// Interview begins the questions for a connection: with its latest profile, and
// the company's own accounts and VAT codes where it is connected.
func (d *Desk) Interview(ctx context.Context, row *store.Connection) (*Interview, error) {
	latest, err := d.Store.Profile(ctx, row.ID, 0)
	if err != nil {
		return nil, err
	}
	out := &Interview{Version: latest.Version, Document: latest.Document, Answers: interview.Read(latest.Document)}
	if out.Asked = out.Answers != nil; !out.Asked {
		out.Answers = interview.Adopt(latest.Document)
		out.Answers["posting"] = row.Posting
	}
	ctx, cancel := context.WithTimeout(ctx, chartWithin)
	defer cancel()
	firm, err := d.Doors.Company(ctx, row.ID)
	if err != nil {
		out.NoChart, _ = Explain(err)
		return out, nil
	}
	out.Chart = interviewChart(firm.Chart())
	for key, value := range out.Answers {
		if c := out.Answers.Account(key); c.Unconfirmed && !out.Asked { // an account in use has been looked up before
			out.Answers[key] = interview.Name(value, out.Chart)
		}
	}
	out.Codes = d.vatCodes(ctx, row)
	return out, nil
}

func interviewChart(all []company.Account) interview.Chart {
	chart := make(interview.Chart, len(all))
	for i := range all {
		a := &all[i]
		chart[i] = interview.ChartAccount{
			Number: a.Number, Name: a.Description, Class: a.Class, Type: a.Type,
			Control: a.Control, Cash: a.Cash, Currency: a.Currency, Usable: a.Usable,
		}
	}
	return chart
}

// vatCodes are the company's VAT codes that are still valid; none when it cannot
// be asked, since a code can be typed all the same.
func (d *Desk) vatCodes(ctx context.Context, row *store.Connection) []VATCode {
	client, err := d.Doors.Visma(ctx, row.ID)
	if err != nil {
		return nil
	}
	all, err := client.VATs(ctx)
	if err != nil {
		return nil
	}
	var out []VATCode
	today := visma.DateOf(time.Now())
	for i := range all {
		v := &all[i]
		if until := v.NotValidAfter.Date(); !until.IsZero() && until.Compare(today) < 0 {
			continue
		}
		code := v.VATCategoryID
		if v.VATID != code {
			code += "/" + v.VATID
		}
		out = append(out, VATCode{code, v.Description, v.ReverseVAT})
	}
	return out
}
