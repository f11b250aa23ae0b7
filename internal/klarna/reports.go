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
	q, err := c.payoutReport("/reports/payout", ref, asPDF)
	if err != nil {
		return Answer{}, err
	}
	return c.report(ctx, q)
}

// PayoutCSV fetches the report of a payout with its rows, which may be tens of
// megabytes. Its columns, its delimiter and its number format are settings of the
// merchant: keep it as a document, never read amounts from it. The error is a
// *fault.Error.
func (c *Client) PayoutCSV(ctx context.Context, ref string) (*Stream, error) {
	q, err := c.payoutReport("/reports/payout-with-transactions", ref, asCSV)
	if err != nil {
		return nil, err
	}
	return c.stream(ctx, q)
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

func (c *Client) payoutReport(path, ref, format string) (call, error) {
	if ref == "" {
		return call{}, c.notAsked("fetch the "+kindOf(format)+" report of a payout", "no payment reference was given")
	}
	return call{"fetch the " + kindOf(format) + " report of payout " + ref, path, url.Values{"payment_reference": {ref}}, format, nil}, nil
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
	if err := looksLike(q.accept, answer.Body); err != nil {
		return answer, c.unusable(q.attempted, answer, err)
	}
	return answer, nil
}

// looksLike looks at a document, or at its beginning, whether it can be one of
// that format.
func looksLike(format string, start []byte) error {
	body := bytes.TrimSpace(trimBOM(start))
	switch {
	case len(body) == 0:
		return &DecodeError{Problem: "is empty"}
	case format == asPDF && !bytes.HasPrefix(body, []byte("%PDF-")):
		return &DecodeError{Problem: "is not a PDF document"}
	case format == asCSV && (looksLikeHTML(body) || body[0] == '{' || body[0] == '[' || bytes.HasPrefix(body, []byte("%PDF-")) || binary(start)):
		return &DecodeError{Problem: "is not a CSV document"}
	}
	return nil
}

// binary tells whether there are characters that no text has. UTF-16 has them,
// and begins with a mark that says so.
func binary(start []byte) bool {
	if bytes.HasPrefix(start, []byte{0xff, 0xfe}) || bytes.HasPrefix(start, []byte{0xfe, 0xff}) {
		return false
	}
	return bytes.ContainsFunc(start, func(r rune) bool { return r < ' ' && r != '\t' && r != '\n' && r != '\r' })
}

func kindOf(format string) string {
	if format == asPDF {
		return "PDF"
	}
	return "CSV"
}
