package report

import (
	"encoding/xml"
	"fmt"
	"math/bits"
	"strings"

	"kvitt/internal/lang"
	"kvitt/internal/settlement"
)

// Chart is a few series over the same labels, where a look is quicker than a
// table. Values are minor units of Currency. It is drawn in whole units of a
// plane that is chartWidth by chartHeight, in SVG and in PDF alike.
type Chart struct {
	Title    string
	Currency settlement.Currency
	Labels   []string
	Series   []Series
	Line     bool // a balance, instead of amounts
	Language lang.Language
}

// Series is one value for each label.
type Series struct {
	Name   string
	Values []int64
}

const (
	chartWidth, chartHeight = 720, 240
	plotLeft, plotRight     = 96, 708
	plotTop, plotBottom     = 44, 204
)

// ink are the colours of series: dark enough on white, light enough on black,
// and told apart by those who see red and green alike.
var ink = []string{"#2f6fb5", "#c2701c", "#6b7a86"}

// canvas is what a chart is drawn on.
type canvas interface {
	rectangle(x, y, w, h int, colour, says string)
	line(x1, y1, x2, y2 int, colour string, thick bool)
	text(x, y int, anchor, words string) // anchor: start, middle or end
}

// draw draws the chart.
func (c *Chart) draw(on canvas) {
	low, high, step := c.scale()
	y := func(v int64) int { return plotBottom - int(share(v, low, high, plotBottom-plotTop)) }
	for v := low; ; v += step {
		on.line(plotLeft, y(v), plotRight, y(v), "#c9d0d6", false)
		on.text(plotLeft-6, y(v)+4, "end", whole(v, c.Currency))
		if v >= high {
			break
		}
	}
	x := plotLeft
	for i := range c.Series {
		on.rectangle(x, 24, 10, 10, ink[i%len(ink)], c.Series[i].Name)
		on.text(x+15, 33, "start", c.Series[i].Name)
		x += 30 + 7*len([]rune(c.Series[i].Name))
	}
	slot := (plotRight - plotLeft) * 100 / max(1, len(c.Labels))
	every := 1 + 6400/max(1, slot) // labels need some 60 units each
	for i, label := range c.Labels {
		left := plotLeft + i*slot/100
		if i%every == 0 {
			on.text(left+slot/200, plotBottom+16, "middle", label)
		}
		for s := range c.Series {
			c.mark(on, i, s, left, slot/100, y)
		}
	}
	on.line(plotLeft, y(0), plotRight, y(0), "#6b7a86", false)
}

// mark draws one value.
func (c *Chart) mark(on canvas, i, s, left, slot int, y func(int64) int) {
	v := c.Series[s].Values[i]
	if c.Line {
		middle := left + slot/2
		if i > 0 {
			on.line(middle-slot, y(c.Series[s].Values[i-1]), middle, y(v), ink[s%len(ink)], true)
		}
		on.rectangle(middle-2, y(v)-2, 4, 4, ink[s%len(ink)], c.says(i, s))
		return
	}
	width := max(1, (slot*4/5)/len(c.Series))
	top, bottom := y(max(v, 0)), y(min(v, 0))
	on.rectangle(left+slot/10+s*width, top, max(1, width-1), max(1, bottom-top), ink[s%len(ink)], c.says(i, s))
}

func (c *Chart) says(i, s int) string {
	return c.Labels[i] + ", " + c.Series[s].Name + ": " + c.written(c.Series[s].Values[i]) + " " + string(c.Currency)
}

// written is a value as its language writes it, in English as programs read it.
func (c *Chart) written(minor int64) string {
	if lang.Of(string(c.Language)) == lang.English {
		return settlement.Format(minor, c.Currency)
	}
	return c.Language.Money(minor, string(c.Currency))
}

// scale is the span of the axis and its steps: 1, 2 or 5 times a power of ten.
func (c *Chart) scale() (low, high, step int64) {
	for i := range c.Series {
		for _, v := range c.Series[i].Values {
			low, high = min(low, v), max(high, v)
		}
	}
	room := (high/2 - low/2) / 2 // a quarter of the span
	step = 1
	for _, f := range []int64{1, 2, 5} {
		s := f
		for s < room && s < 1<<58 {
			s *= 10
		}
		if step == 1 || s < step {
			step = s
		}
	}
	if e, err := c.Currency.Exponent(); err == nil && e == 2 {
		step = max(step, 100)
	}
	if low < 0 {
		low = -((-low + step - 1) / step * step)
	}
	high = (high + step - 1) / step * step
	return low, max(high, low+step), step
}

// share is where v lies between low and high, of a length.
func share(v, low, high, length int64) int64 {
	part, whole := uint64(v)-uint64(low), uint64(high)-uint64(low)
	h, l := bits.Mul64(part, uint64(length))
	q, _ := bits.Div64(h, l, whole)
	return int64(q)
}

// whole writes an amount without its minor units, in groups of three.
func whole(minor int64, c settlement.Currency) string {
	digits, _, _ := strings.Cut(settlement.Format(minor, c), ".")
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "−", digits[1:]
	}
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + " " + digits[at:]
	}
	return sign + digits
}

// SVG is the chart as an element to put into a page: no script, no style, no
// outside reference. Words take the colour of the text around it; each value
// can be read by those who do not see it, in the description.
func (c *Chart) SVG() string {
	var b strings.Builder
	id := "chart-" + strings.Join(strings.FieldsFunc(strings.ToLower(c.Title), func(r rune) bool { return r < 'a' || r > 'z' }), "-")
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-labelledby="%s-t %s-d" font-family="sans-serif" font-size="12">`, chartWidth, chartHeight, id, id)
	fmt.Fprintf(&b, `<title id="%s-t">%s</title><desc id="%s-d">%s</desc>`, id, escaped(c.Title), id, escaped(c.description()))
	on := svgCanvas{&b}
	on.text(0, 14, "start", c.Title+" ("+string(c.Currency)+")")
	c.draw(on)
	b.WriteString("</svg>\n")
	return b.String()
}

// description says every value in words.
func (c *Chart) description() string {
	var all []string
	for i := range c.Labels {
		for s := range c.Series {
			all = append(all, c.says(i, s))
		}
	}
	return strings.Join(all, "; ")
}

type svgCanvas struct{ b *strings.Builder }

func (s svgCanvas) rectangle(x, y, w, h int, colour, says string) {
	fmt.Fprintf(s.b, `<rect x="%d" y="%d" width="%d" height="%d" fill="%s"><title>%s</title></rect>`, x, y, w, h, colour, escaped(says))
}

func (s svgCanvas) line(x1, y1, x2, y2 int, colour string, thick bool) {
	width := 1
	if thick {
		width = 2
	}
	fmt.Fprintf(s.b, `<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="%s" stroke-width="%d"/>`, x1, y1, x2, y2, colour, width)
}

func (s svgCanvas) text(x, y int, anchor, words string) {
	fmt.Fprintf(s.b, `<text x="%d" y="%d" text-anchor="%s" fill="currentColor">%s</text>`, x, y, anchor, escaped(words))
}

func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder takes everything
	return b.String()
}
