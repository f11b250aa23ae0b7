package voucher

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// A posting profile is an accounting record that people read, so it is read
// strictly: every member is known, nothing stands twice, and what the document
// says is what it shows (no anchors, aliases, merges or tags).

// maxDocument bounds a profile in bytes, and maxDepth in how deeply it may
// nest, so that a hostile document costs nothing.
const (
	maxDocument = 64 << 10
	maxDepth    = 32
)

// place is where something stands in the document, counted from 1.
type place struct{ line, column int }

func (p place) errorf(remedy, problem string, args ...any) *ProfileError {
	return &ProfileError{Line: max(1, p.line), Column: max(1, p.column), Problem: fmt.Sprintf(problem, args...), Remedy: remedy}
}

func placeOf(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{1, 1}
	}
	return place{t.Position.Line, t.Position.Column}
}

// value is a node of the document, with the place it stands at and the name of
// the member it belongs to.
type value struct {
	place
	name string
	node ast.Node
}

// member is one "name: value" of a mapping.
type member struct {
	place // of the name
	name  string
	value value
}

// document reads the one value of a YAML document.
func document(doc []byte) (root value, err error) {
	start := place{1, 1}
	switch {
	case len(doc) > maxDocument:
		return value{}, start.errorf("split it by connection", "the document has %d bytes, and %d is the most", len(doc), maxDocument)
	case !utf8.Valid(doc):
		return value{}, placeOfByte(doc, invalidUTF8(doc)).errorf("save it as UTF-8", "the document is not UTF-8")
	}
	file, err := parseYAML(bytes.TrimPrefix(doc, []byte("\ufeff")))
	if err != nil {
		return value{}, err
	}
	var bodies []ast.Node
	for _, d := range file.Docs {
		if d.Body != nil {
			bodies = append(bodies, d.Body)
		}
	}
	switch len(bodies) {
	case 0:
		return value{}, start.errorf("start from a preset (`starter profile presets`)", "the document is empty")
	case 1:
		return at("the profile", bodies[0]), nil
	default:
		return value{}, placeOf(bodies[1].GetToken()).errorf("keep one profile in a file", "a second document starts here")
	}
}

// parseYAML parses, and makes a *ProfileError of everything that goes wrong.
// The parser is not ours and reads what people type: a panic in it is an
// unreadable document, not a crash.
func parseYAML(doc []byte) (file *ast.File, err error) {
	defer func() {
		if recover() != nil {
			file, err = nil, place{1, 1}.errorf("look for unusual punctuation, and quote it", "the document cannot be read as YAML")
		}
	}()
	tokens := lexer.Tokenize(string(doc))
	if t := tooDeep(tokens); t != nil {
		return nil, placeOf(t).errorf("close what was opened before", "the document nests too deeply")
	}
	file, err = parser.Parse(tokens, 0)
	if err == nil {
		return file, nil
	}
	var syntax yaml.Error
	if errors.As(err, &syntax) {
		return nil, placeOf(syntax.GetToken()).errorf(syntaxRemedy(syntax.GetMessage()), "%s", syntax.GetMessage())
	}
	return nil, place{1, 1}.errorf("", "%v", err)
}

// syntaxRemedy says what helps against the slips that people make most.
func syntaxRemedy(message string) string {
	switch {
	case strings.Contains(message, "tab") || strings.Contains(message, "cannot start any token"):
		return "indent with spaces, and put quotes around special characters"
	case strings.Contains(message, "already defined"):
		return "keep one of the two"
	case strings.Contains(message, "map"):
		return "write `name: value`, and indent members of one list by the same number of spaces"
	default:
		return "check the indentation and the quotes around here"
	}
}

// at makes a value of a node.
func at(name string, n ast.Node) value {
	p := placeOf(n.GetToken())
	if m, ok := n.(ast.MapNode); ok {
		if entries := m.MapRange(); entries.Next() {
			p = placeOf(entries.Key().GetToken())
		}
	}
	return value{place: p, name: name, node: n}
}

// text reads a value as it is written, quotes aside: 0123 stays "0123".
func (v value) text() (string, error) {
	switch n := v.node.(type) {
	case *ast.StringNode:
		return n.Value, nil
	case *ast.LiteralNode:
		return n.Value.Value, nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, nil
	case *ast.NullNode:
		return "", v.errorf("give it a value or leave the member out", "%s has no value", v.name)
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		return "", v.refuse()
	default:
		return "", v.errorf("write a single value", "%s has to be a single value", v.name)
	}
}

func (v value) refuse() error {
	return v.errorf("write the value out; put quotes around a text that starts with &, * or !",
		"anchors, aliases and tags are not used in profiles")
}

// members reads a mapping with any names.
func (v value) members() ([]member, error) {
	switch v.node.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		return nil, v.refuse()
	case *ast.NullNode:
		return nil, v.errorf("give it members or leave it out", "%s is empty", v.name)
	}
	mapping, ok := v.node.(ast.MapNode)
	if !ok {
		return nil, v.errorf("write `name: value` lines", "%s has to have members", v.name)
	}
	var members []member
	for entries := mapping.MapRange(); entries.Next(); {
		key := entries.Key()
		keyValue := value{placeOf(key.GetToken()), "the name of a member", key}
		name, err := keyValue.text()
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(members, func(m member) bool { return m.name == name }) {
			return nil, keyValue.errorf("keep one of the two", "%q stands twice in %s", name, v.name)
		}
		members = append(members, member{keyValue.place, name, at(name, entries.Value())})
	}
	return members, nil
}

// object reads a mapping whose names are known.
func (v value) object(known ...string) ([]member, error) {
	members, err := v.members()
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		if !slices.Contains(known, m.name) {
			return nil, m.errorf(didYouMean(m.name, known), "%s has no member %q", v.name, m.name)
		}
	}
	return members, nil
}

// list reads a sequence.
func (v value) list() ([]value, error) {
	sequence, ok := v.node.(*ast.SequenceNode)
	if !ok {
		return nil, v.errorf("start each of its items with a dash", "%s has to be a list", v.name)
	}
	items := make([]value, len(sequence.Values))
	for i, n := range sequence.Values {
		items[i] = at(fmt.Sprintf("item %d of %s", i+1, v.name), n)
	}
	return items, nil
}

// tooDeep finds the first token that nests deeper than any profile needs. The
// parser is recursive, and slow on such documents.
func tooDeep(tokens token.Tokens) *token.Token {
	open, dashes := 0, 0
	for _, t := range tokens {
		switch t.Type { //nolint:exhaustive // the others do not nest on one line
		case token.SequenceStartType, token.MappingStartType:
			open++
		case token.SequenceEndType, token.MappingEndType:
			open--
		case token.SequenceEntryType, token.MappingKeyType:
			dashes++
		default:
			dashes = 0
		}
		if open+dashes > maxDepth {
			return t
		}
	}
	return nil
}

func invalidUTF8(doc []byte) int {
	for i := 0; i < len(doc); {
		r, size := utf8.DecodeRune(doc[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return 0
}

func placeOfByte(doc []byte, offset int) place {
	before := doc[:offset]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return place{line, column}
}

func (v value) isMapping() bool {
	_, ok := v.node.(ast.MapNode)
	return ok
}
