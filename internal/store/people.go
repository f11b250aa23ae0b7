package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Roles of a person in the portal; each may do what the one before may, and more.
const (
	RoleViewer        = "viewer"
	RoleApprover      = "approver"
	RoleAdministrator = "administrator"
)

// ErrLastAdministrator means that a change would leave the portal without an administrator.
var ErrLastAdministrator = errors.New("the last administrator")

// Person is a user of the portal.
type Person struct {
	ID         string
	Email      string // unique; folded by FoldEmail
	Name       string // "" when unknown
	Role       string // viewer, approver, administrator
	AddedBy    string
	AddedAt    time.Time  // now when zero
	UpdatedAt  time.Time  // set by every write
	DisabledAt *time.Time // nil: may sign in
	Subject    string     // who they are at the provider, "" until they have signed in there
}

// Disabled reports whether the person may not sign in.
func (p *Person) Disabled() bool { return p.DisabledAt != nil }

// FoldEmail returns the form in which an address is stored and compared: without surrounding white space,
// and with the letters A to Z in lower case. Other letters stay as they are, because Unicode folds some
// that a mail server distinguishes (the Kelvin sign becomes a k), and two mailboxes must never be one
// person.
func FoldEmail(address string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, strings.TrimSpace(address))
}

const personColumns = "id, email, name, role, added_by, added_at, updated_at, disabled_at, subject"

func (p *Person) cells() []any {
	return []any{
		text{&p.ID},
		text{&p.Email},
		text{&p.Name},
		text{&p.Role},
		text{&p.AddedBy},
		instant{&p.AddedAt},
		instant{&p.UpdatedAt},
		maybe{&p.DisabledAt},
		text{&p.Subject},
	}
}

// summary is the person in the audit trail.
func (p *Person) summary() json.RawMessage {
	return summary(struct {
		Email    string `json:"email"`
		Name     string `json:"name"`
		Role     string `json:"role"`
		Disabled bool   `json:"disabled"`
	}{p.Email, p.Name, p.Role, p.Disabled()})
}

func (p *Person) subject() string { return "person/" + p.ID }

// AddPerson adds a person and audits who did it. Adding the first person voids the link that makes the
// first administrator. Error: ErrExists when another person has the e-mail address.
func (s *Store) AddPerson(ctx context.Context, p Person) error {
	return s.write(ctx, "add the person "+p.Email, func(q querier) error { return s.addPerson(ctx, q, p) })
}

func (s *Store) addPerson(ctx context.Context, q querier, p Person) error {
	p.Email, p.UpdatedAt = FoldEmail(p.Email), now()
	if p.AddedAt.IsZero() {
		p.AddedAt = p.UpdatedAt
	}
	if _, err := exec(ctx, q, insertInto("people", personColumns), p.cells()...); err != nil {
		return err
	}
	if _, err := exec(ctx, q, "DELETE FROM signin_links WHERE person_id IS NULL AND used_at IS NULL"); err != nil {
		return err
	}
	return s.appendAudit(ctx, q, AuditEntry{Who: p.AddedBy, Subject: p.subject(), Action: "person.added", After: p.summary()})
}

// Person reads a person. Error: ErrNotFound.
func (s *Store) Person(ctx context.Context, id string) (Person, error) {
	var p Person
	err := one(ctx, s.reads, p.cells(), "SELECT "+personColumns+" FROM people WHERE id = $1", id)
	return p, s.fail("read the person "+id, err)
}

// PersonByEmail reads the person with an address, in upper or lower case. Error: ErrNotFound.
func (s *Store) PersonByEmail(ctx context.Context, email string) (Person, error) {
	var p Person
	err := one(ctx, s.reads, p.cells(), "SELECT "+personColumns+" FROM people WHERE email = $1", FoldEmail(email))
	return p, s.fail("read the person "+email, err)
}

// BindSubject stores a person's account at the provider, as "issuer subject". Another account of the same
// provider, and an account of another person, are refused: ErrExists. An account of a new provider
// replaces the old one. Error: ErrNotFound.
func (s *Store) BindSubject(ctx context.Context, id, subject string) error {
	attempted := "bind an account of the provider to the person " + id
	return s.write(ctx, attempted, func(q querier) error {
		p, err := s.lockPerson(ctx, q, id)
		if err != nil || p.Subject == subject {
			return err
		}
		issuer, _, _ := strings.Cut(subject, " ")
		if before, _, bound := strings.Cut(p.Subject, " "); bound && before == issuer {
			return &Error{Attempted: attempted, Problem: "another account is bound to " + p.Email, Kind: ErrExists}
		}
		if _, err := exec(ctx, q, "UPDATE people SET subject = $2 WHERE id = $1", id, subject); err != nil {
			return err // ErrExists, when it is another person's
		}
		return s.appendAudit(ctx, q, AuditEntry{Who: p.Email, Subject: p.subject(), Action: "person.bound", After: summary(struct {
			Issuer string `json:"issuer"`
		}{issuer})})
	})
}

// People lists all people, including disabled ones, by address.
func (s *Store) People(ctx context.Context) ([]Person, error) {
	all, err := list(ctx, s.reads, (*Person).cells, "SELECT "+personColumns+" FROM people ORDER BY email")
	return all, s.fail("list the people", err)
}

// AnyPerson reports whether there is a person, disabled or not.
func (s *Store) AnyPerson(ctx context.Context) (bool, error) {
	there, err := anyPerson(ctx, s.reads)
	return there, s.fail("look for a person", err)
}

func anyPerson(ctx context.Context, q querier) (bool, error) {
	var n int64
	err := one(ctx, q, []any{&n}, "SELECT COUNT(*) FROM people")
	return n > 0, err
}

// UpdatePerson changes name, role or DisabledAt of a person, and audits the change and its author. It
// takes effect at the person's next request; disabling also ends their sessions and voids their links. f
// must not use the store, and may run more than once. Errors: ErrNotFound, ErrLastAdministrator, f's.
func (s *Store) UpdatePerson(ctx context.Context, id, who string, f func(*Person) error) (p Person, err error) {
	attempted := "change the person " + id
	err = s.write(ctx, attempted, func(q querier) error {
		// The administrators' rows are locked first and in a fixed order, so that two who demote each
		// other do so one after the other.
		admins, err := list(ctx, q, (*Person).cells, "SELECT "+personColumns+
			" FROM people WHERE role = 'administrator' AND disabled_at IS NULL ORDER BY id"+s.dialect.forUpdate)
		if err != nil {
			return err
		}
		var before Person
		if err := one(ctx, q, before.cells(), "SELECT "+personColumns+" FROM people WHERE id = $1"+s.dialect.forUpdate, id); err != nil {
			return err
		}
		p = before
		if err := f(&p); err != nil {
			return callerError{err}
		}
		p.ID, p.Email, p.AddedBy, p.AddedAt = before.ID, before.Email, before.AddedBy, before.AddedAt
		if p.Name == before.Name && p.Role == before.Role && p.Disabled() == before.Disabled() {
			p = before
			return nil
		}
		if len(admins) == 1 && admins[0].ID == id && (p.Role != RoleAdministrator || p.Disabled()) {
			return &Error{
				Attempted: attempted, Problem: before.Email + " is the only administrator", Kind: ErrLastAdministrator,
				Remedy: "Make somebody else an administrator first.",
			}
		}
		p.UpdatedAt = now()
		return s.savePerson(ctx, q, who, &before, &p)
	})
	return p, err
}

func (s *Store) savePerson(ctx context.Context, q querier, who string, before, after *Person) error {
	if before.Disabled() && !after.Disabled() {
		after.Subject = "" // a person who is enabled again may have another account by now
	}
	if _, err := exec(ctx, q, "UPDATE people SET "+assignments(personColumns, 1)+" WHERE id = $1", after.cells()...); err != nil {
		return err
	}
	action := "person.changed"
	switch {
	case after.Disabled() && !before.Disabled():
		action = "person.disabled"
		for _, statement := range []string{
			"DELETE FROM sessions WHERE person_id = $1", "DELETE FROM signin_links WHERE person_id = $1 AND used_at IS NULL",
		} {
			if _, err := exec(ctx, q, statement, after.ID); err != nil {
				return fmt.Errorf("end the sessions of %s: %w", after.Email, err)
			}
		}
	case before.Disabled() && !after.Disabled():
		action = "person.enabled"
	}
	return s.appendAudit(ctx, q, AuditEntry{Who: who, Subject: after.subject(), Action: action, Before: before.summary(), After: after.summary()})
}
