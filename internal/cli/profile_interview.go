package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"kvitt/internal/interview"
	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
)

// interviewing holds what `profile interview` was given.
type interviewing struct {
	file, country, reason, payout string
	yes                           bool
}

func (a *app) profileInterviewCommand() *cobra.Command {
	var in interviewing
	c := &cobra.Command{
		Use:   "interview [ID]",
		Short: "Make a posting profile out of answers to questions",
		Long: `Make a posting profile out of answers to about ten questions, and set it for the
connection ID. Accounts are suggested from the company's own chart; a number that
nobody has looked up there is marked as unconfirmed in the document. The answers
stand in the document as comments and are the defaults the next time; what else was
changed in it by hand is kept.

Questions are asked one at a time: Enter takes the answer in brackets, ? explains,
- leaves a question unanswered where that is allowed. With --answers they come from
a file of lines "KEY: VALUE", and the rest from the profile or its defaults.

At the end the change is shown, with the voucher of a payout old against new where
one is proven. The profile is set after a yes, or with --yes. Without an ID no
connection is needed, and the document is printed.`,
		Example: `  starter profile interview k3x9-m2qp
  starter profile interview k3x9-m2qp --answers answers.txt --reason "fees on 6040" --yes
  starter profile interview --country se > profile.yaml`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return exactly("the id of a connection")(c, args)
		},
	}
	f := c.Flags()
	f.StringVar(&in.file, "answers", "", "take the answers from a `FILE` and ask nothing")
	f.StringVar(&in.country, "country", "", "answer the first question: the `COUNTRY` se, no, fi or dk")
	f.StringVar(&in.reason, "reason", "", "why, for whoever reads the history: a `REASON`")
	f.StringVar(&in.payout, "payout", operate.Latest, "the payout `REF` whose voucher is shown old against new")
	f.BoolVar(&in.yes, "yes", false, "set the profile without asking")
	c.RunE = func(c *cobra.Command, args []string) error {
		given, err := in.given()
		if err != nil {
			return err
		}
		if len(args) == 0 {
			return a.interviewForNobody(c.Context(), &in, given)
		}
		return a.local(func(ctx context.Context, s *session, args []string) error {
			return s.interview(ctx, args[0], &in, given)
		})(c, args)
	}
	return c
}

// given reads the answers that the command line gives.
func (in *interviewing) given() (interview.Answers, error) {
	given := interview.Answers{}
	if in.file != "" {
		text, err := os.ReadFile(in.file)
		if err != nil {
			return nil, unreadable("answers", in.file, err, "")
		}
		if given, err = interview.Parse(text); err != nil {
			return nil, &operate.Error{Attempted: "read the answers " + in.file, Happened: err.Error(), Err: err}
		}
	}
	if in.country != "" {
		given["country"] = strings.ToLower(in.country)
	}
	return given, nil
}

// interviewed answers `profile interview`.
type interviewed struct {
	Connection  string                 `json:"connection,omitempty"`
	Version     int                    `json:"version,omitempty"` // of the profile that was changed
	Answers     interview.Answers      `json:"answers"`
	Unconfirmed []string               `json:"unconfirmed"` // questions whose account nobody has looked up
	Objections  []interviewedObjection `json:"objections"`
	Document    string                 `json:"document"`
	Changed     bool                   `json:"changed"`
	Unrelated   bool                   `json:"unrelated,omitempty"` // the document before was not made by the interview
	ByHand      []voucher.TextLine     `json:"by_hand,omitempty"`
	Replaced    []interview.Replaced   `json:"replaced,omitempty"`
	Preview     *profilePreview        `json:"preview,omitempty"`
	Set         *profileSet            `json:"set,omitempty"` // nil: nothing was set
}

// interviewedObjection holds what speaks against an account that was answered.
type interviewedObjection struct {
	Key        string                `json:"key"`
	Account    string                `json:"account"`
	Objections []interview.Objection `json:"objections"`
}

// interviewForNobody prints the document that answers make.
func (a *app) interviewForNobody(ctx context.Context, in *interviewing, given interview.Answers) error {
	answers := interview.Complete(given, nil)
	switch {
	case in.file == "" && a.console.Attended() && in.country == "":
		var err error
		if answers, err = a.ask(ctx, given, given, nil, nil); err != nil {
			return err
		}
	case given["country"] == "":
		return usagef("--country is required: se, no, fi or dk; or name a connection, or a file of --answers")
	}
	if err := checked(answers, given); err != nil {
		return err
	}
	document, err := interview.Document(answers)
	if err != nil {
		return err
	}
	if _, err := parseProfile("that the answers make", document); err != nil {
		return err
	}
	out := interviewed{Answers: answers, Unconfirmed: keysOf(answers.Unconfirmed()), Objections: []interviewedObjection{}, Document: string(document), Changed: true}
	return a.show(&out, func(w io.Writer) error {
		if n := len(out.Unconfirmed); n > 0 {
			a.say("%s are unconfirmed: nobody has looked them up in the company's chart.", counted(n, "account"))
		}
		_, err := w.Write(document)
		return err
	})
}

// checked says in one error what answers cannot be taken. Those that were given
// and lead to no question are among them.
func checked(answers, given interview.Answers) error {
	all := maps.Clone(answers)
	for key, value := range given {
		if _, there := all[key]; !there && value != "" {
			all[key] = value
		}
	}
	var words []string
	for _, p := range interview.Check(all) {
		words = append(words, p.Error())
	}
	if len(words) > 0 {
		return usagef("%s", strings.Join(words, "\n"))
	}
	return nil
}

func keysOf(all []interview.Question) []string {
	keys := make([]string, len(all))
	for i := range all {
		keys[i] = all[i].Key
	}
	return keys
}

func (s *session) interview(ctx context.Context, id string, in *interviewing, given interview.Answers) error {
	row, err := s.connection(ctx, id)
	if err != nil {
		return err
	}
	at, err := s.desk().Interview(ctx, &row)
	if err != nil {
		return err
	}
	if at.NoChart != "" {
		s.say("%s The company's accounts are not known: %s Accounts stay unconfirmed.", s.aside.warn("Note:"), operate.Finish(at.NoChart))
	}
	before := maps.Clone(at.Answers)
	if country := given["country"]; country != "" && before["country"] != "" {
		before = interview.Move(before, country)
	}
	for key, value := range given {
		if strings.HasPrefix(key, "account.") || strings.HasPrefix(key, "merchant.") && !strings.HasSuffix(key, ".branch") {
			value = interview.Name(value, at.Chart)
		}
		before[key] = value
	}
	answers := interview.Complete(before, at.Chart)
	if in.file == "" && s.console.Attended() {
		if answers, err = s.ask(ctx, before, given, at.Chart, at.Codes); err != nil {
			return err
		}
	}
	if err := checked(answers, given); err != nil {
		return err
	}
	revision, err := interview.Update(at.Document, answers)
	if err != nil {
		return unreadableRevision(err)
	}
	profile, err := voucher.ParseProfile(revision.Document)
	if err != nil {
		return unreadableRevision(err)
	}
	out := interviewed{
		Connection: id, Version: at.Version, Answers: answers, Unconfirmed: keysOf(answers.Unconfirmed()), Objections: objectionsOf(answers, at.Chart),
		Document: string(revision.Document), Changed: string(revision.Document) != string(at.Document),
		Unrelated: revision.Unrelated, ByHand: revision.ByHand, Replaced: revision.Replaced,
	}
	rehearsal, err := s.desk().Rehearse(ctx, &row, in.payout, profile)
	var nothing *operate.Error
	switch {
	case errors.As(err, &nothing): // none is proven yet, or the company is not known
	case err != nil:
		return err
	default:
		p := previewOf(id, rehearsal)
		out.Preview = &p
	}
	if !s.json() {
		if err := s.writeInterviewed(&out, at, rehearsal); err != nil {
			return err
		}
	}
	if out.Changed {
		if out.Set, err = s.setInterviewed(ctx, &row, in, at.Version, profile, revision.Document); err != nil {
			return err
		}
	}
	return s.show(&out, func(w io.Writer) error {
		if out.Set == nil {
			words := "Nothing was set; --yes sets it."
			if !out.Changed {
				words = "The answers change nothing."
			}
			_, err := fmt.Fprintln(w, words)
			return err
		}
		_, err := fmt.Fprintf(w, "The connection %s uses version %d of its profile (%s).\n", id, out.Set.Version, profile.Name)
		return err
	})
}

func unreadableRevision(err error) error {
	return &operate.Error{
		Attempted: "put the answers into the profile", Happened: err.Error(), Err: err,
		Helps: "What was changed in it by hand does not fit the answers; correct it with `starter profile set` first.",
	}
}

// setInterviewed sets the profile after a yes; nil: nobody has said yes.
func (s *session) setInterviewed(ctx context.Context, row *store.Connection, in *interviewing, version int, profile *voucher.Profile, document []byte) (*profileSet, error) {
	if !in.yes {
		if !s.console.Attended() {
			return nil, nil
		}
		answer, err := s.console.Ask(ctx, "Set this profile? Type yes, or anything else to set nothing: ")
		if err != nil || !strings.EqualFold(answer, "yes") {
			return nil, err
		}
		if in.reason == "" {
			if in.reason, err = s.console.Ask(ctx, "Why, for whoever reads the history: "); err != nil {
				return nil, err
			}
		}
	}
	if in.reason == "" {
		in.reason = "the answers of the interview"
	}
	if err := s.reach(ctx); err != nil {
		return nil, err
	}
	if err := s.staffed(ctx, "set the posting profile of the connection "+row.ID); err != nil {
		return nil, err
	}
	got, err := s.desk().SetProfile(ctx, row, profile, store.Revision{Document: document, Who: s.who, Reason: in.reason, OnTopOf: version})
	if err != nil {
		return nil, err
	}
	return &profileSet{row.ID, got.Version, profile.Hash(), got.Posting, got.Told}, nil
}

func objectionsOf(a interview.Answers, chart interview.Chart) []interviewedObjection {
	out := []interviewedObjection{}
	for _, q := range interview.Accounts(a) {
		if against := interview.Objections(q, a, chart); len(against) > 0 {
			out = append(out, interviewedObjection{q.Key, a.Account(q.Key).Number, against})
		}
	}
	return out
}

// writeInterviewed shows what the answers change.
func (s *session) writeInterviewed(out *interviewed, at *operate.Interview, rehearsal *operate.Rehearsal) error {
	w := s.Out
	if out.Unrelated {
		fmt.Fprintf(w, "%s The profile in use was not made by the interview. This one takes its place as a whole.\n\n", s.paint.warn("Note:"))
	}
	for i, place := range voucher.Near(voucher.CompareText(string(at.Document), out.Document), 1) {
		if i > 0 {
			fmt.Fprintln(w, "…")
		}
		for _, line := range place {
			fmt.Fprintln(w, strings.TrimRight(map[voucher.Change]string{voucher.Added: "+ ", voucher.Removed: "- ", voucher.Same: "  "}[line.Change]+line.Text, " "))
		}
	}
	if n := len(out.ByHand); n > 0 {
		fmt.Fprintf(w, "\n%s changed by hand before are kept.\n", counted(n, "line"))
	}
	for _, r := range out.Replaced {
		fmt.Fprintf(w, "\n%s An answer takes the place of what was changed by hand:\n%s\n", s.paint.warn("Note:"), r.Hand)
	}
	for _, o := range out.Objections {
		fmt.Fprintf(w, "%s %s, %s: %s.\n", s.paint.warn("Check:"), o.Key, o.Account, objectionWords(o.Objections))
	}
	if n := len(out.Unconfirmed); n > 0 {
		fmt.Fprintf(w, "%s Not looked up in the company's chart: %s.\n", s.paint.warn("Unconfirmed:"), strings.Join(out.Unconfirmed, ", "))
	}
	fmt.Fprintln(w)
	if rehearsal == nil {
		return nil
	}
	return writeRehearsal(w, rehearsal, s.paint)
}

func objectionWords(all []interview.Objection) string {
	words := make([]string, len(all))
	for i, o := range all {
		words[i] = interview.Words(string(o))
	}
	return strings.Join(words, "; ")
}
