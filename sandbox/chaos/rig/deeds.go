package rig

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"kvitt/sandbox/chaos/plan"
	"kvitt/sandbox/connectsim"
	"kvitt/sandbox/stack"
)

const clientID = stack.ClientID

// begin does a deed, once. Slow deeds run in the background.
func (r *run) begin(ctx context.Context, i int, server string) {
	r.mu.Lock()
	begun := r.done[i]
	r.done[i] = true
	r.mu.Unlock()
	if begun {
		return
	}
	f := r.p.Faults[i]
	r.hands.Go(func() {
		met, err := r.w.do(context.WithoutCancel(ctx), r.h, f, server)
		if err != nil {
			r.find("the rig: %s: %v", f.Name(), err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.met[i] = r.met[i] || met
	})
}

// do carries a deed out and reports whether it was certainly met.
func (w *World) do(ctx context.Context, h *house, f plan.Fault, server string) (met bool, err error) {
	switch f.Deed {
	case plan.KillAsker:
		for _, k := range w.workers {
			if slices.Contains(k.fronts[:], server) {
				k.kill()
			}
		}
	case plan.KillOne:
		w.workers[f.After%len(w.workers)].kill()
	case plan.KillWorkers:
		var all sync.WaitGroup
		for _, k := range w.workers {
			all.Go(k.kill)
		}
		all.Wait()
	case plan.KillTemporal:
		return true, w.restartTemporal(ctx)
	case plan.KillDatabase:
		return true, w.restartDatabase(ctx, f.Lasts)
	case plan.FillDisk:
		return w.fillDisk(ctx, f.Lasts)
	case plan.JumpClock:
		w.skew.Add(int64(f.Lasts))
	case plan.RevokeKey:
		return false, w.Klarna.RevokeKey(h.key) // met when the connection reports it
	case plan.RevokeCompany:
		w.Providers.Connect.Revoke(h.company.TenantID)
		return false, nil // as above
	case plan.ExpireTokens, plan.FailTokens, plan.LoseTokens:
		return w.spoilTokens(ctx, h, f.Deed), nil
	default:
		return false, fmt.Errorf("unknown deed %q", f.Deed)
	}
	return true, nil
}

// spoilTokens makes a new token necessary, and perhaps hard to get. It is met when a token was requested.
func (w *World) spoilTokens(ctx context.Context, h *house, d plan.Deed) bool {
	const asked = "token.client_credentials"
	before := w.Providers.Connect.Counters()[asked]
	switch d {
	case plan.FailTokens:
		w.Providers.Connect.FailTokens(connectsim.Outage{Times: 2})
	case plan.LoseTokens:
		w.Providers.Connect.FailTokens(connectsim.Outage{AfterCommit: true})
	default:
	}
	w.Providers.Connect.ExpireAccessTokens(h.company.TenantID)
	return eventually(ctx, 10*time.Second, func() bool { return w.Providers.Connect.Counters()[asked] > before })
}

func (w *World) restartTemporal(ctx context.Context) error {
	w.killing.Lock()
	defer w.killing.Unlock()
	return w.RestartTemporal(ctx)
}

func (w *World) restartDatabase(ctx context.Context, away time.Duration) error {
	w.killing.Lock()
	defer w.killing.Unlock()
	if err := w.postgres.Kill(); err != nil {
		return err
	}
	pause(ctx, away)
	return w.postgres.Again()
}

// fillDisk fills the disk for a while. Without a separate disk, it is never met.
func (w *World) fillDisk(ctx context.Context, full time.Duration) (bool, error) {
	if w.disk == nil {
		return false, nil
	}
	w.killing.Lock()
	defer w.killing.Unlock()
	if err := w.disk.fill(true); err != nil {
		return false, err
	}
	pause(ctx, full)
	return true, w.disk.fill(false)
}
