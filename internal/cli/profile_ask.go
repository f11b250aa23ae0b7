package cli

import (
	"context"
	"maps"
	"slices"
	"strings"

	"kvitt/internal/cli/table"
	"kvitt/internal/interview"
	"kvitt/internal/operate"
)

// ask asks every question that is not given, one at a time.
func (a *app) ask(ctx context.Context, before, given interview.Answers, chart interview.Chart, codes []operate.VATCode) (interview.Answers, error) {
	answers := maps.Clone(before)
	a.say("Enter takes the answer in brackets, ? explains, - leaves an optional question open.")
	done := map[string]bool{}
	for {
		questions := interview.Questions(interview.Complete(answers, chart))
		next := slices.IndexFunc(questions, func(q interview.Question) bool { return !done[q.Key] && given[q.Key] == "" })
		if next < 0 {
			return interview.Complete(answers, chart), nil
		}
		q := questions[next]
		done[q.Key] = true
		value, err := a.askOne(ctx, q, interview.Complete(answers, chart), before[q.Key], chart, codes)
		if err != nil {
			return nil, err
		}
		if q.Key == "country" && before["country"] != "" && before["country"] != value {
			before = interview.Move(before, value)
			answers = maps.Clone(before)
		}
		answers[q.Key] = value
	}
}

func (a *app) askOne(ctx context.Context, q interview.Question, answers interview.Answers, before string, chart interview.Chart, codes []operate.VATCode) (string, error) {
	standard := before
	if standard == "" {
		standard = interview.Default(q, answers, chart)
	}
	prompt := a.paint.says(q.Text)
	if len(q.Options) > 0 {
		prompt += " (" + strings.Join(q.Options, ", ") + ")"
	}
	prompt += " [" + standard + "]: "
	if q.Kind == interview.Account {
		a.suggest(interview.Suggest(q, answers, chart))
	}
	for {
		value, err := a.console.Ask(ctx, prompt)
		switch {
		case err != nil:
			return "", err
		case value == "?":
			a.explainQuestion(q, codes)
			continue
		case value == "-" && q.Optional:
			return "", nil
		case value == "":
			value = standard
		}
		if q.Kind == interview.Account && value != "" {
			value = interview.Name(value, chart)
		}
		trial := maps.Clone(answers)
		trial[q.Key] = value
		wrong := slices.IndexFunc(interview.Check(trial), func(p *interview.AnswerError) bool { return p.Key == q.Key })
		if wrong < 0 {
			return value, nil
		}
		a.say("%s", interview.Check(trial)[wrong].Error())
	}
}

// suggest lists what is suggested, with what speaks for and against it.
func (a *app) suggest(all []interview.Suggestion) {
	t := table.New(table.Left(""), table.Left(""), table.Left(""))
	for i := range all {
		why := interview.Words(string(all[i].Reason))
		if len(all[i].Objections) > 0 {
			why = "! " + objectionWords(all[i].Objections)
		}
		t.Add("  "+all[i].Number, operate.Printable(all[i].Name), why)
	}
	_ = t.Write(a.Err) // what cannot be shown is asked for all the same
}

func (a *app) explainQuestion(q interview.Question, codes []operate.VATCode) {
	a.say("%s", table.Fold(a.paint.says(q.Help), width(a.Err), 0))
	if q.Kind != interview.Code {
		return
	}
	for i := range codes {
		a.say("  %s  %s", codes[i].Code, operate.Printable(codes[i].Description))
	}
}
