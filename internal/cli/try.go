package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kvitt/internal/cli/table"
	"kvitt/internal/klarna"
	"kvitt/internal/operate"
	"kvitt/internal/try"
	"kvitt/internal/voucher"
)

// trying holds what a person gives to a trial.
type trying struct {
	payout            string
	transactions      []string
	profile, provider string
	closing           string
	at                string
}

func (a *app) tryCommand() *cobra.Command {
	var in trying
	c := &cobra.Command{
		Use:   "try",
		Short: "Prove and compile a payout from Klarna's own documents, without any connection",
		Long: `Prove and compile a payout from Klarna's own documents, and show the voucher that
Kvitt would post. It needs nothing else: no settings, database, Temporal, keyset or
network. Nothing is kept and nothing is posted.

--payout takes the answer of /payouts/{payment_reference}, --transactions the pages
of /transactions?payment_reference={payment_reference}: each as a file of its own, in
any order, or all rows in one file. One of the files may be - for standard input.

A connection with the same posting profile would post the same voucher, with another
token: the token depends on the Visma.net company. ` + "`periods.split`" + ` needs the company's
financial periods and is left out; --accrue-at shows what an accrual would book.`,
		Example: `  starter try --payout payout.json --transactions transactions.json
  starter try --payout payout.json --transactions page-1.json --transactions page-2.json --profile no-ns4102
  starter try --payout payout.json --transactions page-*.json --profile profile.yaml --accrue-at 2025-12-31 --output json`,
		Args: func(c *cobra.Command, args []string) error {
			if len(in.transactions) == 0 { // so that page-*.json is no riddle
				return exactly()(c, args)
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			in.transactions = append(in.transactions, args...)
			return a.try(c.Context(), &in)
		},
	}
	f := c.Flags()
	f.StringVar(&in.payout, "payout", "", "`FILE` with the payout")
	f.StringArrayVar(&in.transactions, "transactions", nil, "`FILE` with transactions of it; may be given several times")
	f.StringVar(&in.profile, "profile", defaultPreset, "posting profile: a preset or a `FILE`")
	f.StringVar(&in.provider, "provider", "klarna", "who pays out, `NAME`: klarna or kustom")
	f.StringVar(&in.closing, "closing-debt-before", "", "the closing debt of the payout before, `N` minor units (63750 is 637.50); without it the debt is not compared")
	f.StringVar(&in.at, "accrue-at", "", "also show what an accrual at this `DATE` would book")
	return c
}

func (in *trying) check() (at voucher.Date, closing *int64, err error) {
	switch {
	case in.payout == "":
		return at, nil, usagef("--payout is required: a file with the answer of /payouts/{payment_reference}")
	case len(in.transactions) == 0:
		return at, nil, usagef("--transactions is required: a file with a page of /transactions?payment_reference=…; give it once for each file")
	case !slices.Contains([]string{"klarna", "kustom"}, in.provider):
		return at, nil, usagef("--provider is %q; it is klarna or kustom", in.provider)
	}
	seen := map[string]bool{}
	for _, name := range slices.Concat([]string{in.payout}, in.transactions) {
		if seen[name] {
			return at, nil, usagef("the file %s is given twice", name)
		}
		seen[name] = true
	}
	if in.closing != "" {
		n, err := strconv.ParseInt(in.closing, 10, 64)
		if err != nil || n < 0 {
			return at, nil, usagef("--closing-debt-before is %q; it is a whole number of minor units, such as 63750 for 637.50", in.closing)
		}
		closing = &n
	}
	if in.at != "" {
		day, err := parseDay("--accrue-at", in.at)
		if err != nil {
			return at, nil, err
		}
		at = voucher.DateOf(day, time.UTC)
	}
	return at, closing, nil
}

func (a *app) try(ctx context.Context, in *trying) error {
	at, closing, err := in.check()
	if err != nil {
		return err
	}
	profile, _, err := readProfile(in.profile)
	if err != nil {
		return err
	}
	payout, err := a.document("payout", in.payout)
	if err != nil {
		return err
	}
	defer payout.close()
	answer, err := try.Run(ctx, &try.Input{
		Payout: payout.Document, Transactions: a.documents("transactions", in.transactions), Profile: profile,
		Provider: klarna.Provider(in.provider), ClosingDebt: closing, AccrueAt: at,
	})
	if err != nil {
		return fileProblem(err)
	}
	if err := a.show(answer, func(w io.Writer) error { return writeTrial(w, answer, a.paint) }); err != nil {
		return err
	}
	if answer.Stopped() {
		return errHeld
	}
	return nil
}

// source is a file that was opened.
type source struct {
	try.Document
	close func()
}

const standardInput = "-"

func (a *app) document(what, name string) (source, error) {
	if name == standardInput {
		return source{try.Document{Name: "standard input", Reader: a.In}, func() {}}, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return source{}, unreadable(what, name, err, "")
	}
	return source{try.Document{Name: name, Reader: file}, func() { _ = file.Close() }}, nil
}

// documents opens one file after the other.
func (a *app) documents(what string, names []string) iter.Seq2[try.Document, error] {
	return func(yield func(try.Document, error) bool) {
		for _, name := range names {
			file, err := a.document(what, name)
			if err != nil {
				yield(try.Document{}, err)
				return
			}
			more := yield(file.Document, nil)
			file.close()
			if !more {
				return
			}
		}
	}
}

// fileProblem says what is wrong with a file as every command says it.
func fileProblem(err error) error {
	var wrong *try.FileError
	if !errors.As(err, &wrong) {
		return err
	}
	return &operate.Error{Attempted: "read " + wrong.File, Happened: wrong.Problem, Helps: wrong.Helps, Err: err}
}

func writeTrial(w io.Writer, a *try.Answer, paint painter) error {
	var b strings.Builder
	state := paint.good("compiled; nothing is kept, nothing is posted")
	if a.State == try.Held {
		state = paint.bad("held: " + a.HeldReason)
	}
	fmt.Fprintf(&b, "%s payout %s of %s: %s\n", a.Provider, operate.Printable(a.PaymentReference), amount(a.Settlement, a.Currency), state)
	fmt.Fprintf(&b, "%s, posting profile %s.\n", counted(a.Rows, "row"), operate.Printable(a.Profile))
	if len(a.Variants) > 0 {
		fmt.Fprintf(&b, "%s's figures were read as: %s.\n", a.Provider, strings.ReplaceAll(strings.Join(a.Variants, ", "), "_", " "))
	}
	if a.State == try.Held {
		for _, words := range []string{operate.Finish(a.Detail), operate.Finish("→ " + a.Remedy)} {
			b.WriteString(table.Fold(operate.Printable(words), width(w), 2) + "\n")
		}
		_, err := io.WriteString(w, b.String())
		return err
	}
	fmt.Fprintf(&b, "The rows match %s's totals, and the voucher matches the payout: a difference of %s.\n\n", a.Provider, amount(a.Difference, a.Currency))
	fmt.Fprintf(&b, "Voucher of %s: %s\n", a.Voucher.Date, operate.Printable(a.Voucher.Description))
	if rate := a.Voucher.ExchangeRate; rate != "" {
		fmt.Fprintf(&b, "Exchange rate %s.\n", rate)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return err
	}
	if err := writeTried(w, a.Voucher.Lines, a.Currency); err != nil {
		return err
	}
	return writeAccrualTried(w, a)
}

func writeTried(w io.Writer, lines []try.Line, currency string) error {
	t := table.New(table.Left("account"), table.Left("text"), table.Optional("vat code"), table.Right("debit"), table.Right("credit"))
	var debit, credit int64
	for i := range lines {
		l := &lines[i]
		t.Add(l.Account, operate.Printable(l.Text), l.VATCode, side(l.Debit, currency), side(l.Credit, currency))
		debit, credit = debit+l.Debit, credit+l.Credit
	}
	t.Blank()
	t.Add("", "sum", "", money(debit, currency), money(credit, currency))
	return t.Write(w)
}

func writeAccrualTried(w io.Writer, a *try.Answer) error {
	if a.Accrual == nil {
		return nil
	}
	words := fmt.Sprintf("\nAccrual of %s, which takes itself back in the next period:\n", a.Accrual.Date)
	switch {
	case a.Accrual.HeldReason != "":
		words = fmt.Sprintf("\nAccrual of %s: held: %s\n", a.Accrual.Date, a.Accrual.HeldReason)
		words += table.Fold(operate.Finish(operate.Printable(a.Accrual.Detail)), width(w), 2) + "\n"
	case len(a.Accrual.Lines) == 0:
		words = fmt.Sprintf("\nAccrual of %s: none, %s\n", a.Accrual.Date, operate.Printable(a.Accrual.Detail)+".")
	}
	if _, err := io.WriteString(w, words); err != nil || len(a.Accrual.Lines) == 0 {
		return err
	}
	return writeTried(w, a.Accrual.Lines, a.Currency)
}
