package report

import (
	"archive/zip"
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// XLSX writes a report as a workbook of one sheet, row by row. A number in a
// sheet is text, <v>85900.12</v>, and is written here as that: the digits of the
// minor units with a point in them. No amount passes through a float on our side
// (what a spreadsheet makes of it is its own). That is why no library writes it:
// those that stream take numbers as floats or whole numbers only (decision 29).
func (r *Report) XLSX(to io.Writer) error {
	z := zip.NewWriter(to)
	w, err := z.CreateHeader(&zip.FileHeader{Name: "xl/worksheets/sheet1.xml", Method: zip.Deflate})
	if err != nil {
		return r.failed("XLSX", err)
	}
	b := bufio.NewWriter(w)
	areas, err := r.sheet(b)
	if err != nil {
		return r.failed("XLSX", err)
	}
	if err := b.Flush(); err != nil {
		return r.failed("XLSX", err)
	}
	for _, part := range workbook {
		w, err := z.CreateHeader(&zip.FileHeader{Name: part.name, Method: zip.Deflate})
		if err == nil {
			_, err = io.WriteString(w, xmlHead+strings.NewReplacer("{name}", escaped(r.Name), "{areas}", areas).Replace(part.body))
		}
		if err != nil {
			return r.failed("XLSX", err)
		}
	}
	if err := z.Close(); err != nil {
		return r.failed("XLSX", err)
	}
	return nil
}

const xmlHead = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"

// The styles of cells, by their place in cellXfs of styles.xml; a total has its
// own of each, and so has what does not agree.
const (
	styleText = iota
	styleMoney2
	styleMoney0
	styleCount
	styleHeading
	styleTitle
	styleTotal = 6  // added to the first four
	styleBad   = 10 // too
)

var workbook = []struct{ name, body string }{
	{"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>`},
	{"_rels/.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
	{"xl/workbook.xml", `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="{name}" sheetId="1" r:id="rId1"/></sheets><definedNames>{areas}</definedNames></workbook>`},
	{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>`},
	{"xl/styles.xml", `<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><fonts count="4"><font><sz val="10"/><name val="Calibri"/></font><font><b/><sz val="10"/><name val="Calibri"/></font><font><b/><sz val="14"/><name val="Calibri"/></font><font><b/><sz val="10"/><color rgb="FFB00020"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="14">` +
		xf(49, 0) + xf(4, 0) + xf(3, 0) + xf(3, 0) + xf(49, 1) + xf(49, 2) + xf(49, 1) + xf(4, 1) + xf(3, 1) + xf(3, 1) +
		xf(49, 3) + xf(4, 3) + xf(3, 3) + xf(3, 3) + `</cellXfs></styleSheet>`},
}

// xf is a style: a number format (4 is #,##0.00, 3 is #,##0, 49 is text) and a
// font.
func xf(format, font int) string {
	return fmt.Sprintf(`<xf numFmtId="%d" fontId="%d" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/>`, format, font)
}

// sheet writes title, heading, rows and notes, a filter on the heading, and how
// it is printed: across, as wide as a page, the heading on each. It gives the
// names of those areas. The writer keeps its first error until it is flushed.
func (r *Report) sheet(b *bufio.Writer) (areas string, err error) {
	_, _ = b.WriteString(xmlHead + `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetPr><pageSetUpPr fitToPage="1"/></sheetPr><sheetViews><sheetView workbookViewId="0"><pane ySplit="3" topLeftCell="A4" state="frozen"/></sheetView></sheetViews><cols>`)
	for i := range r.Columns {
		fmt.Fprintf(b, `<col min="%d" max="%d" width="%d" customWidth="1"/>`, i+1, i+1, max(9, r.Columns[i].Width+3))
	}
	_, _ = b.WriteString(`</cols><sheetData>`)
	line := 1
	words := func(style int, cells ...string) {
		fmt.Fprintf(b, `<row r="%d">`, line)
		for i, text := range cells {
			writeCell(b, i, line, style, text)
		}
		_, _ = b.WriteString(`</row>`)
		line++
	}
	words(styleTitle, r.Title)
	words(styleText, r.About)
	names := make([]string, len(r.Columns))
	for i := range r.Columns {
		names[i] = r.Columns[i].Name
	}
	words(styleHeading, names...)
	heading := line - 1
	last := heading // the last row that is no sum
	for row, err := range r.Rows {
		if err != nil {
			return "", err
		}
		if !row.Total {
			last = line
		}
		r.sheetRow(b, line, row)
		line++
	}
	line++
	for _, note := range r.notes() {
		words(styleText, note)
	}
	_, _ = b.WriteString(`</sheetData>`)
	right := letters(len(r.Columns) - 1)
	area := func(name, more string, from, to int) {
		areas += fmt.Sprintf(`<definedName name="_xlnm.%s" localSheetId="0"%s>'%s'!$A$%d:$%s$%d</definedName>`, name, more, escaped(r.Name), from, right, to)
	}
	if last > heading {
		fmt.Fprintf(b, `<autoFilter ref="A%d:%s%d"/>`, heading, right, last)
		area("_FilterDatabase", ` hidden="1"`, heading, last)
	}
	area("Print_Area", "", 1, max(line-1, heading))
	areas += fmt.Sprintf(`<definedName name="_xlnm.Print_Titles" localSheetId="0">'%s'!$%d:$%d</definedName>`, escaped(r.Name), heading, heading)
	_, err = b.WriteString(`<pageMargins left="0.4" right="0.4" top="0.5" bottom="0.5" header="0.3" footer="0.3"/><pageSetup paperSize="9" orientation="landscape" fitToWidth="1" fitToHeight="0"/></worksheet>`)
	return areas, err
}

func (r *Report) sheetRow(b *bufio.Writer, line int, row Row) {
	fmt.Fprintf(b, `<row r="%d">`, line)
	total := 0
	if row.Total {
		total = styleTotal
	}
	if row.Bad {
		total = styleBad
	}
	for i := range row.Cells {
		cell, kind := &row.Cells[i], r.Columns[i].Kind
		if !cell.Known {
			continue
		}
		decimal := cell.Decimal(kind)
		switch e, err := cell.Currency.Exponent(); {
		case kind == Money && err == nil && e == 0:
			writeNumber(b, i, line, styleMoney0+total, decimal)
		case kind == Money && err == nil, kind == Rate:
			writeNumber(b, i, line, styleMoney2+total, decimal)
		case kind == Count:
			writeNumber(b, i, line, styleCount+total, decimal)
		default:
			writeCell(b, i, line, styleText+total, decimal)
		}
	}
	_, _ = b.WriteString(`</row>`)
}

func writeCell(b *bufio.Writer, column, line, style int, text string) {
	fmt.Fprintf(b, `<c r="%s%d" s="%d" t="inlineStr"><is><t xml:space="preserve">%s</t></is></c>`, letters(column), line, style, escaped(text))
}

func writeNumber(b *bufio.Writer, column, line, style int, decimal string) {
	_, _ = b.WriteString(`<c r="` + letters(column) + strconv.Itoa(line) + `" s="` + strconv.Itoa(style) + `"><v>` + decimal + `</v></c>`)
}

// letters names a column: A, B, … AA.
func letters(column int) string {
	name := ""
	for column++; column > 0; column = (column - 1) / 26 {
		name = string(rune('A'+(column-1)%26)) + name
	}
	return name
}
