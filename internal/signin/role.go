package signin

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"kvitt/internal/store"
)

// Role holds what a person may do: everything that the roles before it may, and
// more.
type Role string

// The roles, from least to most.
const (
	Viewer        Role = store.RoleViewer        // sees everything, changes nothing
	Approver      Role = store.RoleApprover      // approves, rejects and retries payouts, starts syncs and backfills
	Administrator Role = store.RoleAdministrator // connections, credentials, profiles and people
)

var order = []Role{Viewer, Approver, Administrator}

// Roles lists the roles from least to most.
func Roles() []Role { return slices.Clone(order) }

// Allows tells whether r may do what need asks for. What is no role allows
// nothing and is satisfied by nothing.
func (r Role) Allows(need Role) bool {
	has, wants := slices.Index(order, r), slices.Index(order, need)
	return wants >= 0 && has >= wants
}

// ParseRole is the role of that name.
func ParseRole(name string) (Role, error) {
	if r := Role(name); slices.Contains(order, r) {
		return r, nil
	}
	return "", fmt.Errorf("read a role: %q is none; it is viewer, approver or administrator", name)
}

// Person is who is signed in.
type Person struct {
	ID    string
	Name  string
	Email string
	Role  Role
	// VouchedBy is who else may be behind the session: see store.Session.
	VouchedBy string
}

// String is the person as the audit trail's "who": the address, or else the
// name.
func (p Person) String() string { return cmp.Or(p.Email, p.Name, "unknown") }

func personFrom(p *store.Person) Person {
	return Person{ID: p.ID, Name: p.Name, Email: p.Email, Role: Role(p.Role)}
}

type personKey struct{}

// PersonOf is who is signed in, in what Gate.Require lets through.
func PersonOf(ctx context.Context) (Person, bool) {
	p, ok := ctx.Value(personKey{}).(Person)
	return p, ok
}
