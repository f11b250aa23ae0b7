package web_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kvitt/internal/web"
)

func TestARedirectStaysOnThisSite(t *testing.T) {
	for _, good := range []string{"/", "/connections", "/connections/", "/connections/x?from=2026-01-01&to=2026-01-31", "/a/b#c", "/people?done=a/../b"} {
		if got := web.Local(good); got != good {
			t.Errorf("%q became %q", good, got)
		}
	}
	base, _ := url.Parse("https://kvitt.example.com/language")
	for _, bad := range []string{
		"", "connections", "https://evil.example", "//evil.example", `/\evil.example`, "/\t/evil.example", "/\n/evil.example", "\t//evil.example",
		`/x/../\evil.example`, `/./\evil.example`, "/x/..//evil.example", "/.//evil.example", "/%09/evil.example", "/%5cevil.example", "/%2e%2e//evil.example",
		"javascript:alert(1)", "/\x00/evil", "/a//b", "//", "///evil.example", "/%2F/evil.example", "http:/evil.example", "/" + strings.Repeat("a", 3000),
	} {
		if got := web.Local(bad); got != web.Home {
			t.Errorf("%q became %q", bad, got)
		}
		w := httptest.NewRecorder()
		web.Go(w, httptest.NewRequest(http.MethodGet, base.String(), http.NoBody), bad)
		if to, err := base.Parse(w.Header().Get("Location")); err != nil || to.Host != base.Host {
			t.Errorf("%q leads to %q, %v", bad, w.Header().Get("Location"), err)
		}
	}
}

// leaving lists the functions that lead to another party: the OpenID Connect provider, Visma Connect, and
// the portal from Temporal's Web UI.
var leaving = []string{"askToSignIn", "connectVisma", "toProvider"}

func TestEveryRedirectGoesThroughOneHelper(t *testing.T) {
	found := map[string]bool{}
	err := filepath.WalkDir("../..", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "sandbox" || d.Name() == "node_modules" || d.Name() == "web"):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, part := range file.Decls {
			f, ok := part.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				call, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				of, _ := call.X.(*ast.Ident)
				if of == nil {
					return true
				}
				switch of.Name + "." + call.Sel.Name {
				case "http.Redirect", "http.RedirectHandler":
					t.Errorf("%s, %s redirects directly; use web.Go", name, f.Name)
				case "web.Leave":
					found[f.Name.Name] = true
				}
				return true
			})
		}
		return nil
	})
	if got := slices.Sorted(maps.Keys(found)); err != nil || !slices.Equal(got, leaving) {
		t.Errorf("functions that lead to another site: %v, %v", got, err)
	}
}
