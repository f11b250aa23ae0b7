package store

import (
	"context"
	"database/sql"
	"time"
)

// Instruction is a person's sealed command. UsedFor names the step that acted on it; "" while none has.
type Instruction struct {
	ID           string
	ConnectionID string
	Sealed       []byte // only the vault opens it
	CreatedAt    time.Time
	UsedAt       *time.Time
	UsedFor      string
}

const instructionColumns = "id, connection_id, sealed, created_at, used_at, used_for"

// instructionsKept is the time an instruction stays in the database; the audit trail keeps the command
// permanently.
const instructionsKept = 30 * 24 * time.Hour

// PutInstruction saves a person's command, and deletes instructions older than thirty days. Errors:
// ErrExists, ErrNotFound when there is no such connection.
func (s *Store) PutInstruction(ctx context.Context, i Instruction) error {
	return s.write(ctx, "save an instruction for the connection "+i.ConnectionID, func(q querier) error {
		if _, err := exec(ctx, q, "DELETE FROM instructions WHERE created_at < $1", i.CreatedAt.Add(-instructionsKept).UnixMicro()); err != nil {
			return err
		}
		_, err := exec(ctx, q, insertInto("instructions", instructionColumns),
			i.ID, i.ConnectionID, i.Sealed, i.CreatedAt.UnixMicro(), nil, nil)
		return err
	})
}

// Instruction reads a person's command. Error: ErrNotFound.
func (s *Store) Instruction(ctx context.Context, id string) (Instruction, error) {
	i, err := instructionOf(ctx, s.reads, id, "")
	return i, s.fail("read an instruction", err)
}

// OpenInstructions lists a connection's unused instructions written since a given time, oldest first; at
// most some hundreds.
func (s *Store) OpenInstructions(ctx context.Context, connection string, since time.Time) ([]Instruction, error) {
	var usedFor []sql.NullString
	all, err := list(ctx, s.reads, func(i *Instruction) []any {
		usedFor = append(usedFor, sql.NullString{})
		return []any{text{&i.ID}, text{&i.ConnectionID}, blob{&i.Sealed}, instant{&i.CreatedAt}, maybe{&i.UsedAt}, &usedFor[len(usedFor)-1]}
	}, "SELECT "+instructionColumns+" FROM instructions WHERE connection_id = $1 AND created_at >= $2 AND used_at IS NULL ORDER BY created_at LIMIT 500",
		connection, since.UnixMicro())
	return all, s.fail("list the instructions for the connection "+connection, err)
}

// UseInstruction marks an instruction as used by one step, and returns it. A step that is repeated gets it
// again; another step does not. Errors: ErrNotFound, ErrUsed.
func (s *Store) UseInstruction(ctx context.Context, id, usedFor string, at time.Time) (i Instruction, err error) {
	attempted := "use an instruction"
	err = s.write(ctx, attempted, func(q querier) error {
		if i, err = instructionOf(ctx, q, id, s.dialect.forUpdate); err != nil {
			return err
		}
		switch i.UsedFor {
		case usedFor:
			return nil
		case "":
			i.UsedFor, i.UsedAt = usedFor, &at
			_, err := exec(ctx, q, "UPDATE instructions SET used_at = $2, used_for = $3 WHERE id = $1", id, at.UnixMicro(), usedFor)
			return err
		}
		return &Error{Attempted: attempted, Problem: "it was used before", Kind: ErrUsed}
	})
	return i, err
}

func instructionOf(ctx context.Context, q querier, id, lock string) (i Instruction, err error) {
	var usedFor sql.NullString
	err = one(ctx, q, []any{text{&i.ID}, text{&i.ConnectionID}, blob{&i.Sealed}, instant{&i.CreatedAt}, maybe{&i.UsedAt}, &usedFor},
		"SELECT "+instructionColumns+" FROM instructions WHERE id = $1"+lock, id)
	i.UsedFor = usedFor.String
	return i, err
}
