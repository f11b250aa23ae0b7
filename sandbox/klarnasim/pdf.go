package klarnasim

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"

	"kvitt/sandbox/shop"
)

// payoutPDF answers GET /reports/payout.
func (s *Sim) payoutPDF(q *request) (*reply, *problem) {
	p, trouble := s.find(q, q.URL.Query().Get("payment_reference"))
	if trouble != nil {
		return nil, trouble
	}
	return &reply{
		status: http.StatusOK, contentType: pdfType, filename: "settlement." + p.PaymentReference + ".pdf",
		body: writePDF(append(reportHead("Settlement report", p.MerchantID), reportLines(p)...)),
	}, nil
}

// summaryPDF answers GET /reports/payouts-summary.
func (s *Sim) summaryPDF(q *request) (*reply, *problem) {
	w, trouble := q.window(true)
	if trouble != nil {
		return nil, trouble
	}
	lines := append(reportHead("Settlements summary", q.shop.MerchantID),
		"Payouts from "+instant(w.start)+" to "+instant(w.end), "")
	for _, p := range s.chosen(q, w) {
		lines = append(lines, reportLines(p)...)
	}
	return &reply{status: http.StatusOK, contentType: pdfType, filename: "settlements.pdf", body: writePDF(lines)}, nil
}

func reportHead(title, merchant string) []string {
	return []string{title, "Made by a simulator. Not an invoice.", "", "Merchant id: " + merchant, ""}
}

// reportLines returns the figures of one payout, as an accountant would read them.
func reportLines(p *shop.Payout) []string {
	lines := []string{
		"Payment reference: " + p.PaymentReference,
		"Payout date: " + instant(p.Date),
		"Settlement type: " + p.SettlementType,
		fmt.Sprintf("Transactions: %d", p.Rows.Len()),
	}
	t := &p.Totals
	for _, figure := range []struct {
		name  string
		minor int64
	}{
		{"Sales", t.Sale},
		{"Returns", -t.Return},
		{"Reversals", -t.Reversal},
		{"Fees excl. VAT", -t.Fee},
		{"VAT on fees", -t.Tax},
		{"Fee corrections", t.FeeCorrection},
		{"Refunded fees", t.FeeRefund},
		{"Refunded VAT", t.TaxRefund},
		{"Commission", t.Commission},
		{"Commission reversals", -t.CommissionReversal},
		{"Charges", -t.Charge},
		{"Credits", t.Credit},
		{"Held back", -t.Holdback},
		{"Released", t.Release},
		{"Repaid debt", -t.Repay},
		{"New debt", t.Deposit},
		{"Opening debt", t.OpeningDebt},
		{"Closing debt", t.ClosingDebt},
		{"Settlement amount", t.Settlement},
	} {
		if figure.minor != 0 || figure.name == "Settlement amount" {
			lines = append(lines, figure.name+": "+major(figure.minor)+" "+p.Currency)
		}
	}
	return append(lines, "")
}

const linesPerPage = 50

// writePDF sets lines of ASCII text in Helvetica on as many A4 pages as needed.
func writePDF(lines []string) []byte {
	var pages [][]string
	for len(lines) > linesPerPage {
		pages, lines = append(pages, lines[:linesPerPage]), lines[linesPerPage:]
	}
	pages = append(pages, lines)
	objects := []string{"<< /Type /Catalog /Pages 2 0 R >>", "", "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"}
	var kids strings.Builder
	for _, page := range pages {
		number := len(objects) + 1
		fmt.Fprintf(&kids, "%d 0 R ", number)
		content := pageContent(page)
		objects = append(objects,
			fmt.Sprintf("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> /Contents %d 0 R >>", number+1),
			fmt.Sprintf("<< /Length %d >>\nstream\n%sendstream", len(content), content))
	}
	objects[1] = fmt.Sprintf("<< /Type /Pages /Kids [%s] /Count %d >>", strings.TrimSpace(kids.String()), len(pages))
	return assemblePDF(objects)
}

func pageContent(lines []string) string {
	escape := strings.NewReplacer(`\`, `\\`, `(`, `\(`, `)`, `\)`)
	var b strings.Builder
	b.WriteString("BT\n/F1 10 Tf\n14 TL\n56 786 Td\n")
	for _, line := range lines {
		b.WriteString("(" + escape.Replace(line) + ") Tj T*\n")
	}
	b.WriteString("ET\n")
	return b.String()
}

// assemblePDF numbers the objects and writes the cross-reference table.
func assemblePDF(objects []string) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
	places := make([]int, len(objects))
	for i, object := range objects {
		places[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, object)
	}
	table := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, place := range places {
		fmt.Fprintf(&b, "%010d 00000 n \n", place)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, table)
	return b.Bytes()
}
