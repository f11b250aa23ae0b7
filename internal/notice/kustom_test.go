package notice_test

import (
	"strings"
	"testing"

	"kvitt/internal/klarna"
	"kvitt/internal/lang"
	"kvitt/internal/notice"
)

func TestNoticesOfAKustomConnectionNameKustom(t *testing.T) {
	for _, l := range lang.Languages() {
		said := ""
		for i := range every {
			f := every[i]
			f.ID, f.Connection, f.At = "id", "c1", at
			n := notice.ComposeFor(notice.Reader{Language: l, Says: klarna.Kustom.Says}, &f, "Klarna i Garn", "https://kvitt.example.com")
			said += strings.ReplaceAll(n.Subject()+"\n"+n.Text()+"\n", "Klarna i Garn", "")
		}
		if strings.Contains(said, "Klarna") || !strings.Contains(said, "Kustom") {
			t.Errorf("%s:\n%s", l, said)
		}
	}
}
