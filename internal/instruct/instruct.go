// Package instruct proves who gave a command. Temporal carries a message and is not trusted to say who
// sent it: the portal or the command line writes the instruction into Kvitt's database, sealed with the
// keyset, before it sends the message with the instruction's id. The activity that acts opens the
// instruction, compares it with the message, and uses it up.
//
// It must never accept a message whose instruction it cannot open, that differs in any word, that is for
// another workflow, that is too old, or that was used by another step.
package instruct

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kvitt/internal/store"
	"kvitt/internal/vault"
)

// Lifetime is the time an instruction may wait for a worker. After that, the person has to give the
// command again.
const Lifetime = 24 * time.Hour

// Keeper stores sealed instructions; *store.Store is one.
type Keeper interface {
	PutInstruction(ctx context.Context, i store.Instruction) error
	Instruction(ctx context.Context, id string) (store.Instruction, error)
	UseInstruction(ctx context.Context, id, usedFor string, at time.Time) (store.Instruction, error)
}

// Instruction is a person's command.
type Instruction struct {
	Connection string `json:"connection"`
	Workflow   string `json:"workflow"` // the id of the workflow that the message is for
	Action     string `json:"action"`   // the name of the message
	Who        string `json:"who"`
	Digest     string `json:"digest"` // of the message
	// VouchedBy names other people who may be behind Who, see Party.
	VouchedBy string `json:"vouched_by,omitempty"`
	// First is the first person, where Who is the second person.
	First *Party `json:"first,omitempty"`
	// Message is the message that a first person asks a second person to confirm.
	Message json.RawMessage `json:"message,omitempty"`
	At      time.Time       `json:"at"` // when it was asked for
}

// Party is the person behind an instruction. VouchedBy names other people who may hold the session: those
// who have seen the one-time link that it began with, separated by commas; Anybody where nobody's identity
// was checked.
type Party struct {
	Who       string `json:"who"`
	VouchedBy string `json:"vouched_by,omitempty"`
}

// Anybody vouches for a name that nobody has checked: the user of an operating system, or the holder of a
// link that was printed.
const Anybody = "*"

// Author returns the party behind a name in the records. Names that are not e-mail addresses come from the
// command line.
func Author(who, vouchedBy string) Party {
	if !strings.Contains(who, "@") {
		vouchedBy = Anybody
	}
	return Party{who, vouchedBy}
}

// Party returns the person who gave the instruction.
func (i *Instruction) Party() Party { return Party{i.Who, i.VouchedBy} }

// Unknown reports whether anybody may be behind the party.
func (p Party) Unknown() bool { return slices.Contains(p.names(), Anybody) }

// MayBe reports whether two parties may be the same person.
func (p Party) MayBe(other Party) bool {
	if p.Unknown() || other.Unknown() {
		return true
	}
	return slices.ContainsFunc(p.names(), func(a string) bool {
		return slices.ContainsFunc(other.names(), func(b string) bool { return strings.EqualFold(a, b) })
	})
}

func (p Party) names() []string {
	var all []string
	for name := range strings.SplitSeq(p.Who+","+p.VouchedBy, ",") {
		if name = strings.TrimSpace(name); name != "" {
			all = append(all, name)
		}
	}
	return all
}

// Step is one attempt to act: the workflow's id, its run and its activity.
type Step struct{ Workflow, Run, Activity string }

func (s Step) run() string { return s.Workflow + " " + s.Run + " " }

// Book records instructions.
type Book struct {
	Vault  *vault.Vault
	Keeper Keeper
	Now    func() time.Time
}

// NewBook makes a book that uses this machine's clock.
func NewBook(v *vault.Vault, k Keeper) *Book { return &Book{Vault: v, Keeper: k, Now: time.Now} }

const sealedFor = "instruction"

// Write saves an instruction and returns its id.
func (b *Book) Write(ctx context.Context, i Instruction) (id string, err error) {
	i.At = b.Now().UTC()
	words, err := json.Marshal(i)
	if err != nil {
		return "", fmt.Errorf("write an instruction: %w", err)
	}
	id = rand.Text()
	sealed, err := b.Vault.Seal(sealedFor, id, vault.Secret(words))
	if err != nil {
		return "", err
	}
	return id, b.Keeper.PutInstruction(ctx, store.Instruction{ID: id, ConnectionID: i.Connection, Sealed: sealed, CreatedAt: i.At})
}

// Use proves that a person gave exactly this command, and uses the instruction up for the step; the same
// step may use it again. refused is a sentence that says why it is not proven; err means that it could not
// be checked.
func (b *Book) Use(ctx context.Context, id string, claimed Instruction, step Step) (refused string, err error) {
	if id == "" {
		return "nobody is known to have asked for it: it did not come from Kvitt's portal or command line", nil
	}
	row, err := b.Keeper.Instruction(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return "nobody is known to have asked for it: Kvitt's database has no such instruction", nil
	case err != nil:
		return "", err
	}
	written, err := b.open(row)
	if errors.Is(err, vault.ErrSealed) || errors.Is(err, vault.ErrWrongKeyset) {
		return "the instruction was not written with this installation's keyset", nil
	}
	if err != nil {
		return "", err
	}
	if refused := written.differs(claimed); refused != "" {
		return refused, nil
	}
	if b.Now().Sub(written.At) > Lifetime {
		return fmt.Sprintf("it was asked for at %s, and an instruction is good for %d hours; ask again", written.At.Format(time.RFC3339), int(Lifetime.Hours())), nil
	}
	_, err = b.Keeper.UseInstruction(ctx, id, step.run()+step.Activity, b.Now())
	if errors.Is(err, store.ErrUsed) {
		return "the instruction was carried out before, and counts once", nil
	}
	return "", err
}

// Read opens an instruction. Errors: store.ErrNotFound, and the vault's.
func (b *Book) Read(ctx context.Context, id string) (Instruction, error) {
	row, err := b.Keeper.Instruction(ctx, id)
	if err != nil {
		return Instruction{}, err
	}
	return b.open(row)
}

// UsedIn reports whether this run of a workflow has used an instruction for one of the actions.
func (b *Book) UsedIn(ctx context.Context, id string, step Step, actions ...string) (bool, error) {
	row, err := b.Keeper.Instruction(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil || len(row.UsedFor) < len(step.run()) || row.UsedFor[:len(step.run())] != step.run() {
		return false, err
	}
	written, err := b.open(row)
	if err != nil {
		return false, err
	}
	for _, action := range actions {
		if written.Action == action && written.Workflow == step.Workflow {
			return true, nil
		}
	}
	return false, nil
}

func (b *Book) open(row store.Instruction) (i Instruction, err error) {
	words, err := b.Vault.Unseal(sealedFor, row.ID, row.Sealed)
	if err != nil {
		return i, err
	}
	if err := json.Unmarshal([]byte(words.Reveal()), &i); err != nil {
		return i, fmt.Errorf("read an instruction: %w", err)
	}
	return i, nil
}

// differs returns the reason why an instruction does not prove what is claimed; "" when it does.
func (i *Instruction) differs(claimed Instruction) string {
	switch {
	case i.Connection != claimed.Connection || i.Workflow != claimed.Workflow:
		return "the instruction is for another workflow"
	case i.Action != claimed.Action:
		return fmt.Sprintf("the instruction is to %s, not to %s", i.Action, claimed.Action)
	case i.Who != claimed.Who:
		return "another person gave the instruction"
	case i.Digest != claimed.Digest:
		return "the message is not the one that was asked for; it was changed on its way, or the worker is of another version than the portal or command line"
	}
	return ""
}
