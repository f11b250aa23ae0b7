package report

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNoCellOfAnyFileIsAFormula(t *testing.T) {
	var b bytes.Buffer
	w := newSheet(&b, false)
	if err := w.Write([]string{"=1+1", "+1", "-cmd", "@x", "\t=1", "\r=1", "\n=1", "-12.50", "12", "plain", ""}); err != nil {
		t.Fatal(err)
	}
	w.Flush()
	if got, want := b.String(), "'=1+1,'+1,'-cmd,'@x,'\t=1,\"'\r=1\",\"'\n=1\",-12.50,12,plain,\n"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if name != "sheet.go" && !strings.HasSuffix(name, "_test.go") && strings.Contains(string(text), "csv.NewWriter") {
			t.Errorf("%s writes a file by itself; newSheet does it", name)
		}
	}
}
