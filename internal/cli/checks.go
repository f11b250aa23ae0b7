package cli

import (
	"io"
	"strings"

	"kvitt/internal/cli/table"
	"kvitt/internal/operate"
)

// The results of a check.
const (
	checkOK      = "ok"
	checkWarning = "warning"
	checkFailed  = "failed"
)

// check is one line of setup or doctor.
type check struct {
	Check      string `json:"check"`
	Connection string `json:"connection,omitempty"`
	Name       string `json:"connection_name,omitempty"`
	Result     string `json:"result"` // ok, warning or failed
	Words      string `json:"words"`
	Remedy     string `json:"remedy,omitempty"`
}

// checks collects what was checked.
type checks struct {
	list []check
}

func (c *checks) ok(name, connection, words string) {
	c.list = append(c.list, check{Check: name, Connection: connection, Result: checkOK, Words: operate.Printable(words)})
}

func (c *checks) warn(name, connection, words, remedy string) {
	c.list = append(c.list, check{Check: name, Connection: connection, Result: checkWarning, Words: operate.Printable(words), Remedy: operate.Printable(remedy)})
}

func (c *checks) fail(name, connection, words, remedy string) {
	c.list = append(c.list, check{Check: name, Connection: connection, Result: checkFailed, Words: operate.Printable(words), Remedy: operate.Printable(remedy)})
}

// failed adds an error, whose sentence may hold its remedy.
func (c *checks) failed(name, connection string, err error) {
	words, remedy := operate.Explain(err)
	c.fail(name, connection, words, remedy)
}

// count returns the number that have a result.
func (c *checks) count(result string) (n int) {
	for i := range c.list {
		if c.list[i].Result == result {
			n++
		}
	}
	return n
}

// write writes a line for each check, those of a connection below its id, and
// what helps below what does not work.
func (c *checks) write(w io.Writer, paint painter) error {
	t := table.New(table.Left(""), table.Left(""), table.Left(""))
	t.Width = width(w)
	t.Paint = func(column int, text string) string {
		if column != 0 {
			return text
		}
		return map[string]func(string) string{checkOK: paint.good, checkWarning: paint.warn, checkFailed: paint.bad}[text](text)
	}
	connection := ""
	for i := range c.list {
		if now := c.list[i].Connection; now != connection {
			connection = now
			t.Blank()
			t.Heading(paint.bold(strings.TrimSpace(connection + "  " + operate.Printable(c.list[i].Name))))
		}
		t.Add(c.list[i].Result, c.list[i].Check, c.list[i].Words)
		if c.list[i].Remedy != "" {
			t.Add("", "", "→ "+c.list[i].Remedy)
		}
	}
	return t.Write(w)
}
