package rig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"kvitt/sandbox/chaos/plan"
	"kvitt/sandbox/klarnasim"
	"kvitt/sandbox/shop"
	"kvitt/sandbox/vismasim"
)

// house is one merchant, one company and the connection between them.
type house struct {
	company  vismasim.Company
	merchant *shop.Shop
	payouts  []*shop.Payout
	key      string // Klarna's API key
	keyFile  string
	id       string // of the connection
	// split holds, for each split payout by payment reference, the day by which a part of it was captured
	// in an earlier period.
	split map[string]string
}

// The range of days of a plan's payouts.
const (
	firstDay = "2026-01-01"
	lastDay  = "2026-03-31"
)

// payoutsOf makes the payouts of a plan, always the same for a seed. Where the profile splits, half of
// their rows were captured on the last day of the month before.
func payoutsOf(p plan.Plan, merchant string) (all []*shop.Payout, split map[string]string, err error) {
	first, err := time.Parse(time.DateOnly, firstDay)
	if err != nil {
		return nil, nil, err
	}
	stockholm, err := zone()
	if err != nil {
		return nil, nil, err
	}
	split = map[string]string{}
	all = make([]*shop.Payout, p.Payouts)
	for i := range all {
		n := p.Seed%100_000*100 + uint64(i)
		date := first.AddDate(0, 0, (i*11)%85).Add(12 * time.Hour) // some share a period
		reference := fmt.Sprintf("93%09d", n)
		if p.Rows > 0 && i == len(all)-1 {
			all[i], err = shop.Lazy{Seed: p.Seed, Rows: p.Rows, PaymentReference: reference, MerchantID: merchant, Date: date}.Payout()
		} else {
			rows := append(shop.SaleRows(n*10, 49_900+int64(n%1000), 1_450, 350, 2500), shop.SaleRows(n*10+1, 129_900, 3_770, 350, 2500)...) //nolint:gosec // small
			for j := range rows[:len(rows)/2] {
				if p.Splits() {
					rows[j].CaptureDate = date.AddDate(0, 0, -date.Day())
				}
			}
			all[i], err = shop.Settlement{PaymentReference: reference, MerchantID: merchant, Date: date, Rows: rows}.Payout()
		}
		if err != nil {
			return nil, nil, err
		}
		if before := date.AddDate(0, 0, -date.Day()); p.Splits() && capturedBy(all[i], before.In(stockholm)) {
			split[reference] = before.Format(time.DateOnly)
		}
	}
	return all, split, nil
}

// zone is the company's time zone, as in the preset.
func zone() (*time.Location, error) { return time.LoadLocation("Europe/Stockholm") }

// capturedBy reports whether any row was captured by the end of a day.
func capturedBy(p *shop.Payout, day time.Time) bool {
	var row shop.Row
	for i := range p.Rows.Len() {
		if p.Rows.Row(i, &row); row.CaptureDate.In(day.Location()).Format(time.DateOnly) <= day.Format(time.DateOnly) {
			return true
		}
	}
	return false
}

// profileOf returns the profile of a plan: a preset, or a file.
func (w *World) profileOf(ctx context.Context, p plan.Plan) (string, error) {
	const preset = "se-bas"
	if !p.Splits() {
		return preset, nil
	}
	text, err := w.Ask(ctx, "profile", "presets", preset)
	if err != nil {
		return "", err
	}
	changed := strings.Replace(string(text), "# split: true", "split: true", 1)
	path := filepath.Join(w.Dir, "split.yaml")
	return path, os.WriteFile(path, []byte(changed), 0o600)
}

// receivable is the preset's account for captured orders that are not paid out.
const receivable = "1790"

// build makes a house for a plan and connects it, before anything is broken.
func (w *World) build(ctx context.Context, p plan.Plan) (*house, error) {
	if len(w.free) == 0 {
		return nil, errors.New("build a house: no company is left in the world")
	}
	w.serial++
	h := &house{company: w.free[0], key: fmt.Sprintf("klarna_test_api_chaos%035d", w.serial)}
	w.free = w.free[1:]
	id := fmt.Sprintf("K%06d", 800_000+w.serial)
	var err error
	if h.payouts, h.split, err = payoutsOf(p, id); err != nil {
		return nil, err
	}
	h.merchant = shop.New(id, "SEK", h.payouts...)
	w.Klarna.Serve(h.merchant)
	if err := w.Klarna.AddKey(klarnasim.Key{Key: h.key, MerchantID: id}); err != nil {
		return nil, err
	}
	h.keyFile = filepath.Join(w.Dir, "key."+strconv.Itoa(w.serial))
	if err := os.WriteFile(h.keyFile, []byte(h.key+"\n"), 0o600); err != nil {
		return nil, err
	}
	profile, err := w.profileOf(ctx, p)
	if err != nil {
		return nil, err
	}
	out, err := w.Ask(ctx, "connection", "create", "--output", "json", "--name", fmt.Sprintf("Plan %d", p.Seed), "--profile", profile, "--posting", "auto")
	if err != nil {
		return nil, err
	}
	var made struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(out, &made); err != nil {
		return nil, err
	}
	h.id = made.ID
	for _, connect := range []func(context.Context, *house) error{w.giveKey, w.authorize} {
		// Where a worker's clock jumps, a step may be lost until it is retried.
		for range 3 {
			if err = connect(ctx, h); err == nil {
				break
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return h, nil
}

func (w *World) giveKey(ctx context.Context, h *house) error {
	_, err := w.Ask(ctx, "connection", "klarna-key", h.id, "--key-file", h.keyFile)
	return err
}

func (w *World) authorize(ctx context.Context, h *house) error {
	_, err := w.Ask(ctx, "connection", "authorize", h.id, "--service", "--tenant-id", h.company.TenantID)
	return err
}
