package cli

import (
	"strings"
	"testing"
	"time"

	"kvitt/internal/store"
)

func TestAnInvitationPrintsALinkThatSignsInOnceAndIsAudited(t *testing.T) {
	d := newDesk(t)
	t.Setenv("KVITT_PUBLIC_URL", "https://kvitt.example.com/")
	s := d.want(d.run("portal", "invite", "Anna@Example.com", "--role", "administrator", "--name", "Anna Berg"), ExitDone)
	if !strings.HasPrefix(s.out, "https://kvitt.example.com/signin/link#") || strings.Count(s.out, "\n") != 1 {
		t.Errorf("standard output is %q", s.out)
	}
	contains(t, s.err, "anna@example.com may use the web pages as administrator", "until 2026-03-03 12:00 UTC")
	p, err := d.store.PersonByEmail(t.Context(), "anna@example.com")
	if err != nil || p.Name != "Anna Berg" || p.Role != store.RoleAdministrator || p.AddedBy != "anna" {
		t.Errorf("the person is %+v, %v", p, err)
	}
	trail, err := d.store.AuditTrail(t.Context(), "", 2)
	if err != nil || trail[0].Action != "person.invited" || trail[1].Action != "person.added" || trail[0].Who != "anna" || trail[1].Who != "anna" {
		t.Errorf("the trail is %+v, %v", trail, err)
	}

	again := document[invited](t, d.want(d.run("portal", "invite", "bo@example.com", "--role", "viewer", "--output", "json"), ExitDone))
	if again.Email != "bo@example.com" || again.Role != "viewer" || !again.ExpiresAt.Equal(noon.Add(24*time.Hour)) || !strings.Contains(again.Link, "#") {
		t.Errorf("the document is %+v", again)
	}
	known := d.want(d.run("portal", "invite", "anna@example.com", "--role", "viewer"), ExitDone)
	contains(t, strings.Join(strings.Fields(known.err), " "), "is known as administrator; the role was not changed to viewer")
}
