package fault_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A nil error in an error's text reads "%!w(<nil>)". What this test can see of the
// kind: an error that only one side of an "or" proves, and errors.Join of a single
// error, which is nil when that one is.
func TestNoErrorWrapsOneThatMayBeNil(t *testing.T) {
	t.Parallel()
	const root = "../.."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".git")) {
			return fs.SkipDir
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, at := range doubtful(file) {
			t.Errorf("%s: the error that is wrapped here may be nil", files.Position(at))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestADoubtfulWrapIsSeen(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]int{
		`if err != nil || n == 0 { return fmt.Errorf("%d: %w", n, err) }`:                             1,
		`if err := f(); n == 0 || (err != nil || m == 0) { return fmt.Errorf("x: %w", err) }`:         1,
		`switch { case err != nil || n == 0: return fmt.Errorf("x: %v", err) }`:                       1,
		`if err == nil { return fmt.Errorf("x: %w", err) }`:                                           1,
		`return fmt.Errorf("x: %w", errors.Join(err))`:                                                1,
		`if err != nil || n == 0 { if err != nil { return fmt.Errorf("x: %w", err) }; return other }`: 0,
		`if err != nil { return fmt.Errorf("x: %w", err) }`:                                           0,
		`if err != nil && (a || b) { return fmt.Errorf("x: %w", err) }`:                               0,
		`if err != nil || n == 0 { return fmt.Errorf("x: %w", ErrOther) }`:                            0,
		`if err != nil || n == 0 { if err = g(); err != nil { return fmt.Errorf("x: %w", err) } }`:    0,
		`return fmt.Errorf("x: %w", errors.Join(errs...))`:                                            0,
		`if errors.Is(err, a) || errors.Is(err, b) { return fmt.Errorf("x: %w", err) }`:               0,
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "", "package p\nfunc f() error {\n"+body+"\n}", 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := doubtful(file); len(got) != want {
			t.Errorf("%s: %d are seen, want %d", body, len(got), want)
		}
	}
}

// doubtful are the places of a file where an error that may be nil is wrapped.
func doubtful(file *ast.File) []token.Pos {
	var found []token.Pos
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			for _, arg := range wrapped(n) {
				if join, ok := arg.(*ast.CallExpr); ok && called(join, "errors", "Join") && len(join.Args) == 1 && join.Ellipsis == token.NoPos {
					found = append(found, join.Pos())
				}
			}
		case *ast.IfStmt:
			found = append(found, within(n.Body, unproven(n.Cond))...)
		case *ast.CaseClause:
			for _, cond := range n.List {
				found = append(found, within(&ast.BlockStmt{List: n.Body}, unproven(cond))...)
			}
		}
		return true
	})
	return found
}

// unproven are the names that a condition compares with nil, and that may be nil
// where it holds.
func unproven(cond ast.Expr) []string {
	switch c := cond.(type) {
	case *ast.ParenExpr:
		return unproven(c.X)
	case *ast.BinaryExpr:
		switch c.Op {
		case token.EQL:
			return compared(c)
		case token.LOR:
			return append(mentioned(c.X), mentioned(c.Y)...)
		}
	}
	return nil
}

func mentioned(cond ast.Expr) []string {
	switch c := cond.(type) {
	case *ast.ParenExpr:
		return mentioned(c.X)
	case *ast.BinaryExpr:
		if c.Op == token.EQL || c.Op == token.NEQ {
			return compared(c)
		}
		return append(mentioned(c.X), mentioned(c.Y)...)
	}
	return nil
}

func compared(c *ast.BinaryExpr) []string {
	name, ok := c.X.(*ast.Ident)
	if null, isIdent := c.Y.(*ast.Ident); !ok || !isIdent || null.Name != "nil" {
		return nil
	}
	return []string{name.Name}
}

// within finds what wraps one of names in a block, but not where a further
// condition speaks of it or it is set anew.
func within(block *ast.BlockStmt, names []string) []token.Pos {
	var found []token.Pos
	ast.Inspect(block, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IfStmt:
			return !slices.ContainsFunc(mentioned(n.Cond), func(name string) bool { return slices.Contains(names, name) })
		case *ast.CallExpr:
			for _, arg := range wrapped(n) {
				if id, ok := arg.(*ast.Ident); ok && slices.Contains(names, id.Name) {
					found = append(found, id.Pos())
				}
			}
		}
		return true
	})
	return found
}

// wrapped are the arguments of fmt.Errorf after its format.
func wrapped(call *ast.CallExpr) []ast.Expr {
	if !called(call, "fmt", "Errorf") || len(call.Args) == 0 {
		return nil
	}
	return call.Args[1:]
}

func called(call *ast.CallExpr, pkg, name string) bool {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || f.Sel.Name != name {
		return false
	}
	id, ok := f.X.(*ast.Ident)
	return ok && id.Name == pkg
}
