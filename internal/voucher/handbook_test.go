package voucher_test

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kvitt/internal/voucher"
)

var handbook = filepath.Join("..", "..", "docs", "accounting.md")

var block = regexp.MustCompile(`(?s)<!-- begin ([a-z]+) ?([^ ]*) -->\n(.*?)<!-- end -->`)

// What docs/accounting.md shows of vouchers and accounts is what the presets give:
// `go test ./internal/voucher -run Handbook -renew` writes it anew.
func TestTheAccountingHandbookShowsWhatIsBooked(t *testing.T) {
	body, err := os.ReadFile(handbook)
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	fresh := block.ReplaceAllStringFunc(string(body), func(found string) string {
		m := block.FindStringSubmatch(found)
		want := ""
		switch m[1] {
		case "voucher":
			golden, err := os.ReadFile(filepath.Join("testdata", "vouchers", m[2]+".txt"))
			if err != nil {
				t.Fatal(err)
			}
			want = "```text\n" + string(golden) + "```\n"
		case "accounts":
			want = accountTable(t)
		default:
			t.Fatalf("nobody knows what to put at %s", m[0])
		}
		if shown++; m[3] != want && !*renew {
			t.Errorf("%s %s is no longer what is booked; renew it", m[1], m[2])
		}
		return strings.Replace(found, m[3]+"<!-- end -->", want+"<!-- end -->", 1)
	})
	if shown < 12 {
		t.Errorf("the handbook shows %d vouchers and tables", shown)
	}
	if *renew {
		if err := os.WriteFile(handbook, []byte(fresh), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// accountTable is each account of the presets by its role, with its official name.
func accountTable(t *testing.T) string {
	t.Helper()
	known := charts(t)
	var roles []string
	cells := map[string]map[string]string{}
	names := voucher.Presets()
	for _, preset := range names {
		document, err := voucher.Preset(preset)
		if err != nil {
			t.Fatal(err)
		}
		p, err := voucher.ParseProfile(document)
		if err != nil {
			t.Fatal(err)
		}
		cells[preset] = map[string]string{}
		for _, n := range p.Named() {
			if !slices.Contains(roles, n.Name) {
				roles = append(roles, n.Name)
			}
			name := n.Number
			if e, ok := known[preset][n.Number]; ok {
				name += " " + e.name
				if e.under != "" {
					name += ", under " + e.under
				}
			}
			if cells[preset][n.Name] != "" {
				name = cells[preset][n.Name] + "; " + name
			}
			cells[preset][n.Name] = name
		}
	}
	slices.Sort(roles)
	var b strings.Builder
	fmt.Fprintf(&b, "| role | %s |\n|---|%s\n", strings.Join(names, " | "), strings.Repeat("---|", len(names)))
	for _, role := range roles {
		row := []string{role}
		for _, preset := range names {
			row = append(row, cmp.Or(cells[preset][role], "–"))
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
	}
	return b.String()
}
