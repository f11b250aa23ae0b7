// Package trail marks where the audit trail stands, sealed with the keyset. The
// chain of the trail shows what was changed in it; the marks show that its end was
// cut off, or the whole was written anew, by somebody who has the database and
// not the keyset.
//
// It must never mark a trail that an older mark does not fit.
package trail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"kvitt/internal/store"
	"kvitt/internal/vault"
)

// Keeper keeps the trail and its marks; *store.Store is one.
type Keeper interface {
	AuditHead(ctx context.Context) (seq int64, hash string, err error)
	AuditHash(ctx context.Context, seq int64) (hash string, err error)
	PutAuditMark(ctx context.Context, m store.AuditMark) error
	AuditMarks(ctx context.Context) ([]store.AuditMark, error)
}

// Marks are the marks of one trail.
type Marks struct {
	Vault  *vault.Vault
	Keeper Keeper
}

const sealedFor = "audit mark"

type mark struct {
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"`
}

// Set marks the end of the trail, unless it stands where it stood.
func (m Marks) Set(ctx context.Context) error {
	if _, err := m.Check(ctx); err != nil {
		return err
	}
	seq, hash, err := m.Keeper.AuditHead(ctx)
	if err != nil || seq == 0 {
		return err
	}
	words, err := json.Marshal(mark{seq, hash})
	if err != nil {
		return fmt.Errorf("mark the end of the audit trail: %w", err)
	}
	sealed, err := m.Vault.Seal(sealedFor, strconv.FormatInt(seq, 10), vault.Secret(words))
	if err != nil {
		return err
	}
	return m.Keeper.PutAuditMark(ctx, store.AuditMark{Seq: seq, At: time.Now(), Sealed: sealed})
}

// BrokenError says where the trail is not the one that was marked.
type BrokenError struct {
	Seq     int64
	At      time.Time
	Problem string
}

func (e *BrokenError) Error() string {
	return fmt.Sprintf("compare the audit trail with its marks: entry %d, marked at %s, %s; somebody changed the database behind Kvitt's back, compare it with a backup", e.Seq, e.At.UTC().Format(time.RFC3339), e.Problem)
}

// Check compares the trail with every mark and tells how many there are.
// Errors: *BrokenError, the vault's.
func (m Marks) Check(ctx context.Context) (marks int, err error) {
	all, err := m.Keeper.AuditMarks(ctx)
	if err != nil {
		return 0, err
	}
	for i := range all {
		words, err := m.Vault.Unseal(sealedFor, strconv.FormatInt(all[i].Seq, 10), all[i].Sealed)
		if err != nil {
			return i, fmt.Errorf("open the mark of entry %d of the audit trail: %w", all[i].Seq, err)
		}
		var stood mark
		if err := json.Unmarshal([]byte(words.Reveal()), &stood); err != nil {
			return i, fmt.Errorf("read the mark of entry %d of the audit trail: %w", all[i].Seq, err)
		}
		hash, err := m.Keeper.AuditHash(ctx, stood.Seq)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return i, &BrokenError{stood.Seq, all[i].At, "is gone: the end of the trail was cut off"}
		case err != nil:
			return i, err
		case hash != stood.Hash:
			return i, &BrokenError{stood.Seq, all[i].At, "is another one: the trail was written anew"}
		}
	}
	return len(all), nil
}
