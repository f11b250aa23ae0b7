package cli

import (
	"cmp"
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kvitt/internal/config"
	"kvitt/internal/report"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
	"kvitt/workflows"
)

// A person waits for a completion with a finger on the key: it takes a second
// at most, offers no more than fits, and says nothing about what went wrong.
const (
	completeWithin = time.Second
	mostCompleted  = 50
)

// completer offers what a word that begins so may become. before are the
// arguments before it.
type completer func(ctx context.Context, db *store.Store, before []string, begun string) ([]cobra.Completion, error)

// argumentCompleters are by the word that stands in a command's usage.
var argumentCompleters = map[string]completer{
	"ID": completeConnections, "REF": nil, "V1": completeVersions, "V2": completeVersions,
}

// decidable are the states in which a command has something to do with a payout.
var decidable = map[string][]string{
	"approve": {workflows.StateAwaitingApproval},
	"reject":  {workflows.StateAwaitingApproval, workflows.StateHeld},
	"retry":   {workflows.StateHeld},
	"reverse": {workflows.StatePosted, workflows.StateReleased, workflows.StateVerified},
	"repost":  {workflows.StateReversed},
}

// flagCompleters are the flags whose values are known.
func flagCompleters() map[string][]cobra.Completion {
	return map[string][]cobra.Completion{
		"output":   {"table", "json"},
		"state":    payoutStates,
		"posting":  {"draft", "review", "auto"},
		"provider": {"klarna", "kustom"},
		"region":   {"eu", "na", "oc"},
		"format":   append([]string{"table"}, report.Formats()...),
		"role":     {"viewer", "approver", "administrator"},
	}
}

// completions lets shells complete every argument and flag below c.
func (a *app) completions(c *cobra.Command) {
	for _, sub := range c.Commands() {
		a.completions(sub)
	}
	for name, values := range flagCompleters() {
		if c.Flag(name) != nil && (c.Flags().Lookup(name) != nil || c.PersistentFlags().Lookup(name) != nil) {
			_ = c.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
		}
	}
	if c.Flags().Lookup("profile") != nil { // a preset or a file
		_ = c.RegisterFlagCompletionFunc("profile", cobra.FixedCompletions(voucher.Presets(), cobra.ShellCompDirectiveDefault))
	}
	words := argumentsOf(c)
	c.ValidArgsFunction = func(c *cobra.Command, before []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(before) >= len(words) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		switch word := words[len(before)]; word {
		case "FILE":
			return nil, cobra.ShellCompDirectiveDefault
		case "NAME":
			return voucher.Presets(), cobra.ShellCompDirectiveNoFileComp
		case "REF":
			return a.complete(c.Context(), completeReferences(decidable[c.Name()]), before, begun)
		default:
			return a.complete(c.Context(), argumentCompleters[word], before, begun)
		}
	}
}

// argumentsOf are the names of a command's arguments, as its usage has them.
func argumentsOf(c *cobra.Command) (words []string) {
	for _, word := range strings.Fields(c.Use)[1:] {
		if strings.HasPrefix(word, "--") {
			break
		}
		words = append(words, strings.Trim(word, "[]"))
	}
	return words
}

// complete asks the database, if it is there and answers at once.
func (a *app) complete(ctx context.Context, do completer, before []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	const nothing = cobra.ShellCompDirectiveNoFileComp
	if ctx == nil {
		ctx = context.Background()
	}
	c, err := config.Load()
	if err != nil || do == nil {
		return nil, nothing
	}
	url := c.DatabaseURL.Reveal()
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		if _, err := os.Stat(path); err != nil {
			return nil, nothing // and a database is not made by a key
		}
	}
	ctx, cancel := context.WithTimeout(ctx, completeWithin)
	defer cancel()
	offered := make(chan []cobra.Completion, 1)
	go func() { // not every driver heeds the end of its time
		defer close(offered)
		db, err := store.Open(ctx, url)
		if err != nil {
			return
		}
		defer func() { _ = db.Close() }()
		if found, err := do(ctx, db, before, begun); err == nil {
			offered <- found
		}
	}()
	select {
	case found := <-offered:
		return found[:min(len(found), mostCompleted)], nothing
	case <-ctx.Done():
		return nil, nothing
	}
}

func completeConnections(ctx context.Context, db *store.Store, _ []string, begun string) ([]cobra.Completion, error) {
	all, err := db.Connections(ctx)
	var found []cobra.Completion
	for i := range all {
		if strings.HasPrefix(all[i].ID, begun) {
			found = append(found, described(all[i].ID, all[i].Name+", "+all[i].State))
		}
	}
	return found, err
}

// completeReferences offers the newest payouts of the connection that stands
// before, in one of the states, or in any.
func completeReferences(states []string) completer {
	return func(ctx context.Context, db *store.Store, before []string, begun string) ([]cobra.Completion, error) {
		all, err := db.PayoutsLike(ctx, before[0], begun, states, mostCompleted)
		zone, _ := (&session{store: db}).zone(ctx, before[0])
		found := make([]cobra.Completion, len(all))
		for i, p := range all {
			found[i] = described(p.PaymentReference, day(p.Date, cmp.Or(zone, time.UTC))+", "+amount(p.Settlement, p.Currency)+", "+p.State)
		}
		return found, err
	}
}

func completeVersions(ctx context.Context, db *store.Store, before []string, begun string) ([]cobra.Completion, error) {
	all, err := db.Profiles(ctx, before[0])
	var found []cobra.Completion
	for _, p := range slices.Backward(all) {
		if version := strconv.Itoa(p.Version); strings.HasPrefix(version, begun) {
			found = append(found, described(version, p.CreatedBy+", "+p.CreatedAt.UTC().Format(time.DateOnly)))
		}
	}
	return found, err
}

// described is a value with words that a shell shows beside it. Neither may
// break the line that carries it to the shell.
func described(value, words string) cobra.Completion {
	clean := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7f {
				return ' '
			}
			return r
		}, s)
	}
	return cobra.CompletionWithDesc(clean(value), clean(words))
}
