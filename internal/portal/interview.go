package portal

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"kvitt/internal/interview"
	"kvitt/internal/operate"
	"kvitt/internal/store"
	"kvitt/internal/voucher"
)

// The steps of the interview.
const (
	stepChoices  = "choices"
	stepAccounts = "accounts"
	stepReview   = "review"
)

// interviewing is a step of the interview.
type interviewing struct {
	store.Connection
	Step    string
	OnTopOf int // the version that the answers come from
	Asked   []asked
	Carried []carried // what the other steps answer
	Problem bool
	More    bool // the answers have led to more questions
	Country string
	NoChart string
	Chart   interview.Chart
	Codes   []operate.VATCode

	// Of the last step.
	Places      [][]voucher.TextLine
	ByHand      []voucher.TextLine
	Replaced    []interview.Replaced
	Unrelated   bool
	Unfitting   string // why the answers and what was changed by hand make no profile
	Against     []asked
	Unconfirmed []asked
	Same        bool
	NoTrial     string
	Reason      string
	NoReason    bool
	Outdated    string
	rehearsed
}

// asked is a question on a page.
type asked struct {
	interview.Question
	Value       string // a number, of accounts
	Name        string // of the account in the company's chart
	Problem     string // a key of the words
	Suggestions []interview.Suggestion
	Objections  []interview.Objection
}

type carried struct{ Name, Value string }

// field is the name of an answer in forms.
const field = "answer:"

func (p *Portal) interview(w http.ResponseWriter, r *http.Request) error {
	row, err := p.found(r)
	if err != nil {
		return err
	}
	at, err := p.Desk.Interview(r.Context(), &row)
	if err != nil {
		return err
	}
	page := interviewing{Connection: row, Step: stepChoices, OnTopOf: at.Version}
	p.showInterview(w, r, http.StatusOK, &page, at, at.Answers)
	return nil
}

// answerInterview takes a step's answers and shows the next step, or saves.
func (p *Portal) answerInterview(w http.ResponseWriter, r *http.Request) error {
	row, err := p.found(r)
	if err != nil {
		return err
	}
	const attempted = "answer the questions of the posting profile"
	if err := r.ParseForm(); err != nil {
		return &operate.Error{Attempted: attempted, Happened: "the form could not be read", Err: err}
	}
	at, err := p.Desk.Interview(r.Context(), &row)
	if err != nil {
		return err
	}
	page := interviewing{Connection: row, Step: r.PostFormValue("step"), Reason: strings.TrimSpace(r.PostFormValue("reason"))}
	if page.OnTopOf, err = strconv.Atoi(r.PostFormValue("on")); err != nil || !slices.Contains([]string{stepChoices, stepAccounts, stepReview}, page.Step) {
		return &operate.Error{Attempted: attempted, Happened: "the page did not say which step was answered", Helps: "Open the questions again."}
	}
	answers := answered(r, at)
	if shown := r.PostFormValue("country"); page.Step == stepChoices && shown != "" && shown != answers["country"] {
		country := answers["country"]
		answers["country"] = shown
		answers = interview.Move(answers, country)
	}
	if wrong := wrongIn(&page, answers); len(wrong) > 0 { // the step is shown again, with what was typed
		page.Problem = true
		p.showInterview(w, r, http.StatusUnprocessableEntity, &page, at, answers)
		return nil
	}
	switch do := r.PostFormValue("do"); {
	case do == "back" && page.Step == stepReview:
		page.Step = stepAccounts
	case do == "back":
		page.Step = stepChoices
	case do == "save" && page.Step == stepReview:
		return p.saveInterview(w, r, &page, at, answers)
	case page.Step == stepChoices:
		page.More = slices.ContainsFunc(interview.Choices(answers), func(q interview.Question) bool { _, there := answers[q.Key]; return !there })
		if !page.More { // what the answers have led to is asked first
			page.Step = stepAccounts
		}
	default:
		page.Step = stepReview
	}
	p.showInterview(w, r, http.StatusOK, &page, at, answers)
	return nil
}

// answered are the answers of a form. An account that was typed or picked is
// confirmed when the company's chart has it.
func answered(r *http.Request, at *operate.Interview) interview.Answers {
	answers := interview.Answers{}
	for name := range r.PostForm {
		key, ours := strings.CutPrefix(name, field)
		if !ours || key == "" {
			continue
		}
		value := strings.Join(strings.Fields(r.PostFormValue(name)), " ")
		if r.PostFormValue("typed:"+key) != "" && value != "" {
			value = interview.Name(value, at.Chart)
		}
		answers[key] = value
	}
	return answers
}

// visible are the questions of a step.
func visible(step string, answers interview.Answers) []interview.Question {
	switch step {
	case stepChoices:
		return interview.Choices(answers)
	case stepAccounts:
		return interview.Accounts(answers)
	}
	return nil
}

// wrongIn are the questions of the page's step whose answers cannot be taken.
// Those that an answer has only now led to are asked before they are missed.
func wrongIn(page *interviewing, answers interview.Answers) map[string]string {
	out := map[string]string{}
	for _, p := range interview.Check(answers) {
		for _, q := range visible(page.Step, answers) {
			if _, there := answers[q.Key]; q.Key != p.Key || !there {
				continue
			}
			out[q.Key] = "interview.problem." + string(q.Kind)
			if answers[q.Key] == "" {
				out[q.Key] = "interview.problem.missing"
			}
		}
	}
	return out
}

func (p *Portal) showInterview(w http.ResponseWriter, r *http.Request, status int, page *interviewing, at *operate.Interview, answers interview.Answers) {
	wrong := wrongIn(page, answers)
	if !page.Problem {
		answers = interview.Complete(answers, at.Chart)
	}
	page.Country = answers["country"]
	page.NoChart, page.Chart, page.Codes = at.NoChart, at.Chart, at.Codes
	shown := map[string]bool{}
	for _, q := range visible(page.Step, answers) {
		shown[q.Key] = true
		page.Asked = append(page.Asked, ask(q, answers, at.Chart, wrong[q.Key]))
	}
	for _, key := range slices.Sorted(maps.Keys(answers)) {
		if !shown[key] {
			page.Carried = append(page.Carried, carried{field + key, answers[key]})
		}
	}
	if page.Step == stepReview {
		p.reviewInterview(r.Context(), page, at, answers)
	}
	p.show(w, r, status, "interview", page)
}

func ask(q interview.Question, answers interview.Answers, chart interview.Chart, problem string) asked {
	out := asked{Question: q, Value: answers[q.Key], Problem: problem}
	if q.Kind == interview.Account {
		chosen := answers.Account(q.Key)
		out.Value, out.Name = chosen.Number, chosen.Name
		out.Suggestions, out.Objections = interview.Suggest(q, answers, chart), interview.Objections(q, answers, chart)
	}
	return out
}

// reviewInterview shows what the answers change: in the document, and in the
// voucher of the latest payout that is proven.
func (p *Portal) reviewInterview(ctx context.Context, page *interviewing, at *operate.Interview, answers interview.Answers) {
	for _, q := range interview.Accounts(answers) {
		one := ask(q, answers, at.Chart, "")
		if len(one.Objections) > 0 {
			page.Against = append(page.Against, one)
		}
		if answers.Account(q.Key).Unconfirmed {
			page.Unconfirmed = append(page.Unconfirmed, one)
		}
	}
	revision, err := interview.Update(at.Document, answers)
	var profile *voucher.Profile
	if err == nil {
		profile, err = voucher.ParseProfile(revision.Document)
	}
	if err != nil {
		page.Unfitting = operate.Sentence(err)
		return
	}
	page.Same = string(revision.Document) == string(at.Document)
	page.Places = voucher.Near(voucher.CompareText(string(at.Document), string(revision.Document)), 1)
	page.ByHand, page.Replaced, page.Unrelated = revision.ByHand, revision.Replaced, revision.Unrelated
	got, err := p.Desk.Rehearse(ctx, &page.Connection, operate.Latest, profile)
	if err != nil {
		page.NoTrial = operate.Sentence(err)
		return
	}
	page.rehearsed = rehearsedOf(got)
}

func (p *Portal) saveInterview(w http.ResponseWriter, r *http.Request, page *interviewing, at *operate.Interview, answers interview.Answers) error {
	answers = interview.Complete(answers, at.Chart)
	revision, err := interview.Update(at.Document, answers)
	var profile *voucher.Profile
	if err == nil {
		profile, err = voucher.ParseProfile(revision.Document)
	}
	if page.NoReason = page.Reason == ""; err != nil || page.NoReason {
		p.showInterview(w, r, http.StatusUnprocessableEntity, page, at, answers)
		return nil
	}
	_, err = p.Desk.SetProfile(r.Context(), &page.Connection, profile, store.Revision{
		Document: revision.Document, Who: by(r), Reason: page.Reason, OnTopOf: page.OnTopOf,
	})
	switch {
	case errors.Is(err, store.ErrOutdated):
		page.Outdated = operate.Sentence(err)
		p.showInterview(w, r, http.StatusConflict, page, at, answers)
		return nil
	case err != nil:
		return err
	case page.Start == "":
		return done(w, r, "/connections/"+page.ID+"/verify", "profile")
	}
	return done(w, r, "/connections/"+page.ID+"/profile", "profile")
}
