package signin

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"strings"
	"time"

	"kvitt/internal/store"
)

// LinkLife limits how long a one-time link works.
const LinkLife = 24 * time.Hour

// ErrNotAllowed says that who asks may not change who may do what.
var ErrNotAllowed = errors.New("only an administrator may do that")

// Register is who may do what, and how they get in without a provider. It is
// what the command line needs; Gate has one in it.
type Register struct {
	store     *store.Store
	publicURL string
	now       func() time.Time
}

// NewRegister is the register in a store, for a portal that browsers reach at
// publicURL. now may be nil.
func NewRegister(s *store.Store, publicURL string, now func() time.Time) *Register {
	if now == nil {
		now = time.Now
	}
	return &Register{s, strings.TrimRight(publicURL, "/"), now}
}

// Entry is a person in the register.
type Entry struct {
	Person
	Disabled bool
	AddedBy  string
	AddedAt  time.Time
}

func entryFrom(p *store.Person) Entry {
	return Entry{Person: personFrom(p), Disabled: p.Disabled(), AddedBy: p.AddedBy, AddedAt: p.AddedAt}
}

// People lists everybody, disabled ones too, in the order of their addresses.
func (r *Register) People(ctx context.Context) ([]Entry, error) {
	people, err := r.store.People(ctx)
	entries := make([]Entry, len(people))
	for i := range people {
		entries[i] = entryFrom(&people[i])
	}
	return entries, err
}

// Invite adds a person, or finds the one with that address, and makes a
// one-time link for them; earlier unused ones are void. Somebody who is known
// keeps role and name, which only SetRole changes, and gets access again if it
// had been withdrawn. The link is for the person alone: whoever has it signs in
// as them. Error: ErrNotAllowed.
func (r *Register) Invite(ctx context.Context, by Person, email, name string, role Role) (link string, err error) {
	p, err := r.invited(ctx, by, email, name, role)
	if err != nil {
		return "", err
	}
	return r.freshLink(ctx, by, p.ID)
}

// Link makes a fresh one-time link for somebody who is known and changes nothing
// else; earlier unused ones are void. Errors: ErrNotAllowed, store.ErrNotFound,
// store.ErrDisabled.
func (r *Register) Link(ctx context.Context, by Person, id string) (link string, who Entry, err error) {
	if !by.Role.Allows(Administrator) {
		return "", who, fmt.Errorf("make a link for the person %s: %w", id, ErrNotAllowed)
	}
	p, err := r.store.Person(ctx, id)
	if err != nil {
		return "", who, err
	}
	link, err = r.freshLink(ctx, by, id)
	return link, entryFrom(&p), err
}

func (r *Register) freshLink(ctx context.Context, by Person, id string) (string, error) {
	token, l := r.link(by.String())
	l.PersonID, l.VouchedBy = id, by.seesLink()
	if err := r.store.PutLink(ctx, l); err != nil {
		return "", err
	}
	return r.address(token), nil
}

// anybody vouches for the holder of a link that was printed.
const anybody = "*"

// seesLink is who can have opened a link that was shown to the person: they, and
// whoever may be behind their session.
func (p Person) seesLink() string {
	if p.Email == "" { // the command line, where nobody has checked who it is
		return anybody
	}
	return strings.Trim(p.Email+","+p.VouchedBy, ",")
}

// InviteByMail is Invite with a link that only the person reads: send takes it
// to their address, and nobody else sees it.
func (r *Register) InviteByMail(ctx context.Context, by Person, email, name string, role Role, send func(ctx context.Context, to, link string) error) error {
	p, err := r.invited(ctx, by, email, name, role)
	if err != nil {
		return err
	}
	token, l := r.link(by.String())
	l.PersonID = p.ID
	if err := r.store.PutLink(ctx, l); err != nil {
		return err
	}
	return send(ctx, p.Email, r.address(token))
}

// ByEmail is the person with an address. Error: store.ErrNotFound.
func (r *Register) ByEmail(ctx context.Context, email string) (Entry, error) {
	p, err := r.store.PersonByEmail(ctx, email)
	return entryFrom(&p), err
}

func (r *Register) invited(ctx context.Context, by Person, email, name string, role Role) (store.Person, error) {
	var p store.Person
	if !by.Role.Allows(Administrator) {
		return p, fmt.Errorf("invite %s: %w", email, ErrNotAllowed)
	}
	if _, err := ParseRole(string(role)); err != nil {
		return p, err
	}
	address, err := ParseEmail(email)
	if err != nil {
		return p, err
	}
	name = strings.TrimSpace(name)
	p, err = r.store.PersonByEmail(ctx, address)
	switch {
	case errors.Is(err, store.ErrNotFound):
		p = store.Person{ID: newPersonID(), Email: address, Name: name, Role: string(role), AddedBy: by.String()}
		return p, r.store.AddPerson(ctx, p)
	case err != nil:
		return p, err
	}
	return r.store.UpdatePerson(ctx, p.ID, by.String(), func(p *store.Person) error {
		p.DisabledAt = nil
		return nil
	})
}

func newPersonID() string { return strings.ToLower(rand.Text()) }

// ParseEmail checks an address, and gives it as it is kept and compared.
func ParseEmail(address string) (string, error) {
	address = store.FoldEmail(address)
	a, err := mail.ParseAddress(address)
	if err != nil || a.Address != address || a.Name != "" || len(address) > 254 {
		return "", fmt.Errorf("read an e-mail address: %q is none, such as anna@example.com", address)
	}
	return address, nil
}

// SetRole changes what a person may do, from their next request on.
// Errors: ErrNotAllowed, store.ErrNotFound, store.ErrLastAdministrator.
func (r *Register) SetRole(ctx context.Context, by Person, id string, role Role) (Entry, error) {
	if _, err := ParseRole(string(role)); err != nil {
		return Entry{}, err
	}
	return r.change(ctx, by, id, func(p *store.Person) { p.Role = string(role) })
}

// Disable withdraws a person's access at once: their sessions end and their
// links are void. Errors: ErrNotAllowed, store.ErrNotFound,
// store.ErrLastAdministrator.
func (r *Register) Disable(ctx context.Context, by Person, id string) (Entry, error) {
	return r.change(ctx, by, id, func(p *store.Person) {
		if at := r.now(); !p.Disabled() {
			p.DisabledAt = &at
		}
	})
}

// Enable gives a person access again. Errors: ErrNotAllowed, store.ErrNotFound.
func (r *Register) Enable(ctx context.Context, by Person, id string) (Entry, error) {
	return r.change(ctx, by, id, func(p *store.Person) { p.DisabledAt = nil })
}

func (r *Register) change(ctx context.Context, by Person, id string, f func(*store.Person)) (Entry, error) {
	if !by.Role.Allows(Administrator) {
		return Entry{}, fmt.Errorf("change the person %s: %w", id, ErrNotAllowed)
	}
	p, err := r.store.UpdatePerson(ctx, id, by.String(), func(p *store.Person) error { f(p); return nil })
	return entryFrom(&p), err
}

// link is a new one-time link and its token.
func (r *Register) link(by string) (token string, l store.Link) {
	token = newToken()
	now := r.now()
	return token, store.Link{Hash: hashOf(token), CreatedBy: by, CreatedAt: now, ExpiresAt: now.Add(LinkLife)}
}

// address is where a one-time link leads. The token is a fragment, which
// browsers keep to themselves: it is in no request, so in no log of ours or of
// a proxy and in no Referer, and robots that look at links in messages cannot
// use it up. It reaches us in the body of a POST, when the person presses the
// button.
func (r *Register) address(token string) string { return r.publicURL + "/signin/link#" + token }

// FirstLink makes a one-time link for the first administrator; those that were
// made before work until one of them is used. There is none, and false, once
// there is a person.
func (r *Register) FirstLink(ctx context.Context) (link string, made bool, err error) {
	token, l := r.link("kvitt")
	l.VouchedBy = anybody
	if made, err = r.store.PutFirstLink(ctx, l); err != nil || !made {
		return "", false, err
	}
	return r.address(token), true, nil
}

// Greet tells whoever starts the portal how to get in, when nobody can yet.
func (r *Register) Greet(ctx context.Context, w io.Writer) error {
	link, made, err := r.FirstLink(ctx)
	if err != nil || !made {
		return err
	}
	_, err = fmt.Fprintf(w, "Nobody may use the portal yet. Who opens this link first becomes its administrator. It works once, for 24 hours:\n  %s\n", link)
	return err
}
