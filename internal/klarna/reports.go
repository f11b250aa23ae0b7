package klarna

import (
	"bytes"
	"context"
	"net/url"
	"time"
)

const (
	asPDF = "application/pdf"
	asCSV = "text/csv"
)

// PayoutPDF fetches Klarna's settlement report of a payout; for NET payouts in
// the EU it is the VAT invoice for the fees. The error is a *fault.Error.
func (c *Client) PayoutPDF(ctx context.Context, ref string) (Answer, error) {
	return c.payoutReport(ctx, "/reports/payout", ref, asPDF)
}

// PayoutCSV fetches the report of a payout with its rows. Its columns, its
// delimiter and its number format are settings of the merchant: keep it as a
// document, never read amounts from it. The error is a *fault.Error.
func (c *Client) PayoutCSV(ctx context.Context, ref string) (Answer, error) {
	return c.payoutReport(ctx, "/reports/payout-with-transactions", ref, asCSV)
}

// SummaryPDF fetches the report of all payouts of a window. The error is a
// *fault.Error.
func (c *Client) SummaryPDF(ctx context.Context, start, end time.Time) (Answer, error) {
	return c.windowReport(ctx, "/reports/payouts-summary", start, end, asPDF)
}

// SummaryCSV fetches the report of all payouts of a window with their rows; see
// PayoutCSV. The error is a *fault.Error.
func (c *Client) SummaryCSV(ctx context.Context, start, end time.Time) (Answer, error) {
	return c.windowReport(ctx, "/reports/payouts-summary-with-transactions", start, end, asCSV)
}

func (c *Client) payoutReport(ctx context.Context, path, ref, format string) (Answer, error) {
	attempted := "fetch the " + kindOf(format) + " report of payout " + ref
	if ref == "" {
		return Answer{}, c.notAsked("fetch the "+kindOf(format)+" report of a payout", "no payment reference was given")
	}
	return c.report(ctx, call{attempted, path, url.Values{"payment_reference": {ref}}, format, nil})
}

func (c *Client) windowReport(ctx context.Context, path string, start, end time.Time, format string) (Answer, error) {
	attempted := "fetch the " + kindOf(format) + " report of payouts"
	if start.IsZero() || end.IsZero() {
		return Answer{}, c.notAsked(attempted, "a start and an end are needed")
	}
	if err := c.checkWindow(attempted, start, end); err != nil {
		return Answer{}, err
	}
	return c.report(ctx, call{attempted, path, PayoutsQuery{Start: start, End: end}.values(), format, nil})
}

// report fetches a document and looks whether it can be one.
func (c *Client) report(ctx context.Context, q call) (Answer, error) {
	answer, err := c.get(ctx, q)
	if err != nil {
		return answer, err
	}
	body := bytes.TrimSpace(trimBOM(answer.Body))
	switch {
	case len(body) == 0:
		err = &DecodeError{Problem: "is empty"}
	case q.accept == asPDF && !bytes.HasPrefix(body, []byte("%PDF-")):
		err = &DecodeError{Problem: "is not a PDF document"}
	case q.accept == asCSV && (looksLikeHTML(body) || body[0] == '{' || bytes.HasPrefix(body, []byte("%PDF-"))):
		err = &DecodeError{Problem: "is not a CSV document"}
	}
	if err != nil {
		return answer, c.unusable(q.attempted, answer, err)
	}
	return answer, nil
}

func kindOf(format string) string {
	if format == asPDF {
		return "PDF"
	}
	return "CSV"
}
