package workflows

import "testing"

func TestWhatAPersonWritesIsNoMarkdownInTemporalsWebUI(t *testing.T) {
	for words, want := range map[string]string{
		"wrong account 3001":           "wrong account 3001",
		"# Heading\n\n![x](http://e/)": `\# Heading  \!\[x\]\(http\://e/\)`,
		"<b>**bold**</b>":              `\<b\>\*\*bold\*\*\</b\>`,
		"a\r\nb\x1b[31m":               `a  b \[31m`,
	} {
		if got := plain(words); got != want {
			t.Errorf("%q became %q, want %q", words, got, want)
		}
	}
}
