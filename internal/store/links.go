package store

import (
	"context"
	"database/sql"
	"time"
)

// Link is a one-time link: its holder may sign in once as a person, or, when PersonID is "", become the
// first administrator. Hash is the SHA-256 of the secret in the link.
type Link struct {
	Hash      string
	PersonID  string
	CreatedBy string
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    *time.Time
	// VouchedBy names other people who have seen the link, see Session.
	VouchedBy string
}

// nullable is a TEXT column in which "" is NULL.
func nullable(s string) sql.NullString { return sql.NullString{String: clean(s), Valid: s != ""} }

const linkColumns = "hash, person_id, created_by, created_at, expires_at, used_at, vouched_by"

func putLink(ctx context.Context, q querier, l *Link) error {
	_, err := exec(ctx, q, insertInto("signin_links", linkColumns),
		l.Hash, nullable(l.PersonID), l.CreatedBy, l.CreatedAt.UnixMicro(), l.ExpiresAt.UnixMicro(), nil, clean(l.VouchedBy))
	return err
}

// PutFirstLink adds a link that makes the first administrator, besides earlier ones, and reports whether
// it did: it does not when there is a person.
func (s *Store) PutFirstLink(ctx context.Context, l Link) (put bool, err error) {
	l.PersonID = ""
	err = s.write(ctx, "make the link for the first administrator", func(q querier) error {
		there, err := anyPerson(ctx, q)
		if put = err == nil && !there; !put {
			return err
		}
		if err := putLink(ctx, q, &l); err != nil {
			return err
		}
		return s.appendAudit(ctx, q, AuditEntry{At: l.CreatedAt, Who: l.CreatedBy, Subject: "people", Action: "person.first_link_made"})
	})
	return put, err
}

// PutLink adds a person's one-time link and deletes their unused ones. Errors: ErrNotFound, ErrDisabled.
func (s *Store) PutLink(ctx context.Context, l Link) error {
	return s.write(ctx, "make a one-time link", func(q querier) error {
		p, err := s.lockPerson(ctx, q, l.PersonID)
		if err != nil {
			return err
		}
		if p.Disabled() {
			return &Error{Attempted: "make a one-time link for " + p.Email, Problem: "the person is disabled", Kind: ErrDisabled}
		}
		if _, err := exec(ctx, q, "DELETE FROM signin_links WHERE person_id = $1 AND used_at IS NULL", p.ID); err != nil {
			return err
		}
		if err := putLink(ctx, q, &l); err != nil {
			return err
		}
		return s.appendAudit(ctx, q, AuditEntry{At: l.CreatedAt, Who: l.CreatedBy, Subject: p.subject(), Action: "person.invited", After: p.summary()})
	})
}

// LookupLink reads a one-time link. Error: ErrNotFound.
func (s *Store) LookupLink(ctx context.Context, hash string) (Link, error) {
	l, err := linkOf(ctx, s.reads, hash, "")
	return l, s.fail("read a one-time link", err)
}

func linkOf(ctx context.Context, q querier, hash, lock string) (l Link, err error) {
	var person sql.NullString
	err = one(ctx, q, []any{text{&l.Hash}, &person, text{&l.CreatedBy}, instant{&l.CreatedAt}, instant{&l.ExpiresAt}, maybe{&l.UsedAt}, text{&l.VouchedBy}},
		"SELECT "+linkColumns+" FROM signin_links WHERE hash = $1"+lock, hash)
	l.PersonID = person.String
	return l, err
}

// UseLink uses up a one-time link: it starts the session x, and for the first administrator adds the
// person first, with that e-mail and name. It returns the person of the session. Errors: ErrNotFound
// (never made, voided, or there is a person meanwhile), ErrUsed, ErrExpired, ErrDisabled.
func (s *Store) UseLink(ctx context.Context, hash string, first Person, x Session) (p Person, err error) {
	attempted := "use a one-time link"
	err = s.write(ctx, attempted, func(q querier) error {
		l, err := linkOf(ctx, q, hash, s.dialect.forUpdate)
		switch {
		case err != nil:
			return err
		case l.UsedAt != nil:
			return &Error{Attempted: attempted, Problem: "it was used before", Kind: ErrUsed}
		case !x.CreatedAt.Before(l.ExpiresAt):
			return &Error{Attempted: attempted, Problem: "it has expired", Kind: ErrExpired}
		}
		if p, err = s.holder(ctx, q, &l, first); err != nil {
			return err
		}
		if _, err := exec(ctx, q, "UPDATE signin_links SET person_id = $2, used_at = $3 WHERE hash = $1", hash, p.ID, x.CreatedAt.UnixMicro()); err != nil {
			return err
		}
		x.VouchedBy = l.VouchedBy
		return s.startSession(ctx, q, &p, x, "link")
	})
	return p, err
}

// holder returns the person of the link: for a link without a person, the one who is added now.
func (s *Store) holder(ctx context.Context, q querier, l *Link, first Person) (Person, error) {
	if l.PersonID != "" {
		return s.lockPerson(ctx, q, l.PersonID)
	}
	switch there, err := anyPerson(ctx, q); {
	case err != nil:
		return first, err
	case there:
		return first, sql.ErrNoRows
	}
	first.Email, first.Role, first.AddedBy, first.DisabledAt = FoldEmail(first.Email), RoleAdministrator, l.CreatedBy, nil
	// The link is used by the person, so it must not be among those that are deleted.
	if _, err := exec(ctx, q, "UPDATE signin_links SET used_at = $2 WHERE hash = $1", l.Hash, l.CreatedAt.UnixMicro()); err != nil {
		return first, err
	}
	return first, s.addPerson(ctx, q, first)
}

// NoteRefusal audits that somebody was refused: who they are, when somebody vouches for that, otherwise
// "kvitt"; the address that they gave; and the reason.
func (s *Store) NoteRefusal(ctx context.Context, at time.Time, who, email, how, reason string) error {
	return s.Audit(ctx, AuditEntry{At: at, Who: who, Subject: "people", Action: "person.refused", After: summary(struct {
		Email  string `json:"email"`
		How    string `json:"how"`
		Reason string `json:"reason"`
	}{email, how, reason})})
}
