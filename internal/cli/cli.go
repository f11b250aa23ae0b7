package cli

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"kvitt/internal/build"
	"kvitt/internal/cli/table"
	"kvitt/internal/config"
	"kvitt/internal/operate"
	"kvitt/internal/vault"
)

// Streams are where a command reads from and writes to.
type Streams struct {
	In  io.Reader
	Out io.Writer // what was asked for
	Err io.Writer // what is told besides: progress, warnings, errors
}

// Run carries out one command line, without the name of the program, and
// returns its exit status. The settings come from the environment. Cancelling
// ctx is Ctrl-C.
func Run(ctx context.Context, args []string, s Streams) int {
	return newApp(s).run(ctx, args)
}

// app is one run of the command line, with everything outside that it touches.
type app struct {
	Streams
	console console
	output  string  // table or json
	paint   painter // for standard output
	aside   painter // for standard error
	who     string  // who gives the command, for the audit trail

	now    func() time.Time
	random func() string // for a part of an id
	every  time.Duration // between two looks at a workflow; 0: what suits
	// patience limits how long a worker may take to show up at Temporal.
	patience time.Duration
	http     *http.Client // nil: one of the clients' own
	dial     func(context.Context, *config.Config, *vault.Keyring) (operate.Temporal, error)
}

// How long a worker that has just started may take to show up at Temporal, and
// how often that is looked at.
const (
	workersWithin = 8 * time.Second
	workersEvery  = 250 * time.Millisecond
)

func newApp(s Streams) *app {
	colours := os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return &app{
		Streams: s,
		console: newTerminal(s.In, s.Err),
		paint:   painter{on: colours && isTerminal(s.Out)},
		aside:   painter{on: colours && isTerminal(s.Err)},
		who:     currentUser(),
		now:     time.Now,
		random:  rand.Text,
		dial:    operate.Dial,

		patience: workersWithin,
	}
}

// currentUser is who is logged in to the operating system.
func currentUser() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	for _, name := range []string{"USER", "LOGNAME", "USERNAME"} {
		if who := os.Getenv(name); who != "" {
			return who
		}
	}
	return "unknown"
}

func (a *app) run(ctx context.Context, args []string) int {
	root := a.rootCommand()
	root.SetArgs(args)
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	command, err := root.ExecuteContextC(ctx)
	var usage *UsageError
	if errors.As(err, &usage) && usage.Command == "" {
		usage.Command = command.CommandPath()
	}
	explain(a.Err, err, a.aside)
	return status(err)
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "starter",
		Short: "Set up, run and inspect Kvitt",
		Long: `Kvitt keeps a company's books in Visma.net in step with its Klarna payouts.

Settings come from KVITT_… and TEMPORAL_… variables; see ` + "`starter help environment`" + `.

Commands, ids, references and states complete in your shell after
` + "`source <(starter completion bash)`" + `; zsh, fish and powershell have it too.

Exit status: 0 done, 1 failed, 2 wrong usage, 3 done but something is held.`,
		Example: `  starter try --payout payout.json --transactions transactions.json
  starter setup
  starter connection create --name "Nordisk Webbhandel" --profile se-bas
  starter backfill k3x9-m2qp --from 2026-01-01 --to 2026-01-31 --dry-run`,
		Version:       build.Read().String(),
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if a.output != "table" && a.output != "json" {
				return usagef("--output is %q; it is table or json", a.output)
			}
			return nil
		},
	}
	root.PersistentFlags().StringVar(&a.output, "output", "table", "`FORMAT`: table for people, or json for programs: one document on standard output")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return &UsageError{Words: err.Error(), Command: c.CommandPath()}
	})
	root.SetVersionTemplate("starter {{.Version}}\n")
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(
		a.tryCommand(), a.setupCommand(), a.keysetCommand(), a.connectionCommand(), a.profileCommand(),
		a.syncCommand(), a.backfillCommand(), a.payoutCommand(), a.reportCommand(), a.accrueCommand(), a.openingCommand(), a.findCommand(), a.exportCommand(), a.auditCommand(), a.portalCommand(), a.notifyCommand(), a.doctorCommand(), a.backupCommand(), environmentTopic(),
	)
	group(root)
	a.completions(root)
	narrowHelp(root)
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages", fmt.Sprintf(".FlagUsagesWrapped %d", helpColumns)))
	return root
}

// group makes a command that only has others below it: alone it shows its
// help, and an unknown one is an error of usage.
func group(c *cobra.Command) *cobra.Command {
	c.Args = cobra.ArbitraryArgs
	c.SuggestionsMinimumDistance = 2
	c.FParseErrWhitelist.UnknownFlags = c.Name() != "starter" // they belong to a command that is not there
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 && c.HasParent() {
			var names []string
			for _, sub := range c.Commands() {
				if sub.IsAvailableCommand() {
					names = append(names, sub.Name())
				}
			}
			return usagef("`%s` needs one of %s after it", c.CommandPath(), strings.Join(names, ", "))
		}
		if len(args) == 0 {
			return c.Help()
		}
		words := fmt.Sprintf("`%s` has no command %q", c.CommandPath(), args[0])
		if like := c.SuggestionsFor(args[0]); len(like) > 0 {
			words += "; did you mean " + strings.Join(like, " or ") + "?"
		}
		return usagef("%s", words)
	}
	return c
}

// narrowHelp breaks the paragraphs of help that are too wide.
func narrowHelp(c *cobra.Command) {
	for _, sub := range c.Commands() {
		narrowHelp(sub)
	}
	if c.Long == "" && utf8.RuneCountInString(c.Short) > helpColumns {
		c.Long = c.Short
	}
	paragraphs := strings.Split(c.Long, "\n\n")
	for i, p := range paragraphs {
		wide := slices.ContainsFunc(strings.Split(p, "\n"), func(line string) bool { return utf8.RuneCountInString(line) > helpColumns })
		if wide && !strings.Contains(p, "\n ") { // not a list
			paragraphs[i] = table.Fold(strings.Join(strings.Fields(p), " "), helpColumns, 0)
		}
	}
	c.Long = strings.Join(paragraphs, "\n\n")
}

// exactly checks the arguments of a command by name.
func exactly(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < len(names) {
			return &UsageError{Words: fmt.Sprintf("`%s` needs %s", c.CommandPath(), strings.Join(names[len(args):], " and ")), Command: c.CommandPath()}
		}
		if len(args) > len(names) {
			return &UsageError{Words: fmt.Sprintf("`%s` does not know what to do with %q", c.CommandPath(), args[len(names)]), Command: c.CommandPath()}
		}
		return nil
	}
}

// helpColumns is the widest that a page of help may be.
const helpColumns = 80

// environmentTopic is a page of help about the settings.
func environmentTopic() *cobra.Command {
	page := config.Page(func(words string, indent int) string { return table.Fold(words, helpColumns, indent) })
	return &cobra.Command{Use: "environment", Short: "Explain the settings", Long: page + "\nNO_COLOR turns colours off."}
}

func (a *app) json() bool { return a.output == "json" }

// show writes what was asked for: the document for programs, or what table
// writes for people.
func (a *app) show(document any, table func(w io.Writer) error) error {
	if !a.json() {
		return table(a.Out)
	}
	e := json.NewEncoder(a.Out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(document); err != nil {
		return fmt.Errorf("write the document: %w", err)
	}
	return nil
}

// say tells a person something besides.
func (a *app) say(format string, args ...any) {
	for line := range strings.Lines(fmt.Sprintf(format, args...)) {
		fmt.Fprintln(a.Err, table.Fold(strings.TrimSuffix(line, "\n"), width(a.Err), 0))
	}
}

// confirm asks for a word. Where nobody can be asked, yes has to be given.
func (a *app) confirm(ctx context.Context, yes bool, question, word string) error {
	switch {
	case yes:
		return nil
	case !a.console.Attended():
		return usagef("%s Nobody can be asked here; --yes says that it is meant", question)
	}
	answer, err := a.console.Ask(ctx, fmt.Sprintf("%s\nType %s to go on: ", question, word))
	if err != nil {
		return err
	}
	if !strings.EqualFold(answer, word) {
		return &operate.Error{Attempted: "confirm", Happened: fmt.Sprintf("the answer was %q, so nothing was done", answer)}
	}
	return nil
}
