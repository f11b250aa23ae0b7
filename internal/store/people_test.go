package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"kvitt/internal/store"
)

func person(id, email, role string) store.Person {
	return store.Person{ID: id, Email: email, Name: "Anna", Role: role, AddedBy: "root"}
}

func actions(t *testing.T, s *store.Store) []string {
	t.Helper()
	entries, err := s.AuditTrail(t.Context(), "", 0)
	must(t, err)
	var all []string
	for i := range entries {
		e := entries[len(entries)-1-i]
		all = append(all, e.Who+" "+e.Action)
	}
	return all
}

func TestAPersonIsKnownByAnAddressInAnyCase(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := db.open(t)
		must(t, s.AddPerson(t.Context(), person("p1", " Anna@Example.COM ", store.RoleViewer)))
		got, err := s.PersonByEmail(t.Context(), "ANNA@example.com")
		must(t, err)
		if got.ID != "p1" || got.Email != "anna@example.com" || got.Name != "Anna" || got.Role != "viewer" || got.AddedBy != "root" || got.AddedAt.IsZero() || got.Disabled() {
			t.Errorf("the person is %+v", got)
		}
		if err := s.AddPerson(t.Context(), person("p2", "anna@EXAMPLE.com", store.RoleViewer)); !errors.Is(err, store.ErrExists) {
			t.Errorf("a second person with the address: %v", err)
		}
		// The Kelvin sign is not a k.
		must(t, s.AddPerson(t.Context(), person("p3", "\u212Aalle@example.com", store.RoleViewer)))
		if _, err := s.PersonByEmail(t.Context(), "kalle@example.com"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("another mailbox is the same person: %v", err)
		}
		people, err := s.People(t.Context())
		must(t, err)
		same(t, "the number of people", len(people), 2)
		must(t, s.VerifyAudit(t.Context()))
	})
}

func TestAnUnknownRoleIsRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		refused(t, "another role", db.open(t).AddPerson(t.Context(), person("p1", "a@example.com", "owner")), "add the person a@example.com")
	})
}

func TestEveryChangeOfAPersonIsAudited(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := db.open(t)
		must(t, s.AddPerson(t.Context(), person("p1", "a@example.com", store.RoleAdministrator)))
		must(t, s.AddPerson(t.Context(), person("p2", "b@example.com", store.RoleViewer)))
		change := func(f func(*store.Person)) {
			t.Helper()
			_, err := s.UpdatePerson(t.Context(), "p2", "a@example.com", func(p *store.Person) error { f(p); return nil })
			must(t, err)
		}
		at := at(2, 1)
		change(func(p *store.Person) { p.Role = store.RoleApprover })
		change(func(p *store.Person) { p.Role = store.RoleApprover }) // no change, no entry
		change(func(p *store.Person) { p.DisabledAt = &at })
		change(func(p *store.Person) { p.DisabledAt, p.ID, p.Email = nil, "x", "x@example.com" })
		same(t, "the trail", actions(t, s), []string{
			"root person.added", "root person.added", "a@example.com person.changed", "a@example.com person.disabled", "a@example.com person.enabled",
		})
		entries, err := s.AuditTrail(t.Context(), "", 3)
		must(t, err)
		same(t, "the person before", string(entries[2].Before), `{"email":"b@example.com","name":"Anna","role":"viewer","disabled":false}`)
		same(t, "the person after", string(entries[2].After), `{"email":"b@example.com","name":"Anna","role":"approver","disabled":false}`)
		same(t, "the subject", entries[2].Subject, "person/p2")
		got, err := s.Person(t.Context(), "p2")
		must(t, err)
		same(t, "identity", got.Email, "b@example.com")
		if _, err := s.UpdatePerson(t.Context(), "nobody", "a", func(*store.Person) error { return nil }); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("changing nobody: %v", err)
		}
	})
}

func TestTheLastAdministratorStays(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := db.open(t)
		at := at(2, 1)
		demote := func(p *store.Person) error { p.Role = store.RoleViewer; return nil }
		disable := func(p *store.Person) error { p.DisabledAt = &at; return nil }
		must(t, s.AddPerson(t.Context(), person("p1", "a@example.com", store.RoleAdministrator)))
		for name, f := range map[string]func(*store.Person) error{"demoting": demote, "disabling": disable} {
			if _, err := s.UpdatePerson(t.Context(), "p1", "x", f); !errors.Is(err, store.ErrLastAdministrator) || !strings.Contains(err.Error(), "somebody else") {
				t.Errorf("%s the last administrator: %v", name, err)
			}
		}
		must(t, s.AddPerson(t.Context(), person("p2", "b@example.com", store.RoleAdministrator)))
		// Both at once: one of them must remain.
		stores := []*store.Store{s, db.open(t)}
		for range 20 {
			refusals := make(chan bool, 2)
			together(t, 2, func(ctx context.Context, i int) error {
				_, err := stores[i].UpdatePerson(ctx, fmt.Sprint("p", i+1), "x", demote)
				refusals <- errors.Is(err, store.ErrLastAdministrator)
				if errors.Is(err, store.ErrLastAdministrator) {
					return nil
				}
				return err
			})
			if first, second := <-refusals, <-refusals; first == second {
				t.Fatalf("of two who were demoted at once, refused: %v and %v", first, second)
			}
			for i, p := range stores {
				_, err := p.UpdatePerson(t.Context(), fmt.Sprint("p", i+1), "x", func(p *store.Person) error { p.Role = store.RoleAdministrator; return nil })
				must(t, err)
			}
		}
	})
}

func session(hash, person string, at time.Time) store.Session {
	return store.Session{Hash: hash, PersonID: person, CreatedAt: at, SeenAt: at}
}

func TestASessionLivesUntilItIsEndedSweptOrItsPersonDisabled(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := db.open(t)
		must(t, s.AddPerson(t.Context(), person("p1", "a@example.com", store.RoleAdministrator)))
		must(t, s.AddPerson(t.Context(), person("p2", "b@example.com", store.RoleViewer)))
		for _, hash := range []string{"h1", "h2", "h3"} {
			must(t, s.StartSession(t.Context(), session(hash, "p2", at(1, 1)), "oidc"))
		}
		must(t, s.StartSession(t.Context(), session("other", "p1", at(1, 1)), "oidc"))
		must(t, s.TouchSession(t.Context(), "h1", at(1, 3)))
		must(t, s.TouchSession(t.Context(), "h1", at(1, 2))) // an older time never wins
		x, p, err := s.Session(t.Context(), "h1")
		must(t, err)
		same(t, "the session", x, store.Session{Hash: "h1", PersonID: "p2", CreatedAt: at(1, 1), SeenAt: at(1, 3)})
		same(t, "the person of the session", p.Email, "b@example.com")

		n, err := s.SweepSignIns(t.Context(), at(1, 4), at(1, 0), at(1, 2), at(1, 0))
		must(t, err)
		same(t, "idle sessions swept", n, int64(3))
		must(t, s.StartSession(t.Context(), session("h4", "p2", at(1, 3)), "oidc"))
		must(t, s.EndSession(t.Context(), "h4", at(1, 4)))
		must(t, s.EndSession(t.Context(), "h4", at(1, 4)))
		gone := at(1, 5)
		_, err = s.UpdatePerson(t.Context(), "p2", "a@example.com", func(p *store.Person) error { p.DisabledAt = &gone; return nil })
		must(t, err)
		for _, hash := range []string{"h1", "h2", "h4"} {
			if _, _, err := s.Session(t.Context(), hash); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("the session %s: %v", hash, err)
			}
		}
		if err := s.StartSession(t.Context(), session("h5", "p2", at(1, 6)), "oidc"); !errors.Is(err, store.ErrDisabled) {
			t.Errorf("a session of somebody who is disabled: %v", err)
		}
		same(t, "the end of the trail", actions(t, s)[6:], []string{
			"b@example.com person.signed_in", "b@example.com person.signed_out", "a@example.com person.disabled",
		})
	})
}

func TestASignInUnderWayIsTakenOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		stores := []*store.Store{db.open(t), db.open(t)}
		must(t, stores[0].PutAttempt(t.Context(), "h1", "/payouts", at(1, 2)))
		must(t, stores[0].PutAttempt(t.Context(), "h2", "/", at(1, 2)))
		taken := make(chan string, 8)
		together(t, 8, func(ctx context.Context, i int) error {
			to, err := stores[i%2].TakeAttempt(ctx, "h1", at(1, 1))
			taken <- to
			if errors.Is(err, store.ErrNotFound) {
				return nil
			}
			return err
		})
		close(taken)
		n := 0
		for to := range taken {
			if to == "/payouts" {
				n++
			}
		}
		same(t, "the callers that took it", n, 1)
		if _, err := stores[0].TakeAttempt(t.Context(), "h2", at(1, 2)); !errors.Is(err, store.ErrExpired) {
			t.Errorf("one that took too long: %v", err)
		}
	})
}

func link(hash, person string) store.Link {
	return store.Link{Hash: hash, PersonID: person, CreatedBy: "kvitt", CreatedAt: at(1, 1), ExpiresAt: at(2, 1)}
}

func TestALinkIsUsedOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		stores := []*store.Store{db.open(t), db.open(t)}
		s := stores[0]
		must(t, s.AddPerson(t.Context(), person("p1", "a@example.com", store.RoleViewer)))
		must(t, s.PutLink(t.Context(), link("voided", "p1")))
		must(t, s.PutLink(t.Context(), link("l1", "p1")))
		used := make(chan error, 8)
		together(t, 8, func(ctx context.Context, i int) error {
			_, err := stores[i%2].UseLink(ctx, "l1", store.Person{}, session(fmt.Sprint("s", i), "", at(1, 2)))
			used <- err
			return nil
		})
		close(used)
		n := 0
		for err := range used {
			switch {
			case err == nil:
				n++
			case !errors.Is(err, store.ErrUsed):
				t.Errorf("the second use: %v", err)
			}
		}
		same(t, "the callers that used it", n, 1)
		if _, err := s.UseLink(t.Context(), "voided", store.Person{}, session("s", "", at(1, 2))); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a link that a newer one replaced: %v", err)
		}
		must(t, s.PutLink(t.Context(), link("l2", "p1")))
		if _, err := s.UseLink(t.Context(), "l2", store.Person{}, session("s", "", at(2, 1))); !errors.Is(err, store.ErrExpired) {
			t.Errorf("an expired link: %v", err)
		}
		if err := s.PutLink(t.Context(), link("l3", "nobody")); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a link for nobody: %v", err)
		}
	})
}

func TestTheFirstLinkMakesOneAdministratorAndOnlyWhileThereIsNobody(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := db.open(t)
		for _, hash := range []string{"older", "l1", "newer"} { // of three starts
			put, err := s.PutFirstLink(t.Context(), link(hash, ""))
			must(t, err)
			same(t, "a link was made", put, true)
		}
		first := person("p1", "Anna@example.com", "viewer")
		p, err := s.UseLink(t.Context(), "l1", first, session("s1", "", at(1, 2)))
		must(t, err)
		same(t, "the administrator", p.Email+" "+p.Role, "anna@example.com administrator")
		_, _, err = s.Session(t.Context(), "s1")
		must(t, err)
		if _, err := s.UseLink(t.Context(), "l1", person("p2", "b@example.com", ""), session("s2", "", at(1, 2))); !errors.Is(err, store.ErrUsed) {
			t.Errorf("using it again: %v", err)
		}
		for _, other := range []string{"older", "newer"} {
			if _, err := s.UseLink(t.Context(), other, person("p2", "b@example.com", ""), session("s2", "", at(1, 2))); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("using the %s one: %v", other, err)
			}
		}
		put, err := s.PutFirstLink(t.Context(), link("l2", ""))
		must(t, err)
		same(t, "a link was made while there is somebody", put, false)
		same(t, "the trail", actions(t, s), []string{
			"kvitt person.first_link_made", "kvitt person.first_link_made", "kvitt person.first_link_made", "kvitt person.added", "anna@example.com person.signed_in",
		})
		must(t, s.VerifyAudit(t.Context()))
	})
}

func TestTheFirstLinkIsVoidOnceSomebodyWasInvited(t *testing.T) {
	onBoth(t, func(t *testing.T, db database) {
		s := db.open(t)
		_, err := s.PutFirstLink(t.Context(), link("l1", ""))
		must(t, err)
		must(t, s.AddPerson(t.Context(), person("p1", "a@example.com", store.RoleViewer)))
		if _, err := s.UseLink(t.Context(), "l1", person("p2", "b@example.com", ""), session("s", "", at(1, 2))); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("using it: %v", err)
		}
		// A link that was made at the same time, before the person could be seen.
		must(t, db.behindItsBack(t, "INSERT INTO signin_links (hash, created_by, created_at, expires_at) VALUES ('l2', 'kvitt', 0, 9000000000000000)"))
		if _, err := s.UseLink(t.Context(), "l2", person("p2", "b@example.com", ""), session("s", "", at(1, 2))); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("using the link that was made at the same time: %v", err)
		}
	})
}
