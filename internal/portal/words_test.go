package portal

import (
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kvitt/internal/access"
	"kvitt/internal/held"
	"kvitt/internal/lang"
	"kvitt/internal/settlement"
	"kvitt/internal/signin"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

func words(t *testing.T, tag string) dictionary {
	t.Helper()
	d, err := readWords(tag)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

var verb = regexp.MustCompile(`%[sd]`)

func TestEveryLanguageSaysTheSameThings(t *testing.T) {
	english := words(t, "en")
	for _, other := range languages[1:] {
		theirs := words(t, other.Tag)
		for key, text := range english {
			if got := theirs[key]; got == "" || !slices.Equal(verb.FindAllString(got, -1), verb.FindAllString(text, -1)) {
				t.Errorf("%s, %s: %q does not fit %q", other.Tag, key, got, text)
			}
		}
		for key := range maps.Keys(theirs) {
			if english[key] == "" {
				t.Errorf("%s says %s, which English does not", other.Tag, key)
			}
		}
	}
}

var literal = regexp.MustCompile(`\bt "([a-z0-9_.]+)"`)

func TestEveryPageUsesWordsThatThereAre(t *testing.T) {
	english := words(t, "en")
	used := map[string]bool{}
	err := fs.WalkDir(pageFiles, "pages", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := pageFiles.ReadFile(path)
		for _, found := range literal.FindAllStringSubmatch(string(text), -1) {
			used[found[1]] = true
			if !english.has(found[1]) {
				t.Errorf("%s says %q, and there are no such words", path, found[1])
			}
		}
		return err
	})
	if err != nil || len(used) < 100 {
		t.Fatalf("only %d words were found in the pages: %v", len(used), err)
	}
}

// What a page says of a code, a state or a problem is looked up while it is
// written: each that there can be has its words.
func TestWhateverAPageMayHaveToSayHasWords(t *testing.T) {
	english := words(t, "en")
	want := func(keys ...string) {
		t.Helper()
		for _, key := range keys {
			if !english.has(key) {
				t.Errorf("there are no words for %s", key)
			}
		}
	}
	for _, r := range held.All() {
		want("held."+string(r.Code)+".sentence", "held."+string(r.Code)+".remedy")
	}
	for _, code := range []access.ConsentCode{
		access.ConsentDenied, access.ConsentUnknown, access.ConsentExpired, access.ConsentOtherSession, access.ConsentIssuerMissing,
		access.ConsentIssuerWrong, access.ConsentTenant, access.ConsentScope, access.ConsentUnreachable,
	} {
		want("refused."+string(code)+".heading", "refused."+string(code)+".happened", "refused."+string(code)+".helps")
	}
	for _, code := range []string{workflows.RefusedCompany, workflows.RefusedTenant, workflows.RefusedScope, workflows.RefusedRevoked, workflows.RefusedClient} {
		want("refused." + code + ".happened")
	}
	for _, problem := range []signin.Problem{
		signin.NotKnown, signin.AnotherAccount, signin.Disabled, signin.EmailUnverified, signin.Expired, signin.LinkUsed, signin.LinkExpired, signin.LinkUnknown, signin.EmailNeeded,
		signin.RateLimited, signin.StateUnknown, signin.ProviderRefused, signin.ProviderWrong, signin.ProviderUnreachable, signin.Unavailable,
	} {
		want("signin.problem."+string(problem)+".happened", "signin.problem."+string(problem)+".helps")
	}
	for _, total := range settlement.EveryTotal() {
		if total != settlement.TotalSettlement {
			want("total." + total.Name())
		}
	}
	for _, role := range signin.Roles() {
		want("role."+string(role), "role."+string(role)+"_may")
	}
	for _, state := range []string{
		workflows.ConnSetup, workflows.ConnVerifying, workflows.ConnActive, workflows.ConnReauthRequired, workflows.ConnPaused, workflows.ConnDisconnected,
		workflows.SideMissing, workflows.SideConnected, workflows.StateHeld, workflows.StateAwaitingApproval, workflows.StateVerified, workflows.StateRejected,
		store.OutcomeFetched, store.OutcomeNothingDue, store.OutcomeDueButMissing, store.OutcomeFailed, store.OutcomeCancelled,
	} {
		want("state." + state)
	}
	for _, name := range []string{"klarna", "visma", "accounts", "ledger", "branch", "currency", "subaccount", "vat", "period"} {
		want("check." + name)
	}
	for _, member := range voucher.VATMembers {
		want("vat_says." + member)
	}
	for _, problem := range []string{"malformed", "environment_test", "environment_live", "live", "region", "refused", "unreachable", "unexpected"} {
		want("klarna.problem."+problem+".happened", "klarna.problem."+problem+".helps")
	}
}

func TestAmountsAreReadable(t *testing.T) {
	for minor, want := range map[int64]string{0: "0.00", 5: "0.05", -123456789: "−1\u00a0234\u00a0567.89", 100: "1.00", 99999: "999.99", 100000: "1\u00a0000.00"} {
		if got := lang.English.Money(minor, "SEK"); got != want {
			t.Errorf("%d is written %q, want %q", minor, got, want)
		}
	}
	if got := lang.English.Money(123456, "JPY"); got != "123\u00a0456" {
		t.Errorf("yen are written %q", got)
	}
}

func TestNoPageCarriesScriptOrStyleOfItsOwn(t *testing.T) {
	files, err := fs.Glob(pageFiles, "pages/*.html")
	if err != nil {
		t.Fatal(err)
	}
	inline := regexp.MustCompile(`<style|\sstyle=|\son[a-z]+=|hx-on|javascript:|<script>`)
	for _, file := range files {
		text, err := pageFiles.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if found := inline.FindString(strings.ToLower(string(text))); found != "" {
			t.Errorf("%s has %q, which the policy of the pages refuses", file, found)
		}
	}
}
