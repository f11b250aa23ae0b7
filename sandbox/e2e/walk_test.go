package e2e_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"kvitt/internal/held"
	"kvitt/internal/store"
	"kvitt/sandbox/klarnasim"
	"kvitt/sandbox/shop"
	"kvitt/sandbox/stack"
	"kvitt/sandbox/vismasim"
	"kvitt/workflows"
)

// walker brings a payout into a held code and ends it.
type walker func(t *testing.T) (h *house, p *shop.Payout, end func(t *testing.T), ends string)

// TestEveryHeldCodeHasAWayOutThatEndsIt walks the whole catalogue: each code has
// a payout that is held for it, and somebody who ends it, by one of the ways that
// the catalogue names. A code that is added without one fails here.
func TestEveryHeldCodeHasAWayOutThatEndsIt(t *testing.T) {
	t.Parallel()
	for _, r := range held.All() {
		t.Run(string(r.Code), func(t *testing.T) {
			t.Parallel()
			walk := walks[r.Code]
			if walk == nil {
				t.Fatalf("nobody knows how to end a payout that is held as %s", r.Code)
			}
			h, p, end, ends := walk(t)
			if end == nil {
				return // it went on by itself
			}
			h.held(t, p.PaymentReference, string(r.Code))
			end(t)
			until(t, waitFor, "it is "+ends, func() string {
				if now := h.show(t, p.PaymentReference); now.State != ends {
					return now.State
				}
				return ""
			})
			books := h.Visma.Books(h.firm.TenantID)
			if books.Debit != books.Credit || len(books.DuplicateTokens) > 0 {
				t.Errorf("the books: debit %d, credit %d, twice %v", books.Debit, books.Credit, books.DuplicateTokens)
			}
			if bank := books.Accounts["16861"].Currencies[p.Currency].Balance(); ends == workflows.StateVerified && bank != max(p.Totals.Settlement, 0) {
				t.Errorf("the settlement account holds %d, Klarna paid %d", bank, p.Totals.Settlement)
			}
		})
	}
}

var walks = map[held.Code]walker{
	held.RowsDiffer:          accepted(klarnasim.Fault{Kind: klarnasim.FaultTotal, Field: "fee_amount"}),
	held.FormulaDiffers:      accepted(klarnasim.Fault{Kind: klarnasim.FaultTotal}),
	held.DebtDiffers:         acceptedDebt,
	held.ComponentUnknown:    accepted(klarnasim.Fault{Kind: klarnasim.FaultUnknownType, Row: 1}),
	held.RowsIncomplete:      staged(held.RowsIncomplete, fits),
	held.RowsCurrency:        accepted(klarnasim.Fault{Kind: klarnasim.FaultRowChanged, Field: "currency_code", Value: "EUR", Row: 1}),
	held.CurrencyUnknown:     staged(held.CurrencyUnknown, fits),
	held.VoucherUnbalanced:   staged(held.VoucherUnbalanced, fits),
	held.ProfileInvalid:      staged(held.ProfileInvalid, byProfile),
	held.SplitUnclear:        staged(held.SplitUnclear, byProfile),
	held.CompanyChanged:      staged(held.CompanyChanged, closed),
	held.FiguresChanged:      staged(held.FiguresChanged, byProfile),
	held.Failed:              staged(held.Failed, fits),
	held.NothingToBook:       staged(held.NothingToBook, closed),
	held.VATRateUnexpected:   profiled(`    "25": {}`, "    \"25\": {}\n    \"12\": {}", and(shop.Of(shop.TypeFee, "SERVICING_FEE", 10_00).WithVAT(1200))),
	held.AccountUnknown:      misnamed(`clearing: "1686"`, `clearing: "1681"`),
	held.AccountInactive:     account(vismasim.Account{Number: "1686", Description: "Klarna", Type: "Asset", Inactive: true}),
	held.AccountManualEntry:  account(vismasim.Account{Number: "1686", Description: "Klarna", Type: "Asset", NoManualEntry: true}),
	held.LedgerUnknown:       misnamed("\ntexts:\n", "\nledger: \"99\"\n\ntexts:\n"),
	held.BranchUnknown:       misnamed("\ntexts:\n", "\nbranch: \"99\"\n\ntexts:\n"),
	held.SubaccountInvalid:   segments,
	held.CurrencyUnused:      simply(fits, in("GBP")),
	held.VATUndecided:        staged(held.VATUndecided, byProfile),
	held.RateImprecise:       staged(held.RateImprecise, byProfile),
	held.RefusedRepeatedly:   sentAgain,
	held.PeriodMissing:       noSuchYear,
	held.PeriodClosed:        reopened,
	held.Rejected:            refusedOnce(vismasim.Fault{Kind: vismasim.Rejected, Method: http.MethodPost, Path: journals, Message: "no"}),
	held.ReleaseFailed:       refusedOnce(vismasim.Fault{Kind: vismasim.ReleaseFailed, Method: http.MethodPost, Path: journals + "/*/action/release", Message: "being edited"}),
	held.BadData:             unreadable,
	held.BookedElsewhere:     unrelated,
	held.ChangedAfterPosting: kept,
	held.ReversedBefore:      reposted,
	held.BatchDiffers:        takenAsItIs,
	held.OutcomeUnknown:      lookedFor,
	held.Approval:            approved,
	held.CredentialKlarna:    newKey,
	held.CredentialVisma:     authorized,
}

// holds backfills a house with one payout, which has to be held.
func holds(t *testing.T, p *shop.Payout, pl plan, prepare func(h *house)) *house {
	t.Helper()
	pl.payouts = []*shop.Payout{p}
	h := town(t).unconnected(t, pl)
	if prepare != nil {
		prepare(h)
	}
	h.connect(t)
	report(t, h.starter(t, h.backfill("2026-01-01", "2026-06-30")...).with(t, 3)).came(t, counted{Found: 1, Held: 1})
	return h
}

// ways are the commands that `payout show` offers, by their way.
func (h *house) ways(t *testing.T, p *shop.Payout) map[held.Way][]string {
	t.Helper()
	got := facts[struct {
		Ways []struct {
			Way     held.Way `json:"way"`
			Command string   `json:"command"`
		} `json:"ways"`
	}](t, h.done(t, "payout", "show", h.id, p.PaymentReference, "--output", "json"))
	all := map[held.Way][]string{}
	for _, w := range got.Ways {
		all[w.Way] = append(all[w.Way], w.Command)
	}
	return all
}

// follow runs a command that `payout show` offers, with what it leaves open.
func (h *house) follow(t *testing.T, command string, fill ...string) said {
	t.Helper()
	command = strings.NewReplacer(fill...).Replace(strings.TrimPrefix(command, "starter "))
	return h.starter(t, append(strings.Fields(command), "--output", "json")...)
}

// accepted is a fault of Klarna's report that nobody corrects: the differences
// are accepted one after the other, just as they are offered.
func accepted(f klarnasim.Fault) walker {
	return func(t *testing.T) (*house, *shop.Payout, func(*testing.T), string) {
		p := settled(t, "2026-03-10")
		f.PaymentReference = p.PaymentReference
		h := holds(t, p, plan{}, func(h *house) { h.Klarna.Inject(f) })
		return h, p, func(t *testing.T) {
			h.acceptAll(t, p)
			p.Totals.Settlement = h.show(t, p.PaymentReference).Settled // as Klarna states it
		}, workflows.StateVerified
	}
}

func (h *house) acceptAll(t *testing.T, p *shop.Payout) {
	t.Helper()
	for range 8 {
		ways := h.ways(t, p)[held.Accept]
		if len(ways) == 0 {
			return
		}
		// One öre beside what is offered is refused, and nothing is recorded.
		before, after, _ := strings.Cut(ways[0], "--difference=")
		amount, rest, _ := strings.Cut(after, " ")
		wrong := before + "--difference=" + strings.TrimSuffix(amount, "1") + "2 " + rest
		if strings.HasSuffix(amount, "1") {
			h.follow(t, wrong, "ACCOUNT", "6570", "REASON", "rounding").refused(t, 1, "exactly or not at all")
		}
		for _, way := range ways {
			if s := h.follow(t, way, "ACCOUNT", "6570", "REASON", "rounding"); s.status != 0 && s.status != 3 {
				t.Fatalf("%s: %s", way, s.err)
			}
		}
	}
}

// acceptedDebt is a debt that Klarna invoiced apart.
func acceptedDebt(t *testing.T) (*house, *shop.Payout, func(*testing.T), string) {
	before, after := settled(t, "2026-03-09", in("EUR")), settled(t, "2026-03-23", in("EUR"), owing(10_00))
	h := town(t).house(t, plan{payouts: []*shop.Payout{before, after}})
	report(t, h.starter(t, h.backfill("2026-01-01", "2026-06-30")...).with(t, 3)).came(t, counted{Found: 2, Held: 2})
	return h, after, func(t *testing.T) {
		for _, p := range []*shop.Payout{before, after} {
			h.follow(t, h.ways(t, p)[held.Accept][0], "--account ACCOUNT", "--booked", "REASON", "invoiced").with(t, 0)
		}
		if n := h.Visma.Books(h.firm.TenantID).Batches; n != 2 {
			t.Errorf("%d batches", n)
		}
		h.Visma.Books(h.firm.TenantID)
		after.Totals.Settlement += before.Totals.Settlement // what the account holds of both
	}, workflows.StateVerified
}

type ender func(t *testing.T, h *house, p *shop.Payout) (state string)

// simply is a payout that is held by what it is.
func simply(end ender, change ...func(*shop.Settlement)) walker {
	return func(t *testing.T) (*house, *shop.Payout, func(*testing.T), string) {
		p := settled(t, "2026-03-10", change...)
		h := holds(t, p, plan{}, nil)
		return h, p, func(t *testing.T) { end(t, h, p) }, workflows.StateRejected
	}
}

// staged is a code that the simulators cannot bring about: the payout is held for
// a row without a rule, and the database says that it is held for the code.
func staged(code held.Code, end ender) walker {
	return func(t *testing.T) (*house, *shop.Payout, func(*testing.T), string) {
		p := settled(t, "2026-03-10", and(shop.Of(shop.TypeFee, "KLARNA_SURCHARGE", 12_50).WithVAT(2500)))
		h := holds(t, p, plan{}, nil)
		reason, _ := held.Look(code)
		why, err := json.Marshal(workflows.Held{Code: code, Detail: reason.Sentence, Remedy: reason.Remedy})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.store.UpdatePayout(t.Context(), h.id, p.PaymentReference, func(row *store.Payout) error {
			row.HeldReason, row.Held = string(code), why
			return nil
		}, nil); err != nil {
			t.Fatal(err)
		}
		ends := workflows.StateRejected
		switch code {
		case held.ProfileInvalid, held.SplitUnclear, held.FiguresChanged, held.VATUndecided, held.RateImprecise:
			ends = workflows.StateVerified
		}
		return h, p, func(t *testing.T) { end(t, h, p) }, ends
	}
}

// byHand books a payout as a person would.
func (h *house) byHand(t *testing.T, p *shop.Payout, amount int64) string {
	t.Helper()
	number, err := h.Visma.AddBatch(h.firm.TenantID, vismasim.ForeignBatch{
		Date: "2026-03-11", Currency: "SEK", Description: "Klarna, by hand",
		Lines: []vismasim.ForeignLine{{Account: "16861", Debit: amount, Reference: p.PaymentReference}, {Account: "1686", Credit: amount}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return number
}

// fits books the payout by hand and names that batch; one that does not fit is
// refused until it is stated all the same.
func fits(t *testing.T, h *house, p *shop.Payout) string {
	t.Helper()
	ways := h.ways(t, p)[held.Elsewhere]
	if len(ways) != 1 {
		t.Fatalf("the ways are %v", h.ways(t, p))
	}
	wrong, right := h.byHand(t, p, p.Totals.Settlement+1), h.byHand(t, p, p.Totals.Settlement)
	h.follow(t, ways[0], "BATCH", "999999", "REASON", "r").refused(t, 1, "Visma.net has no batch 999999")
	h.follow(t, ways[0], "BATCH", wrong, "REASON", "r").refused(t, 1, "none of its accounts comes to the settlement amount", "--anyway")
	command := ways[0]
	if p.Currency != "SEK" {
		command += " --anyway"
	}
	h.follow(t, command, "BATCH", right, "REASON", "by-hand").with(t, 0)
	if list := h.done(t, "payout", "list", h.id); !strings.Contains(list.out, right) || !strings.Contains(list.out, "booked elsewhere") {
		t.Errorf("the list does not tell where it is booked:\n%s", list.out)
	}
	return workflows.StateRejected
}

func closed(t *testing.T, h *house, p *shop.Payout) string {
	t.Helper()
	h.follow(t, h.ways(t, p)[held.Reject][0], "REASON", "nothing").with(t, 0)
	return workflows.StateRejected
}

// byProfile gives the profile the rule that was missing.
func byProfile(t *testing.T, h *house, _ *shop.Payout) string {
	t.Helper()
	rule := "  FEE/KLARNA_SURCHARGE: {account: fees, vat_account: input_vat}\n"
	h.done(t, "profile", "set", h.id, h.profile(t, "  FEE/RETURN_FEE:", rule+"  FEE/RETURN_FEE:", "mode: review", "mode: auto"))
	return workflows.StateVerified
}

// profiled is held until the profile says what it lacks.
func profiled(old, changed string, change ...func(*shop.Settlement)) walker {
	return func(t *testing.T) (*house, *shop.Payout, func(*testing.T), string) {
		p := settled(t, "2026-03-10", change...)
		h := holds(t, p, plan{}, nil)
		return h, p, func(t *testing.T) {
			h.done(t, "profile", "set", h.id, h.profile(t, "mode: review", "mode: auto", old, changed))
		}, workflows.StateVerified
	}
}

// misnamed is a profile that names what the company does not have.
func misnamed(old, wrong string) walker {
	return func(t *testing.T) (*house, *shop.Payout, func(*testing.T), string) {
		p := settled(t, "2026-03-10")
		h := holds(t, p, plan{profile: town(t).profile(t, old, wrong)}, nil)
		return h, p, func(t *testing.T) {
			h.done(t, "profile", "set", h.id, h.profile(t, "mode: review", "mode: auto"))
		}, workflows.StateVerified
	}
}

// account is one that the company does not take lines on; then it does.
func account(wrong vismasim.Account) walker {
	return func(t *testing.T) (*house, *shop.Payout, func(*testing.T), string) {
		p := settled(t, "2026-03-10")
		set := func(h *house, a vismasim.Account) {
			if err := h.Visma.SetAccount(h.firm.TenantID, a); err != nil {
				t.Fatal(err)
			}
		}
		h := holds(t, p, plan{}, func(h *house) { set(h, wrong) })
		return h, p, func(t *testing.T) {
			right := wrong
			right.Inactive, right.NoManualEntry = false, false
			set(h, right)
			h.follow(t, h.ways(t, p)[held.Visma][0]).with(t, 0)
		}, workflows.StateVerified
	}
}

func segments(t *testing.T) (*house, *shop.Payout, func(*testing.T), string) {
	w := town(t)
	firm := w.take(t, &w.segmented)
	p := settled(t, "2026-03-10")
	h := holds(t, p, plan{firm: &firm}, nil)
	return h, p, func(t *testing.T) {
		h.done(t, "profile", "set", h.id, h.profile(t, "mode: review", "mode: auto", `# subaccount: {1: "10", 2: "000"}`, `subaccount: {1: "10", 2: "010"}`))
	}, workflows.StateVerified
}

// noSuchYear is a payout of a year that the company does not have.
func noSuchYear(t *testing.T) (*house, *shop.Payout, func(*testing.T), string) {
	p := settled(t, "2019-03-10")
	h := town(t).house(t, plan{payouts: []*shop.Payout{p}})
	report(t, h.starter(t, h.backfill("2019-03-01", "2019-03-31")...).with(t, 3)).came(t, counted{Found: 1, Held: 1})
	return h, p, func(t *testing.T) {
		number := h.byHand(t, p, p.Totals.Settlement)
		h.follow(t, h.ways(t, p)[held.Elsewhere][0], "BATCH", number, "REASON", "early").refused(t, 1, "it is dated 2026-03-11, and the payout is of 2019-03-10")
		h.follow(t, h.ways(t, p)[held.Elsewhere][0]+" --anyway", "BATCH", number, "REASON", "early").with(t, 0)
	}, workflows.StateRejected
}

func reopened(t *testing.T) (*house, *shop.Payout, func(*testing.T), string) {
	p := settled(t, "2026-02-10")
	h := holds(t, p, plan{}, func(h *house) {
		if err := h.Visma.ClosePeriod(h.firm.TenantID, "202602"); err != nil {
			t.Fatal(err)
		}
	})
	return h, p, func(t *testing.T) {
		if err := h.Visma.OpenPeriod(h.firm.TenantID, "202602"); err != nil {
			t.Fatal(err)
		}
		h.follow(t, h.ways(t, p)[held.Visma][0]).with(t, 0)
	}, workflows.StateVerified
}

// refusedOnce returns what Visma.net refuses once.
func refusedOnce(f vismasim.Fault) walker {
	return func(t *testing.T) (*house, *shop.Payout, func(*testing.T), string) {
		p := settled(t, "2026-03-10")
		h := holds(t, p, plan{}, func(h *house) { inject(t, h, f) })
		return h, p, func(t *testing.T) { h.follow(t, h.ways(t, p)[held.Visma][0]).with(t, 0) }, workflows.StateVerified
	}
}

func unreadable(t *testing.T) (*house, *shop.Payout, func(*testing.T), string) {
	p := settled(t, "2026-03-10")
	id := 0
	h := holds(t, p, plan{}, func(h *house) {
		id = h.Klarna.Inject(klarnasim.Fault{Kind: klarnasim.FaultTruncated, Path: "/transactions", PaymentReference: p.PaymentReference})
	})
	return h, p, func(t *testing.T) {
		h.Klarna.ClearFault(id)
		h.follow(t, h.ways(t, p)[held.Retry][0]).with(t, 0)
	}, workflows.StateVerified
}

// unrelated is a batch that carries the reference and books something else: the
// payout is closed for it, which is taken back, and then posted all the same.
func unrelated(t *testing.T) (*house, *shop.Payout, func(*testing.T), string) {
	p := settled(t, "2026-03-10")
	number := ""
	h := holds(t, p, plan{}, func(h *house) { number = h.byHand(t, p, 1_00) })
	return h, p, func(t *testing.T) {
		ways := h.ways(t, p)
		if !strings.Contains(ways[held.Unrelated][0], number) {
			t.Errorf("the command does not name batch %s: %s", number, ways[held.Unrelated][0])
		}
		h.follow(t, ways[held.Elsewhere][0]+" --anyway", "REASON", "by-hand").with(t, 0)
		h.done(t, "payout", "undo-decision", h.id, p.PaymentReference, "1", "--reason", "it is something else")
		h.held(t, p.PaymentReference, "booked_elsewhere")
		h.follow(t, strings.Replace(ways[held.Unrelated][0], number, "999999", 1), "REASON", "x").refused(t, 1, "is not known to carry its payment reference")
		h.follow(t, ways[held.Unrelated][0], "REASON", "deposit").with(t, 0)
		h.starter(t, "payout", "undo-decision", h.id, p.PaymentReference, "3", "--reason", "late").refused(t, 1, "what is posted rests on it")
		p.Totals.Settlement += 1_00 // by hand
	}, workflows.StateVerified
}

// kept is a payout whose figures change after it was posted, and that stays.
func kept(t *testing.T) (*house, *shop.Payout, func(*testing.T), string) {
	h, p := posted(t, plan{})
	paid := p.Totals.Settlement
	corrected := settled(t, "2026-03-10", func(s *shop.Settlement) {
		s.PaymentReference = p.PaymentReference
		s.Rows = shop.SaleRows(78, 88_800, 2_220, 350, 2500)
	})
	corrected.MerchantID = h.merchant.MerchantID
	h.Klarna.Serve(shop.New(h.merchant.MerchantID, "SEK", corrected))
	report(t, h.starter(t, h.backfill("2026-03-01", "2026-03-31")...).with(t, 3)).came(t, counted{Found: 1, Held: 1})
	return h, p, func(t *testing.T) {
		h.starter(t, "payout", "reject", h.id, p.PaymentReference, "--reason", "x").refused(t, 1, "can only be reversed")
		h.follow(t, h.ways(t, p)[held.Keep][0], "REASON", "settled-later").with(t, 0)
		report(t, h.done(t, h.backfill("2026-03-01", "2026-03-31")...)).came(t, counted{Found: 1, Skipped: 1})
		p.Totals.Settlement = paid
		if n := h.Visma.Books(h.firm.TenantID).Batches; n != 1 {
			t.Errorf("%d batches", n)
		}
	}, workflows.StateVerified
}

func reposted(t *testing.T) (*house, *shop.Payout, func(*testing.T), string) {
	h, p := posted(t, plan{})
	h.correct(t, "reverse", p).with(t, 0)
	again := h.connectAnew(t, h)
	report(t, again.starter(t, again.backfill("2026-03-01", "2026-03-31")...).with(t, 3)).came(t, counted{Found: 1, Held: 1})
	return again, p, func(t *testing.T) {
		again.follow(t, again.ways(t, p)[held.Repost][0], "REASON", "again").with(t, 0)
	}, workflows.StateVerified
}

// takenAsItIs is a batch that somebody changes before it is released: it is taken
// exactly as it is, and no other change is.
func takenAsItIs(t *testing.T) (*house, *shop.Payout, func(*testing.T), string) {
	p := settled(t, "2026-03-10")
	h := holds(t, p, plan{}, func(h *house) {
		inject(t, h, vismasim.Fault{Kind: vismasim.ReleaseFailed, Method: http.MethodPost, Path: journals + "/*/action/release", Message: "being edited"})
	})
	number := h.Visma.Books(h.firm.TenantID).List[0].Number
	moved := func(account string) {
		if err := h.Visma.EditBatch(h.firm.TenantID, number, func(b *vismasim.Batch) {
			i := slices.IndexFunc(b.Lines, func(l vismasim.Line) bool { return strings.HasPrefix(l.Account, "6") })
			b.Lines[i].Account = account
		}); err != nil {
			t.Fatal(err)
		}
	}
	moved("6570")
	h.starter(t, "payout", "retry", h.id, p.PaymentReference).with(t, 3)
	return h, p, func(t *testing.T) {
		way := h.ways(t, p)[held.AcceptBatch][0]
		h.follow(t, strings.Replace(way, number, "999999", 1), "REASON", "x").refused(t, 1, "its batch is "+number)
		h.follow(t, way, "REASON", "moved").with(t, 0)
	}, workflows.StateVerified
}

// sentAgain is sent once more when a person wants it.
func sentAgain(t *testing.T) (*house, *shop.Payout, func(*testing.T), string) {
	p := settled(t, "2026-03-10")
	h := holds(t, p, plan{}, func(h *house) {
		for range 3 {
			inject(t, h, vismasim.Fault{Kind: vismasim.ErrorBeforeCommit, Method: http.MethodPost, Path: journals, Body: p.PaymentReference, Message: "Object reference not set"})
		}
	})
	return h, p, func(t *testing.T) { h.follow(t, h.ways(t, p)[held.Retry][0]) }, workflows.StateVerified
}

// lookedFor continues by itself, whatever became of the request.
func lookedFor(t *testing.T) (*house, *shop.Payout, func(*testing.T), string) {
	p := settled(t, "2026-03-10")
	h := town(t).unconnected(t, plan{payouts: []*shop.Payout{p}})
	inject(t, h, vismasim.Fault{Kind: vismasim.ErrorBeforeCommit, Method: http.MethodPost, Path: journals})
	h.connect(t)
	report(t, h.done(t, h.backfill("2026-03-01", "2026-03-31")...)).came(t, counted{Found: 1, Posted: 1})
	says(t, h.done(t, "payout", "show", h.id, p.PaymentReference), "held: outcome_unknown")
	h.once(t, p)
	return h, p, nil, ""
}

func approved(t *testing.T) (*house, *shop.Payout, func(*testing.T), string) {
	p := settled(t, "2026-03-10")
	h := holds(t, p, plan{posting: "review"}, nil)
	return h, p, func(t *testing.T) { h.follow(t, h.ways(t, p)[held.Approve][0]).with(t, 0) }, workflows.StateVerified
}

// parked begins a backfill that stops for a credential.
func parked(t *testing.T, spoil func(h *house)) (*house, *shop.Payout) {
	t.Helper()
	p := settled(t, "2026-03-10")
	h := town(t).house(t, plan{payouts: []*shop.Payout{p}})
	h.slowly([]*shop.Payout{p})
	h.done(t, append(h.backfill("2026-03-01", "2026-03-31"), "--detach")...)
	until(t, waitFor, "the payout is listed", func() string {
		if _, err := h.store.Payout(t.Context(), h.id, p.PaymentReference); err != nil {
			return err.Error()
		}
		return ""
	})
	spoil(h)
	return h, p
}

func newKey(t *testing.T) (*house, *shop.Payout, func(*testing.T), string) {
	h, p := parked(t, func(h *house) {
		if err := h.Klarna.RotateKey(h.key, h.key+"_new"); err != nil {
			t.Fatal(err)
		}
	})
	return h, p, func(t *testing.T) {
		h.done(t, "connection", "klarna-key", h.id, "--key-file", keyFile(t, h.key+"_new"))
	}, workflows.StateVerified
}

func authorized(t *testing.T) (*house, *shop.Payout, func(*testing.T), string) {
	h, p := parked(t, func(h *house) { h.Providers.Connect.Revoke(h.firm.TenantID) })
	return h, p, func(t *testing.T) {
		h.Providers.Connect.Approve(stack.ClientID, h.firm.TenantID, true)
		h.done(t, "connection", "authorize", h.id, "--service", "--tenant-id", h.firm.TenantID)
	}, workflows.StateVerified
}
