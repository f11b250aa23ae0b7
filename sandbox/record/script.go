package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"

	"kvitt/internal/held"
	"kvitt/internal/notice"
	"kvitt/workflows"
)

// times counts calls by name.
var times = struct {
	sync.Mutex
	n map[string]int
}{n: map[string]int{}}

func nth(what string) int {
	times.Lock()
	defer times.Unlock()
	times.n[what]++
	return times.n[what]
}

func add[In, Out any](w worker.Worker, a workflows.Activity[In, Out], fn func(In) (Out, error)) {
	w.RegisterActivityWithOptions(func(_ context.Context, in In) (Out, error) { return fn(in) }, activity.RegisterOptions{Name: a.Name})
}

func nothing[In any](In) (workflows.Nothing, error) { return workflows.Nothing{}, nil }

func stop(code held.Code) *workflows.Held {
	reason, _ := held.Look(code)
	return &workflows.Held{Code: code, Detail: reason.Sentence, Remedy: reason.Remedy}
}

// register scripts the activities: the payment reference selects what happens.
func register(w worker.Worker) {
	add(w, workflows.ProvePayout, func(in workflows.PayoutRef) (workflows.Proven, error) {
		out := workflows.Proven{Rows: 214, Settlement: 8_590_000, Currency: "SEK"}
		switch {
		case in.PaymentReference == "final":
			out.Final, out.Batch = workflows.StateVerified, "000100"
		case in.PaymentReference == "held" && nth("prove held") == 1:
			out.Held = stop(held.RowsDiffer)
		}
		return out, nil
	})
	add(w, workflows.CompileVoucher, func(in workflows.PayoutRef) (workflows.Compiled, error) {
		if in.PaymentReference == "rule" && nth("compile rule") == 1 {
			return workflows.Compiled{Held: stop(held.ComponentUnknown)}, nil
		}
		return workflows.Compiled{
			VoucherHash: "5a1e", Periods: []string{"202601"}, Draft: in.PaymentReference == "draft", Split: in.PaymentReference == "split",
			NeedsApproval: in.PaymentReference == "approval" || in.PaymentReference == "rejected" || in.PaymentReference == "onehold-2",
		}, nil
	})
	add(w, workflows.PostVoucher, func(in workflows.PostInput) (workflows.Posted, error) {
		switch {
		case in.PaymentReference == "unknown" && nth("post unknown") < 3:
			return workflows.Posted{LookAgain: 100 * time.Millisecond}, nil
		case in.PaymentReference == "credential" && nth("post credential") == 1:
			return workflows.Posted{}, temporal.NewApplicationErrorWithOptions("invalid_grant", workflows.CredentialErrorType, temporal.ApplicationErrorOptions{
				NonRetryable: true, Details: []any{workflows.CredentialError{Provider: workflows.ProviderVisma, Reason: "invalid_grant"}},
			})
		}
		return workflows.Posted{BatchNumber: "000123", Adopted: in.PaymentReference == "unknown"}, nil
	})
	add(w, workflows.PostSplit, func(workflows.PostInput) (workflows.Posted, error) {
		if nth("split") == 1 {
			return workflows.Posted{LookAgain: 100 * time.Millisecond}, nil
		}
		return workflows.Posted{}, nil
	})
	add(w, workflows.CompleteBatch, func(in workflows.PostInput) (workflows.Completed, error) {
		if in.Draft {
			return workflows.Completed{State: workflows.StatePosted}, nil
		}
		return workflows.Completed{State: workflows.StateVerified}, nil
	})
	add(w, workflows.PreviewPayout, func(in workflows.PreviewInput) (workflows.Found, error) {
		return workflows.Found{PaymentReference: in.PaymentReference, State: workflows.StateCompiled, Rows: 214, Settlement: 8_590_000, Currency: "SEK"}, nil
	})
	add(w, workflows.PayoutState, func(in workflows.PayoutRef) (workflows.Found, error) {
		return workflows.Found{PaymentReference: in.PaymentReference, State: workflows.StateVerified, Final: true}, nil
	})
	add(w, workflows.HoldPayout, nothing[workflows.Hold])
	add(w, workflows.KeepStop, nothing[workflows.Stopped])
	add(w, workflows.ProveInstruction, func(workflows.ProveInput) (workflows.Recorded, error) { return workflows.Recorded{}, nil })
	add(w, workflows.RecordDecision, func(workflows.Decision) (workflows.Recorded, error) { return workflows.Recorded{}, nil })
	registerReversal(w)
	registerAccrual(w)
	registerSync(w)
	registerConnection(w)
}

func registerReversal(w worker.Worker) {
	add(w, workflows.PrepareReversal, func(in workflows.ReverseInput) (workflows.PreparedReversal, error) {
		out := workflows.PreparedReversal{Reverses: "000123", VoucherHash: "5a1f", Date: "2026-01-05", Periods: []string{"202601"}, Profile: 1}
		switch {
		case in.PaymentReference == "refused":
			return workflows.PreparedReversal{Refused: "nothing was posted for it"}, nil
		case in.PaymentReference == "withdrawn", in.PaymentReference == "closed" && nth("prepare closed") == 1:
			out.Held = stop(held.PeriodClosed)
		}
		return out, nil
	})
	add(w, workflows.PostReversal, func(workflows.ReversalStep) (workflows.Posted, error) {
		return workflows.Posted{BatchNumber: "000124"}, nil
	})
	add(w, workflows.CompleteReversal, func(workflows.ReversalStep) (workflows.Completed, error) {
		return workflows.Completed{State: workflows.StateReversed}, nil
	})
}

func registerAccrual(w worker.Worker) {
	add(w, workflows.PrepareAccrual, func(in workflows.AccrualInput) (workflows.PreparedAccrual, error) {
		return workflows.PreparedAccrual{VoucherHash: "5a20", Periods: []string{"202601"}}, nil
	})
	add(w, workflows.PostAccrual, func(in workflows.AccrualStep) (workflows.Posted, error) {
		if nth("post accrual") == 1 {
			return workflows.Posted{LookAgain: 100 * time.Millisecond}, nil
		}
		return workflows.Posted{BatchNumber: "000125", Adopted: true}, nil
	})
	add(w, workflows.CompleteAccrual, func(workflows.AccrualStep) (workflows.Completed, error) {
		return workflows.Completed{State: workflows.StateVerified}, nil
	})
}

func registerSync(w worker.Worker) {
	add(w, workflows.BeginSync, func(in workflows.BeginSyncInput) (workflows.Plan, error) {
		january := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		february := january.AddDate(0, 1, 0)
		return workflows.Plan{RunID: in.RunID, Concurrency: 2, Windows: []workflows.Window{{From: january, To: february}, {From: february, To: february.AddDate(0, 1, 0)}}}, nil
	})
	add(w, workflows.ListPayouts, func(in workflows.ListPayoutsInput) (workflows.Listing, error) {
		out := workflows.Listing{Found: 4, Skipped: 1, SkippedRows: 9, SkippedSums: map[string]int64{"SEK": 900, "EUR": 100}}
		for i := range 3 {
			out.Due = append(out.Due, workflows.DuePayout{
				PaymentReference: fmt.Sprintf("%s-%d", in.Connection, nth("list "+in.Connection)), Currency: "SEK", Date: in.Window.From.AddDate(0, 0, i),
			})
		}
		return out, nil
	})
	add(w, workflows.FinishSync, func(workflows.FinishSyncInput) (workflows.Finished, error) {
		return workflows.Finished{Outcome: workflows.OutcomeFetched, Words: "8 payouts were found."}, nil
	})
}

func registerConnection(w worker.Worker) {
	add(w, workflows.VerifyKlarna, func(workflows.VerifyInput) (workflows.Verified, error) {
		return workflows.Verified{OK: true, MerchantID: "K123456", Environment: "test"}, nil
	})
	add(w, workflows.VerifyVisma, func(workflows.VerifyInput) (workflows.Verified, error) {
		return workflows.Verified{OK: true, Company: "1/5560123456", CompanyName: "Nordisk Webbhandel AB", BaseCurrency: "SEK", Flow: "service"}, nil
	})
	add(w, workflows.SaveConnection, nothing[workflows.SaveConnectionInput])
	add(w, workflows.SetSchedule, nothing[workflows.ScheduleInput])
	add(w, workflows.EraseSecrets, nothing[workflows.VerifyInput])
	add(w, workflows.TakeStock, func(workflows.StockInput) (workflows.Stock, error) {
		return workflows.Stock{SyncLimit: 26 * time.Hour, GrantWarning: 14 * 24 * time.Hour}, nil
	})
	add(w, workflows.Notify, nothing[notice.Facts])
	add(w, workflows.DropNotice, nothing[notice.Facts])
}
