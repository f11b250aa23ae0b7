package held_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kvitt/internal/held"
)

// sections reads docs/errors.md: the headings below "Held payouts" in order,
// and what stands below each.
func sections(t *testing.T) (order []string, text map[string]string) {
	t.Helper()
	page, err := os.ReadFile("../../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(page), "\n## Held payouts\n")
	if !ok {
		t.Fatal("docs/errors.md has no section on held payouts")
	}
	part, _, _ := strings.Cut(rest, "\n## ")
	text = map[string]string{}
	for _, section := range strings.Split(part, "\n### ")[1:] {
		heading, body, _ := strings.Cut(section, "\n")
		order, text[heading] = append(order, heading), strings.TrimSpace(body)
	}
	return order, text
}

func TestEveryReasonHasItsSectionInOrder(t *testing.T) {
	var codes []string
	for _, r := range held.All() {
		codes = append(codes, string(r.Code))
	}
	order, _ := sections(t)
	if diff := cmp.Diff(codes, order); diff != "" {
		t.Errorf("docs/errors.md has other sections than the catalogue (-catalogue +page):\n%s", diff)
	}
}

func TestEverySectionSaysWhetherThePayoutGoesOnByItself(t *testing.T) {
	_, text := sections(t)
	for _, r := range held.All() {
		body := text[string(r.Code)]
		if len(strings.Fields(body)) < 30 {
			t.Errorf("the section on %s is too short to help", r.Code)
		}
		_, answer, ok := strings.Cut(body, "\n**Goes on by itself:** ")
		switch {
		case !ok:
			t.Errorf("the section on %s does not say whether the payout continues automatically", r.Code)
		case r.Waits == held.ForEvent && !strings.HasPrefix(answer, "yes"):
			t.Errorf("the section on %s says that it does not go on by itself: %s", r.Code, answer)
		}
	}
}

var named = regexp.MustCompile("`([a-z-]+)`")

// What a page, a command and the documentation say of a way out is one table, and
// every code has one that a person can take.
func TestEveryReasonHasAWayOutAndItsSectionNamesThem(t *testing.T) {
	_, text := sections(t)
	for _, r := range held.All() {
		if len(r.Ways) == 0 {
			t.Errorf("%s has no way out", r.Code)
		}
		var want []string
		for _, way := range r.Ways {
			want = append(want, string(way))
			if _, ok := held.OutOf(way); !ok {
				t.Errorf("%s: the way %q is not described", r.Code, way)
			}
		}
		_, line, ok := strings.Cut(text[string(r.Code)], "\n**Ways out:** ")
		var got []string
		for _, m := range named.FindAllStringSubmatch(line, -1) {
			got = append(got, m[1])
		}
		if diff := cmp.Diff(want, got); !ok || diff != "" {
			t.Errorf("docs/errors.md names other ways out of %s (-catalogue +page):\n%s", r.Code, diff)
		}
	}
}

func TestEveryWayIsDescribedAndLeadsOutOfSomething(t *testing.T) {
	page, err := os.ReadFile("../../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, out := range held.Outs() {
		if !strings.Contains(string(page), "| `"+string(out.Way)+"` | "+out.Sentence) {
			t.Errorf("docs/errors.md does not describe %s as the catalogue does", out.Way)
		}
		used := out.Way == held.Withdraw // out of a reversal
		for _, r := range held.All() {
			used = used || held.Offers(r.Code, out.Way)
		}
		if !used {
			t.Errorf("%s leads out of nothing", out.Way)
		}
		if out.Decision && !strings.Contains(out.Command, "--reason REASON") {
			t.Errorf("%s is decided without a reason: %s", out.Way, out.Command)
		}
	}
}
