package report

import (
	"cmp"
	_ "embed"
	"fmt"
	"io"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
)

// The font has the letters of all Nordic languages and of their neighbours;
// font/LICENSE says that it may be embedded.
var (
	//go:embed font/DejaVuSansCondensed.ttf
	regularFont []byte
	//go:embed font/DejaVuSansCondensed-Bold.ttf
	boldFont []byte
)

const fontName = "DejaVu"

// MostInPDF is the number of rows that fit a PDF that somebody would read. It is built in
// memory; CSV and XLSX take any number.
const MostInPDF = 10_000

// TooLongError says that a report has more rows than a PDF takes.
type TooLongError struct{ Report string }

func (e *TooLongError) Error() string {
	return fmt.Sprintf("the report %s has more than %d rows, and a PDF of that length is for nobody. Choose fewer days, or csv or xlsx", e.Report, MostInPDF)
}

// Measures of a page, A4 across, in millimetres.
const (
	pageWidth, pageHeight = 297.0, 210.0
	margin, lineHeight    = 12.0, 4.6
)

// PDF writes a report as A4 pages: charts first, then the table, then the notes.
// made is when it was made; it shows the company's day. Error: *TooLongError.
func (r *Report) PDF(to io.Writer, made time.Time) error {
	made = made.In(cmp.Or(r.zone, time.UTC))
	p := fpdf.New("L", "mm", "A4", "")
	p.AddUTF8FontFromBytes(fontName, "", regularFont)
	p.AddUTF8FontFromBytes(fontName, "B", boldFont)
	p.SetMargins(margin, margin, margin)
	p.SetAutoPageBreak(false, margin)
	p.SetCreationDate(made)
	p.SetModificationDate(made)
	p.SetCatalogSort(true)
	p.SetTitle(r.Title, true)
	p.SetCreator("Kvitt", true)
	p.AliasNbPages("{pages}")
	var rows []Row
	for row, err := range r.Rows {
		if err != nil {
			return r.failed("PDF", err)
		}
		if len(rows) == MostInPDF {
			return &TooLongError{r.Name}
		}
		rows = append(rows, row)
	}
	notes := r.notes()
	page := &page{Fpdf: p, report: r, made: made}
	page.choose(len(rows), notes)
	page.begin(true)
	page.charts()
	page.heading()
	for i := range rows {
		page.row(rows[i])
	}
	page.notes(notes)
	if err := p.Output(to); err != nil {
		return r.failed("PDF", err)
	}
	return nil
}

type page struct {
	*fpdf.Fpdf
	report *Report
	made   time.Time
	widths []float64
	size
}

// size describes how large things are drawn: words as a share of the usual, charts as
// wide as they are.
type size struct{ words, chart float64 }

// sizes are tried in this order until a report fits one page. One that fits none
// takes as many pages as it needs, in the first size.
var sizes = []size{{1, 160}, {1, 134}, {0.92, 110}, {0.84, 90}, {0.76, 66}}

// choose takes the largest size in which everything is on one page.
func (p *page) choose(rows int, notes []string) {
	for _, p.size = range sizes {
		across := int((pageWidth - 2*margin + gap) / (p.chart + gap))
		lines := rows
		p.SetFont(fontName, "", p.font())
		for _, note := range notes {
			lines += len(p.SplitText(strings.ToValidUTF8(note, "?"), pageWidth-2*margin))
		}
		charts := float64((len(p.report.Charts) + across - 1) / across)
		const title, heading = 7.5 + 5 + 2, 0.6 + 3
		if margin+title+heading+charts*(p.chart*chartHeight/chartWidth+gap)+float64(lines+2)*p.line() <= pageHeight-margin {
			return
		}
	}
	p.size = sizes[0]
}

func (p *page) font() float64 { return 7.5 * p.words }

// line is the height that a line is.
func (p *page) line() float64 { return lineHeight * p.words }

// gap is what is left free beside and below a chart.
const gap = 4.0

// begin starts a page with the title, the first one larger, and its number.
func (p *page) begin(first bool) {
	p.AddPage()
	size := 9.0
	if first {
		size = 15
	}
	p.SetFont(fontName, "B", size)
	p.CellFormat(0, size/2, p.report.Title, "", 1, "L", false, 0, "")
	p.SetFont(fontName, "", 8)
	p.CellFormat(0, 5, p.report.About, "", 1, "L", false, 0, "")
	p.Ln(2)
	x, y := p.GetXY()
	p.SetXY(margin, pageHeight-margin+2)
	p.CellFormat(0, 4, "Kvitt, "+p.made.Format(time.DateOnly)+"    "+p.report.Language.In(fmt.Sprintf("page %d of {pages}", p.PageNo())), "", 0, "R", false, 0, "")
	p.SetXY(x, y)
}

func (p *page) room(height float64) bool { return p.GetY()+height <= pageHeight-margin }

// columns are the widths of the columns in millimetres.
func (p *page) columns() []float64 {
	if p.widths == nil {
		all := 0
		for i := range p.report.Columns {
			all += p.report.Columns[i].Width
		}
		for i := range p.report.Columns {
			p.widths = append(p.widths, (pageWidth-2*margin)*float64(p.report.Columns[i].Width)/float64(all))
		}
	}
	return p.widths
}

func (p *page) heading() {
	if !p.room(3 * p.line()) {
		p.begin(false)
	}
	p.SetFont(fontName, "B", p.font())
	for i, w := range p.columns() {
		p.CellFormat(w, p.line(), p.fit(p.report.Columns[i].Name, w), "B", 0, align(p.report.Columns[i].Kind), false, 0, "")
	}
	p.Ln(p.line() + 0.6)
}

func align(k Kind) string {
	if k == Money || k == Count || k == Rate {
		return "R"
	}
	return "L"
}

func (p *page) row(row Row) {
	if !p.room(p.line()) {
		p.begin(false)
		p.heading()
	}
	style := ""
	if row.Total || row.Bad {
		style = "B"
	}
	p.SetFont(fontName, style, p.font())
	if row.Bad {
		p.SetTextColor(colour("#b00020"))
		defer p.SetTextColor(0, 0, 0)
	}
	for i, w := range p.columns() {
		text := ""
		if i < len(row.Cells) {
			text = p.report.decimal(row.Cells[i], p.report.Columns[i].Kind)
		}
		if p.report.Columns[i].Kind == Text {
			text = p.fit(text, w) // an amount is never cut
		}
		p.CellFormat(w, p.line(), text, "", 0, align(p.report.Columns[i].Kind), false, 0, "")
	}
	p.Ln(p.line())
}

// fit cuts words that are wider than their column, and shows that.
func (p *page) fit(text string, width float64) string {
	if p.GetStringWidth(text) <= width-1.5 {
		return text
	}
	letters := []rune(text)
	for len(letters) > 0 && p.GetStringWidth(string(letters)+"…") > width-1.5 {
		letters = letters[:len(letters)-1]
	}
	return string(letters) + "…"
}

func (p *page) notes(notes []string) {
	p.Ln(3)
	p.SetFont(fontName, "", p.font())
	for _, note := range notes {
		lines := p.SplitText(strings.ToValidUTF8(note, "?"), pageWidth-2*margin)
		for _, line := range lines {
			if !p.room(p.line()) {
				p.begin(false)
				p.SetFont(fontName, "", p.font())
			}
			p.CellFormat(0, p.line(), line, "", 1, "L", false, 0, "")
		}
	}
}

// charts draws them beside each other, as many as there is room for.
func (p *page) charts() {
	height := p.chart * chartHeight / chartWidth
	left := margin
	for i := range p.report.Charts {
		c := &p.report.Charts[i]
		if left == margin && !p.room(height+gap) {
			p.begin(false)
		}
		on := &pdfCanvas{p.Fpdf, left, p.GetY(), p.chart / chartWidth}
		on.text(0, 14, "start", c.Title+" ("+string(c.Currency)+")")
		c.draw(on)
		if left += p.chart + gap; left+p.chart > pageWidth-margin || i == len(p.report.Charts)-1 {
			left = margin
			p.SetXY(margin, on.top+height+gap)
			continue
		}
		p.SetY(on.top)
	}
}

// pdfCanvas draws in millimetres what a chart gives in its own units.
type pdfCanvas struct {
	*fpdf.Fpdf
	left, top, unit float64
}

func (c *pdfCanvas) at(x, y int) (float64, float64) {
	return c.left + float64(x)*c.unit, c.top + float64(y)*c.unit
}

func colour(hex string) (r, g, b int) {
	_, _ = fmt.Sscanf(hex, "#%02x%02x%02x", &r, &g, &b) // our own colours
	return r, g, b
}

func (c *pdfCanvas) rectangle(x, y, w, h int, hex, _ string) {
	c.SetFillColor(colour(hex))
	left, top := c.at(x, y)
	c.Rect(left, top, float64(w)*c.unit, float64(h)*c.unit, "F")
}

func (c *pdfCanvas) line(x1, y1, x2, y2 int, hex string, thick bool) {
	c.SetDrawColor(colour(hex))
	c.SetLineWidth(0.15)
	if thick {
		c.SetLineWidth(0.4)
	}
	left, top := c.at(x1, y1)
	right, bottom := c.at(x2, y2)
	c.Line(left, top, right, bottom)
	c.SetDrawColor(0, 0, 0)
	c.SetLineWidth(0.2)
}

func (c *pdfCanvas) text(x, y int, anchor, words string) {
	c.SetFont(fontName, "", 31.5*c.unit) // 7 in a chart of the usual width
	left, top := c.at(x, y)
	switch anchor {
	case "middle":
		left -= c.GetStringWidth(words) / 2
	case "end":
		left -= c.GetStringWidth(words)
	}
	c.Text(left, top, words)
}
