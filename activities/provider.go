package activities

import (
	"context"

	"kvitt/internal/klarna"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// providerName is who pays out on a connection, as vouchers and documents name it.
func providerName(row *store.Connection) string { return klarna.Provider(row.Provider).Name() }

// provider is who pays out on a connection, by its id.
func (v *Visma) provider(ctx context.Context, connection string) (string, error) {
	row, err := v.Store.Connection(ctx, connection)
	return providerName(&row), err
}

// inWordsOf compiles a voucher that may be posted already: earlier versions of Kvitt
// wrote Klarna whoever paid out, so the one that was posted is looked for first.
func inWordsOf(posted *voucher.Voucher, target voucher.Target, compile func(voucher.Target) (*voucher.Voucher, error)) (*voucher.Voucher, error) {
	plain := target
	plain.Provider = ""
	for _, t := range []voucher.Target{target, plain} {
		v, err := compile(t)
		if err != nil {
			return nil, err
		}
		dated(v, posted)
		if v.Hash() == posted.Hash() {
			return v, nil
		}
	}
	v, err := compile(target)
	if err == nil {
		dated(v, posted)
	}
	return v, err
}

// named says Kustom where a reason to hold speaks of Klarna and Kustom pays out.
func named(ctx context.Context, s *store.Store, stop *workflows.Held, connection string) (*workflows.Held, error) {
	row, err := s.Connection(ctx, connection)
	if err != nil {
		return nil, err
	}
	says := klarna.Provider(row.Provider).Says
	stop.Detail, stop.Remedy = says(stop.Detail), says(stop.Remedy)
	return stop, nil
}
