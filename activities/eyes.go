package activities

import (
	"context"
	"errors"

	"kvitt/internal/instruct"
	"kvitt/internal/store"
	"kvitt/workflows"
)

// asker is who stands behind an instruction that was proven, and who asked first
// where two persons did; who is the name in the message.
func asker(ctx context.Context, book Instructions, id, who string) (second instruct.Party, first *instruct.Party, err error) {
	written, err := book.Read(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return instruct.Party{Who: who, VouchedBy: instruct.Anybody}, nil, nil
	}
	return instruct.Party{Who: who, VouchedBy: written.VouchedBy}, written.First, err
}

// onePerson returns why what was asked is not known to be asked by two persons, in a
// connection that wants a second pair of eyes; else "".
func onePerson(ctx context.Context, s Connections, book Instructions, connection, id, who string) (string, error) {
	row, err := s.Connection(ctx, connection)
	if err != nil || !row.FourEyes {
		return "", err
	}
	second, first, err := asker(ctx, book, id, who)
	switch {
	case err != nil:
		return "", err
	case first == nil:
		return "this connection wants a second pair of eyes, and one person asks. " + workflows.AskForSecond, nil
	case first.MayBe(second):
		return workflows.WhyOnePerson(first.Who, second.Who, first.Unknown(), second.VouchedBy) + "; this connection wants a second pair of eyes. " + workflows.TwoPersonsHelps, nil
	}
	return "", nil
}

// Connections are where connections are kept.
type Connections interface {
	Connection(ctx context.Context, id string) (store.Connection, error)
}

// keepEyes keeps the second pair of eyes, and how vouchers are posted while it is
// wanted, as they were, unless two persons have changed them.
func (l *Ledger) keepEyes(ctx context.Context, in workflows.SaveConnectionInput, before, after *store.Connection) error {
	if after.CompanyID != "" && before.CompanyID != after.CompanyID {
		if err := l.inheritEyes(ctx, after); err != nil {
			return err
		}
	}
	if !before.FourEyes || after.FourEyes && after.Posting == before.Posting {
		return nil
	}
	second, first, err := asker(ctx, l.Instructions, in.Settings, in.Who)
	if err != nil {
		return err
	}
	if first == nil || first.MayBe(second) {
		after.FourEyes, after.Posting = true, before.Posting
	}
	return nil
}

// inheritEyes wants the second pair of eyes in a connection with a company in
// which another connection wants it, so that a new one is no way around.
func (l *Ledger) inheritEyes(ctx context.Context, row *store.Connection) error {
	all, err := l.Store.Connections(ctx)
	if err != nil {
		return err
	}
	for i := range all {
		if other := &all[i]; other.ID != row.ID && other.CompanyID == row.CompanyID && other.FourEyes && !row.FourEyes {
			row.FourEyes, row.Posting = true, other.Posting
		}
	}
	return nil
}
