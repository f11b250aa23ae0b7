package fault_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// known are fields that are never nil: net/url and net always set an error there.
var known = map[string]bool{"whole.Err": true, "unreachable.Err": true}

// An error that may be nil is never wrapped, because the sentence would end in %!w(<nil>): the result of
// errors.Join of one error, and a field that holds an error, are checked first, in the condition before
// the wrap.
func TestNothingWrapsAnErrorThatMayBeNil(t *testing.T) {
	files := token.NewFileSet()
	root := filepath.Join("..", "..")
	wraps := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			if err == nil && d.IsDir() && (d.Name() == "node_modules" || d.Name() == "bin" || strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2) {
				return fs.SkipDir
			}
			return err
		}
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		var above []ast.Node
		ast.Inspect(file, func(n ast.Node) bool {
			if n == nil {
				above = above[:len(above)-1]
				return true
			}
			above = append(above, n)
			call, ok := n.(*ast.CallExpr)
			if !ok || !strings.HasSuffix(types.ExprString(call.Fun), "fmt.Errorf") || !strings.Contains(types.ExprString(call.Args[0]), "%w") {
				return true
			}
			for _, arg := range call.Args[1:] {
				wraps++
				if said := types.ExprString(arg); mayBeNil(arg) && !known[said] && !lookedAt(above, said) {
					t.Errorf("%s wraps %s, which may be nil", files.Position(call.Pos()), said)
				}
			}
			return true
		})
		return nil
	})
	if err != nil || wraps < 100 {
		t.Fatalf("only %d wrapped errors were found: %v", wraps, err)
	}
}

func mayBeNil(arg ast.Expr) bool {
	switch e := arg.(type) {
	case *ast.CallExpr:
		return types.ExprString(e.Fun) == "errors.Join" && len(e.Args) == 1
	case *ast.SelectorExpr:
		return strings.EqualFold(e.Sel.Name, "err")
	}
	return false
}

// lookedAt reports whether an enclosing condition checks the error, or the block has checked it and
// returned before.
func lookedAt(above []ast.Node, said string) bool {
	for _, n := range above {
		switch at := n.(type) {
		case *ast.IfStmt:
			if strings.Contains(types.ExprString(at.Cond), said) {
				return true
			}
		case *ast.CaseClause:
			for _, e := range at.List {
				if strings.Contains(types.ExprString(e), said) {
					return true
				}
			}
		case *ast.BlockStmt:
			for _, s := range at.List {
				if one, ok := s.(*ast.IfStmt); ok && strings.Contains(types.ExprString(one.Cond), said+" == nil") {
					return true
				}
			}
		}
	}
	return false
}
