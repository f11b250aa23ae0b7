package signin_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"kvitt/internal/signin"
	"kvitt/internal/store"
)

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

func TestTheFirstLinkMakesTheFirstAdministrator(t *testing.T) {
	h := newHouse(t)
	var told strings.Builder
	if err := h.gate.Greet(t.Context(), &told); err != nil {
		t.Fatal(err)
	}
	_, link, _ := strings.Cut(told.String(), "  ")
	token := tokenOf(t, strings.TrimSpace(link))

	b := h.browser()
	h.want(b.get("/signin/link"), http.StatusOK, "action=/signin/link script=/signin/link.js token= first=true")
	a := b.post("/signin/link", form("token", token, "email", "anna"))
	h.want(a, http.StatusUnprocessableEntity, "token="+token+" first=true email=anna problem=email_needed") // nothing is used up
	a = b.post("/signin/link", form("token", token, "email", "Anna@example.com", "name", "Anna"))
	if a.status != http.StatusSeeOther || a.to() != "/" {
		t.Fatalf("the first administrator: %d %s", a.status, a.body)
	}
	h.want(b.get("/people"), http.StatusOK, "anna@example.com as administrator")
	if link, made, err := h.gate.FirstLink(t.Context()); err != nil || made || link != "" {
		t.Errorf("a first link once there is somebody: %q, %v, %v", link, made, err)
	}
	told.Reset()
	if err := h.gate.Greet(t.Context(), &told); err != nil || told.Len() != 0 {
		t.Errorf("the next start says %q, %v", told.String(), err)
	}
	h.want(h.browser().get("/signin/link"), http.StatusOK, "first=false")
	h.want(h.browser().post("/signin/link", form("token", token, "email", "mallory@example.com")), http.StatusGone, "problem=link_used")
}

// A restart, or a second process, must not void the link that somebody has just
// been given.
func TestTheFirstLinkOfAnOlderStartWorksUntilOneIsUsed(t *testing.T) {
	h := newHouse(t)
	var tokens []string
	for range 2 {
		link, made, err := h.gate.FirstLink(t.Context())
		if err != nil || !made {
			t.Fatal(made, err)
		}
		tokens = append(tokens, tokenOf(t, link))
	}
	h.want(h.browser().post("/signin/link", form("token", tokens[0], "email", "a@example.com")), http.StatusSeeOther, "")
	b := h.browser()
	h.want(b.post("/signin/link", form("token", tokens[1], "email", "b@example.com")), http.StatusNotFound, "problem=link_unknown")
	b.out()
}

func TestALinkWorksOnceForADay(t *testing.T) {
	h := newHouse(t, func(o *signin.Options) { o.OIDC = signin.OIDC{} })
	token := h.invite("anna@example.com", signin.Approver)
	b := h.browser()
	h.want(b.post("/signin/link", form("token", " "+publicURL+"/signin/link#"+token+"\n")), http.StatusSeeOther, "") // pasted whole
	h.want(b.get("/approve"), http.StatusOK, "anna@example.com as approver")
	thief := h.browser()
	h.want(thief.post("/signin/link", form("token", token)), http.StatusGone, "problem=link_used")
	thief.out()
	if got := h.lastEntry(); !strings.HasPrefix(got, "kvitt person.refused") || !strings.Contains(got, `"email":"anna@example.com"`) || !strings.Contains(got, "link_used") {
		t.Errorf("the trail ends with %s", got)
	}

	token = h.invite("anna@example.com", signin.Approver)
	h.clock.pass(signin.LinkLife)
	h.want(thief.post("/signin/link", form("token", token)), http.StatusGone, "problem=link_expired")
	thief.out()

	voided := h.invite("anna@example.com", signin.Approver)
	h.invite("anna@example.com", signin.Approver)
	h.want(thief.post("/signin/link", form("token", voided)), http.StatusNotFound, "problem=link_unknown")
	thief.out()
}

// Robots that look at links in messages, and addresses in logs, must not
// matter.
func TestLookingAtALinkUsesNothingUp(t *testing.T) {
	h := newHouse(t)
	token := h.invite("anna@example.com", signin.Viewer)
	robot := h.browser()
	for _, target := range []string{"/signin/link", "/signin/link?token=" + token, "/signin/link/" + token} {
		if a := robot.get(target); a.status == http.StatusSeeOther && !strings.HasPrefix(a.to(), "/signin") || strings.Contains(a.body, token) {
			t.Errorf("GET %s: %d %s", target, a.status, a.body)
		}
	}
	h.want(robot.post("/signin/link?token="+token, form("x", "y")), http.StatusNotFound, "problem=link_unknown") // a token in an address is none
	robot.out()
	h.want(h.browser().post("/signin/link", form("token", token)), http.StatusSeeOther, "")
}

func TestTheScriptTakesTheTokenOutOfTheAddress(t *testing.T) {
	h := newHouse(t)
	a := h.browser().get("/signin/link.js")
	h.want(a, http.StatusOK, "history.replaceState")
	if got := a.header.Get("Content-Type"); got != "text/javascript; charset=utf-8" {
		t.Errorf("it is %s", got)
	}
}

func TestALinkThatIsNotKnownLeavesNothingInTheTrail(t *testing.T) {
	h := newHouse(t)
	h.known("anna@example.com", signin.Viewer)
	before := len(h.trail())
	for _, token := range []string{"", "x", strings.Repeat("A", 43)} {
		h.want(h.browser().post("/signin/link", form("token", token)), http.StatusNotFound, "problem=link_unknown")
	}
	if after := len(h.trail()); after != before {
		t.Errorf("strangers wrote %d entries", after-before)
	}
}

func TestOnlyAnAdministratorChangesWhoMayDoWhat(t *testing.T) {
	h := newHouse(t)
	p := h.known("anna@example.com", signin.Viewer)
	for _, role := range []signin.Role{"", "owner", signin.Viewer, signin.Approver} {
		by := signin.Person{Email: "bo@example.com", Role: role}
		_, invite := h.gate.Invite(t.Context(), by, "bo@example.com", "", signin.Administrator)
		_, set := h.gate.SetRole(t.Context(), by, p.ID, signin.Administrator)
		_, disable := h.gate.Disable(t.Context(), by, p.ID)
		_, enable := h.gate.Enable(t.Context(), by, p.ID)
		for what, err := range map[string]error{"invite": invite, "set the role": set, "disable": disable, "enable": enable} {
			if !errors.Is(err, signin.ErrNotAllowed) {
				t.Errorf("%q may %s: %v", role, what, err)
			}
		}
	}
	people, err := h.gate.People(t.Context())
	if err != nil || len(people) != 1 || people[0].Role != signin.Viewer {
		t.Errorf("the people are %v, %v", people, err)
	}
}

func TestAnInvitationOfSomebodyKnownChangesNoRole(t *testing.T) {
	h := newHouse(t)
	h.known("root@example.com", signin.Administrator)
	p := h.known("anna@example.com", signin.Viewer)
	if _, err := h.gate.Disable(t.Context(), root, p.ID); err != nil {
		t.Fatal(err)
	}
	again := h.known("ANNA@example.com", signin.Approver)
	if again.ID != p.ID || again.Role != signin.Viewer || again.Disabled || again.AddedBy != "root" {
		t.Errorf("she is %+v", again)
	}
	old := h.invite("anna@example.com", signin.Administrator)
	link, who, err := h.gate.Link(t.Context(), root, p.ID)
	if err != nil || who.Role != signin.Viewer {
		t.Fatalf("a fresh link for %+v: %v", who, err)
	}
	h.want(h.browser().post("/signin/link", form("token", old)), http.StatusNotFound, "problem=link_unknown")
	h.want(h.browser().post("/signin/link", form("token", tokenOf(t, link))), http.StatusSeeOther, "")
	for _, email := range []string{"", "anna", "Anna <anna@example.com>", "a@b@c", "anna@example.com, bo@example.com"} {
		if _, err := h.gate.Invite(t.Context(), root, email, "", signin.Viewer); err == nil || !strings.Contains(err.Error(), "e-mail address") {
			t.Errorf("%q was invited: %v", email, err)
		}
	}
	if _, err := h.gate.Invite(t.Context(), root, "bo@example.com", "", "owner"); err == nil || !strings.Contains(err.Error(), "viewer, approver or administrator") {
		t.Errorf("another role: %v", err)
	}
	if _, err := h.gate.Invite(t.Context(), root, "root@example.com", "", signin.Viewer); err != nil {
		t.Errorf("inviting the last administrator as viewer: %v", err)
	}
	admin, err := h.gate.ByEmail(t.Context(), "root@example.com")
	if err != nil || admin.Role != signin.Administrator {
		t.Errorf("the last administrator is %+v, %v", admin, err)
	}
	if _, err := h.gate.SetRole(t.Context(), root, admin.ID, signin.Viewer); !errors.Is(err, store.ErrLastAdministrator) {
		t.Errorf("making the last administrator a viewer: %v", err)
	}
}

func TestEachRoleAllowsWhatTheOnesBeforeItDo(t *testing.T) {
	all := append(signin.Roles(), "", "owner")
	for i, has := range all {
		for j, need := range all {
			want := i < 3 && j < 3 && i >= j
			if got := has.Allows(need); got != want {
				t.Errorf("%q allows what %q needs: %v", has, need, got)
			}
		}
	}
}

func TestEveryProblemHasASentence(t *testing.T) {
	for _, p := range []signin.Problem{
		signin.NotKnown, signin.AnotherAccount, signin.Disabled, signin.EmailUnverified, signin.Expired, signin.LinkUsed, signin.LinkExpired, signin.LinkUnknown,
		signin.EmailNeeded, signin.RateLimited, signin.StateUnknown, signin.ProviderRefused, signin.ProviderWrong, signin.ProviderUnreachable, signin.Unavailable,
	} {
		if !strings.HasSuffix(p.Words(), ".") {
			t.Errorf("%s says %q", p, p.Words())
		}
	}
}
