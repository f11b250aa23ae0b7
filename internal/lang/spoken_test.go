package lang_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"kvitt/internal/held"
	"kvitt/internal/lang"
)

// spoken is where sentences for people are made, by folder: the calls whose
// format they are, and the fields that hold them.
var spoken = map[string]struct{ calls, fields []string }{
	"../report":        {[]string{"note", "say", "hold"}, []string{"Title", "Name"}},
	"../notice":        {nil, nil},
	"../operate":       {nil, []string{"Attempted", "Happened", "Helps"}},
	"../portal":        {nil, []string{"Attempted", "Happened", "Helps"}},
	"../settlement":    {[]string{"mismatch", "refuse"}, nil},
	"../voucher":       {[]string{"differs", "errorf", "add"}, nil},
	"../posting":       {[]string{"stop"}, nil},
	"../company":       {[]string{"problem"}, nil},
	"../opening":       {[]string{"say", "miss"}, nil},
	"../../activities": {[]string{"reason"}, nil},
}

// sentences finds them in a folder. What is added to a literal, and the figures
// of a format, are put in as things that need no translation.
func sentences(t *testing.T, folder string, calls, fields []string) map[string]token.Position {
	t.Helper()
	files := token.NewFileSet()
	names, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("%s has no code: %v", folder, err)
	}
	found := map[string]token.Position{}
	add := func(e ast.Expr) {
		if text, ok := textOf(e); ok && strings.Contains(text, " ") {
			found[text] = files.Position(e.Pos())
		}
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		p, err := parser.ParseFile(files, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(p, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if named(n.Fun, calls) {
					for _, arg := range n.Args {
						add(arg)
					}
				}
			case *ast.KeyValueExpr:
				if named(n.Key, fields) {
					add(n.Value)
				}
			}
			return true
		})
	}
	return found
}

func named(e ast.Expr, names []string) bool {
	name := ""
	switch e := e.(type) {
	case *ast.Ident:
		name = e.Name
	case *ast.SelectorExpr:
		name = e.Sel.Name
	}
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

// textOf is a literal, a sum of literals and others, or a format with figures.
func textOf(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return figures.Replace(text), err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		left, one := textOf(e.X)
		right, other := textOf(e.Y)
		if !one {
			left = "C-1"
		}
		if !other {
			right = "C-1"
		}
		return left + right, one || other
	case *ast.CallExpr:
		if named(e.Fun, []string{"Sprintf"}) && len(e.Args) > 0 {
			return textOf(e.Args[0])
		}
	}
	return "", false
}

var figures = strings.NewReplacer("%.12s", "1f2e3d4c5b6a", "%s%s", "C-1", "meant%s", "meant (read as C-1 or C-2)", "%s in another currency than %s, the first of them %s in %q%s", "3 rows are in another currency than SEK, the first of them FEE/X in \"EUR\", order C-1", "%d", "3", "%s", "C-1", "%v", "C-1", "%q", `"C-1"`, "%%", "%")

// A sentence that reaches people and has no words in Swedish or Norwegian is
// found here, before somebody reads it in English.
func TestEverySentenceForPeopleHasWords(t *testing.T) {
	all := 0
	for folder, where := range spoken {
		for text, at := range sentences(t, filepath.FromSlash(folder), where.calls, where.fields) {
			all++
			for _, l := range lang.Languages()[1:] {
				if said, ok := l.Say(text); !ok && !parts[text] {
					t.Errorf("%s: there are no words in %s for\n\t%s\n\t%s", at, l, text, said)
				}
			}
		}
	}
	if all < 100 {
		t.Errorf("only %d sentences were found", all)
	}
}

// parts are completed by what is chosen in code, and known only whole.
var parts = map[string]bool{"C-1 the payout C-1": true, "C-1, rolled forward": true, "C-1 What was asked for may still be done when one comes.": true}

func TestEveryHeldReasonHasWords(t *testing.T) {
	for _, r := range held.All() {
		for _, l := range lang.Languages()[1:] {
			for _, text := range []string{r.Sentence, r.Remedy} {
				if said, ok := l.Say(text); !ok || said == text {
					t.Errorf("%s has no words for %s: %s", l, r.Code, text)
				}
			}
		}
	}
}

// Texts of others are as long and as odd as they like.
func TestForeignTextIsTakenApartInBoundedTime(t *testing.T) {
	odd := strings.Repeat("a of b, and c (d): e is f; g or h in i to j. ", 90)
	for _, l := range lang.Languages() {
		l.Say("read once")
	}
	began := time.Now()
	for _, l := range lang.Languages() {
		l.Say(odd)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
}
