package workflows

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"

	"go.temporal.io/sdk/workflow"
)

// Instructed is a message that acts, so that a person has to stand behind it:
// who asks, and the id of the instruction in Kvitt's database that proves it.
// Temporal carries the message; it is not trusted to say who sent it.
type Instructed[T any] interface {
	Asker() string
	WithInstruction(id string) T
}

// Instruction asks an activity to prove, and to use up, what a person asked for.
type Instruction struct {
	ID     string `json:"id,omitempty"`
	Action string `json:"action,omitempty"` // the name of the message
	Who    string `json:"who,omitempty"`
	Digest string `json:"digest,omitempty"` // of the message, see DigestOf
}

// The actions of messages that start a workflow; those of updates are their names.
const (
	ActionCreate   = "create"
	ActionRevive   = "revive"
	ActionReverse  = "reverse"
	ActionAccrue   = "accrue"
	ActionBackfill = "backfill"
	ActionReopen   = "reopen"
)

// RefusedInstruction is the code of a refusal: nobody is known to have asked.
const RefusedInstruction = "not_instructed"

// ProveInstruction uses an instruction up; Refused says why it is not taken.
var ProveInstruction = Activity[ProveInput, Recorded]{Name: "ProveInstruction", StartToClose: quick, GiveUp: giveUp}

// ProveInput is an instruction of a connection.
type ProveInput struct {
	Connection  string      `json:"connection"`
	Instruction Instruction `json:"instruction"`
}

// DigestOf is the SHA-256, in hex, of the message as JSON without the id of its
// instruction: it binds the instruction to every word of the message.
func DigestOf[T Instructed[T]](message T) string {
	words, err := json.Marshal(message.WithInstruction(""))
	if err != nil {
		return "" // matches no instruction
	}
	sum := sha256.Sum256(words)
	return hex.EncodeToString(sum[:])
}

// instructionFor returns what the activity that acts on a message has to prove.
func instructionFor[T Instructed[T]](action, id string, message T) Instruction {
	return Instruction{ID: id, Action: action, Who: message.Asker(), Digest: DigestOf(message)}
}

// proven has an instruction proven and used up. An update of a history of an
// earlier version has none; a new one without is turned away by its validator.
func proven[T Instructed[T]](ctx workflow.Context, connection, action, id string, message T) error {
	if id == "" {
		return nil
	}
	got, err := ProveInstruction.Run(ctx, connection, ProveInput{connection, instructionFor(action, id, message)})
	if err == nil && got.Refused != "" {
		err = refused(got.Refused, RefusedInstruction)
	}
	return err
}

// instructed validates that a message says who asks, and by which instruction.
func instructed(who, id string) error {
	switch {
	case who == "":
		return errors.New("a command needs the name of the person who gives it")
	case id == "":
		return errors.New("a command has to come from Kvitt's portal or command line, which write down who gives it; Temporal alone cannot give one")
	}
	return nil
}

// Asker is who sends the message.
func (p Person) Asker() string { return p.Who }

// WithInstruction is the message with the id of another instruction.
func (p Person) WithInstruction(id string) Person { p.Instruction = id; return p }

// Asker is who sends the message.
func (c Configure) Asker() string { return c.Who }

// WithInstruction is the message with the id of another instruction.
func (c Configure) WithInstruction(id string) Configure { c.Instruction = id; return c }

// Asker is who sends the message.
func (c CredentialSet) Asker() string { return c.Who }

// WithInstruction is the message with the id of another instruction.
func (c CredentialSet) WithInstruction(id string) CredentialSet { c.Instruction = id; return c }

// Asker is who sends the message.
func (in ConnectionInput) Asker() string { return in.Who }

// WithInstruction is the message with the id of another instruction.
func (in ConnectionInput) WithInstruction(id string) ConnectionInput { in.Instruction = id; return in }

// Asker is who sends the message.
func (in ReverseInput) Asker() string { return in.Who }

// WithInstruction is the message with the id of another instruction.
func (in ReverseInput) WithInstruction(id string) ReverseInput { in.Instruction = id; return in }

// Asker is who sends the message.
func (in AccrualInput) Asker() string { return in.Who }

// WithInstruction is the message with the id of another instruction.
func (in AccrualInput) WithInstruction(id string) AccrualInput { in.Instruction = id; return in }

// Asker is who sends the message.
func (in SyncInput) Asker() string { return in.Who }

// WithInstruction is the message with the id of another instruction.
func (in SyncInput) WithInstruction(id string) SyncInput { in.Instruction = id; return in }
