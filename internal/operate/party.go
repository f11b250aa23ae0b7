package operate

import (
	"context"

	"kvitt/internal/instruct"
)

type partyKey struct{}

type party struct {
	vouchedBy string
	first     *instruct.Party
}

// As is a context of what somebody asks who has signed in; vouchedBy is who else
// may hold their session. Without it nobody was asked who they are, as at the
// command line.
func As(ctx context.Context, vouchedBy string) context.Context {
	return context.WithValue(ctx, partyKey{}, party{vouchedBy: vouchedBy})
}

// seconding is a context in which somebody confirms what another person asked.
func seconding(ctx context.Context, first instruct.Party) context.Context {
	now := partyOf(ctx)
	now.first = &first
	return context.WithValue(ctx, partyKey{}, now)
}

func partyOf(ctx context.Context) party {
	if p, ok := ctx.Value(partyKey{}).(party); ok {
		return p
	}
	return party{vouchedBy: instruct.Anybody}
}
