package activities

import (
	"context"
	"errors"
	"net/http"

	"kvitt/internal/access"
	"kvitt/internal/fault"
	"kvitt/internal/klarna"
	"kvitt/internal/visma/connect"
	"kvitt/workflows"
)

// VerifyKlarna reads from Klarna for real with a credential.
func (k *Klarna) VerifyKlarna(ctx context.Context, in workflows.VerifyInput) (workflows.Verified, error) {
	out, err := k.verify(ctx, in)
	if stop := refusal(err); stop != nil {
		if in.Candidate {
			return *stop, k.Doors.Vault.Delete(ctx, in.Connection, access.FieldKlarnaCandidate)
		}
		return *stop, nil
	}
	if err != nil || !in.Candidate {
		return out, err
	}
	return out, k.Doors.Promote(ctx, in.Connection, access.FieldKlarnaCandidate, access.FieldKlarna)
}

func (k *Klarna) verify(ctx context.Context, in workflows.VerifyInput) (workflows.Verified, error) {
	client, err := k.Doors.Klarna(ctx, in.Connection)
	environment := ""
	if in.Candidate {
		var credential klarna.Credential
		client, credential, err = k.Doors.KlarnaCandidate(ctx, in.Connection)
		environment = string(credential.Environment())
	}
	if err != nil {
		return workflows.Verified{}, err
	}
	if environment == "" {
		row, err := k.Store.Connection(ctx, in.Connection)
		if err != nil {
			return workflows.Verified{}, err
		}
		environment = row.Environment
	}
	payout, _, err := client.Verify(ctx)
	if err != nil {
		return workflows.Verified{}, err
	}
	out := workflows.Verified{OK: true, Environment: environment}
	if payout != nil {
		out.MerchantID = payout.MerchantID
	}
	return out, nil
}

// refusal returns what a person is told when a credential does not work; nil for
// anything that may heal by itself.
func refusal(err error) *workflows.Verified {
	var malformed *klarna.CredentialError
	if errors.As(err, &malformed) {
		return &workflows.Verified{Code: workflows.RefusedMalformed, Words: malformed.Error()}
	}
	f := fault.As(err)
	if f == nil || f.Class != fault.Auth && f.Class != fault.Rejected && f.Class != fault.BadData {
		return nil
	}
	words := *f
	words.Remedy = ""
	return &workflows.Verified{Code: refusedCode(f), Words: words.Error(), Remedy: f.Remedy}
}

// refusedCode tells refusals apart: what has a code of ours gets it, the rest
// keeps the other side's.
func refusedCode(f *fault.Error) string {
	switch {
	case f.Code == connect.CodeInvalidGrant, f.Class == fault.Auth && f.Code == "", f.Status == http.StatusUnauthorized && f.Party != connect.Party:
		return workflows.RefusedRevoked
	default:
		return f.Code
	}
}
