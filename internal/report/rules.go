package report

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"kvitt/internal/build"
	"kvitt/internal/store"
)

// inForce is a version of the posting rules that was in force on days of a span,
// or that payouts of the span were booked by.
type inForce struct {
	store.ProfileVersion
	until   time.Time // when the next version came; zero: it is the latest
	payouts int64     // of the span, that were booked or held by it
}

// rulesInForce are the versions of a span, oldest first. A version is in force
// from when it was added until the next one is; a payout is booked by the one
// that its record names.
func (r *Reports) rulesInForce(ctx context.Context, span Span) ([]inForce, error) {
	versions, err := r.Source.Profiles(ctx, r.Connection.ID)
	if err != nil {
		return nil, err
	}
	slices.Reverse(versions)
	used := map[int]int64{}
	for p, err := range r.payoutsOf(ctx, span) {
		if err != nil {
			return nil, err
		}
		if p.ProfileVersion > 0 {
			used[p.ProfileVersion]++
		}
	}
	from, to := r.moments(span)
	var all []inForce
	for i := range versions {
		one := inForce{ProfileVersion: versions[i], payouts: used[versions[i].Version]}
		if i+1 < len(versions) {
			one.until = versions[i+1].CreatedAt
		}
		if one.CreatedAt.Before(to) && (one.until.IsZero() || one.until.After(from)) || one.payouts > 0 {
			all = append(all, one)
		}
	}
	return all, nil
}

// addRules writes the posting rules in force: a list of the versions with who
// added them, when and why, and each as it stands.
func (r *Reports) addRules(ctx context.Context, span Span, b *Bundle) error {
	rules, err := r.rulesInForce(ctx, span)
	if err != nil {
		return err
	}
	err = b.add("rules.csv", func(to io.Writer) error {
		w := newSheet(to, r.Excel)
		if err := w.Write([]string{"version", "hash", "file", "added_at", "added_by", "reason", "until", "payouts"}); err != nil {
			return err
		}
		for i := range rules {
			p, until := &rules[i], ""
			if !p.until.IsZero() {
				until = p.until.UTC().Format(time.RFC3339)
			}
			if err := w.Write([]string{
				strconv.Itoa(p.Version), p.Hash, rulesFile(p.Version), p.CreatedAt.UTC().Format(time.RFC3339), harmless(p.CreatedBy), harmless(p.Reason), until,
				strconv.FormatInt(p.payouts, 10),
			}); err != nil {
				return err
			}
		}
		w.Flush()
		return w.Error()
	})
	for i := range rules {
		if err == nil {
			err = b.bytes(rulesFile(rules[i].Version), rules[i].Document)
		}
	}
	return err
}

func rulesFile(version int) string { return fmt.Sprintf("rules/profile.%d.yaml", version) }

// programRecord is which program made a pack, and where the audit trail was.
type programRecord struct {
	Program    string     `json:"program"`
	Build      build.Info `json:"build"`
	MadeAt     time.Time  `json:"made_at"`
	Connection string     `json:"connection"`
	Company    string     `json:"company"`
	From       string     `json:"from"`
	To         string     `json:"to"`
	AuditSeq   int64      `json:"audit_entries"`
	AuditHash  string     `json:"audit_head"`
}

// addProgram writes Kvitt's version and the head of the audit trail.
func (r *Reports) addProgram(ctx context.Context, span Span, b *Bundle) error {
	seq, hash, err := r.Source.AuditHead(ctx)
	if err != nil {
		return err
	}
	from, to := span.days()
	body, err := json.MarshalIndent(programRecord{
		"Kvitt", build.Read(), r.Now.UTC(), r.Connection.ID, r.Connection.CompanyName, from, to, seq, hash,
	}, "", "  ")
	if err != nil {
		return err
	}
	return b.bytes("kvitt.json", append(body, '\n'))
}

// addAnswers writes what Klarna answered about a span, as it was received.
func (r *Reports) addAnswers(ctx context.Context, span Span, b *Bundle) error {
	for _, month := range span.months() {
		first, last := month.days()
		answers, err := r.Source.WindowAnswers(ctx, r.Connection.ID, first, last)
		if err != nil {
			return err
		}
		for i := range answers {
			a := &answers[i]
			if err := b.bytes(fmt.Sprintf("klarna/%s/%s.%05d.json", first[:7], fileName(a.Kind), a.Seq), a.Body); err != nil {
				return err
			}
		}
	}
	return nil
}

// verdict is the first line of a pack's README: whether everything is there.
func verdict(bad int) string {
	if bad == 0 {
		return "COMPLETE: what Kvitt knows and has booked is what Klarna says that it paid out; see completeness."
	}
	return fmt.Sprintf("NOT COMPLETE, or not compared: %d lines of completeness are red. See completeness first.", bad)
}
