package portal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime/multipart"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"kvitt/internal/klarna"
	"kvitt/internal/try"
	"kvitt/internal/voucher"
)

const tryPath = "/try"

// What trials may cost. Rows take some 700 bytes each.
const (
	mostTrial   = 256 << 20 // bytes of an upload
	trialWithin = 2 * time.Minute
	trialsBusy  = 2        // at once, over all people
	mostValue   = 64 << 10 // bytes of a field, or of a posting profile
)

// trying is the form of a trial, and what came of it.
type trying struct {
	Presets                        []string
	Preset, Provider, Closing, Day string

	Problem string             // a key of the words
	File    *try.FileError     // what is wrong with a file
	Profile *trialProfileError // what is wrong with the profile that was chosen
	Answer  *try.Answer
	at      voucher.Date
	closing *int64
	profile *voucher.Profile
}

// trialProfileError is a posting profile that cannot be read.
type trialProfileError struct {
	Name string
	voucher.ProfileError
}

func newTrying() *trying {
	return &trying{Presets: voucher.Presets(), Preset: voucher.Presets()[0], Provider: "klarna"}
}

func (p *Portal) tryPage(w http.ResponseWriter, r *http.Request) error {
	p.show(w, r, http.StatusOK, "try", newTrying())
	return nil
}

// tryDocuments tries the documents while they are uploaded. Nothing of them is
// kept, in memory or anywhere else.
func (p *Portal) tryDocuments(w http.ResponseWriter, r *http.Request) error {
	form := newTrying()
	select {
	case p.trials <- struct{}{}:
		defer func() { <-p.trials }()
	default:
		form.Problem = "try.problem.busy"
		p.show(w, r, http.StatusServiceUnavailable, "try", form)
		return nil
	}
	ctx, cancel := context.WithTimeout(r.Context(), trialWithin)
	defer cancel()
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(trialWithin)) // ctx ends it too, but not in the middle of a pause
	parts, err := r.MultipartReader()
	if err == nil {
		err = form.run(ctx, parts)
	}
	_, _ = io.Copy(io.Discard, r.Body) // a browser shows no answer before it has sent everything
	status := http.StatusOK
	var large *http.MaxBytesError
	switch {
	case err == nil && form.Answer == nil:
		status = http.StatusUnprocessableEntity
	case err == nil:
	case errors.As(err, &large):
		status, form.Problem = http.StatusRequestEntityTooLarge, "try.problem.large"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		status, form.Problem = http.StatusRequestTimeout, "try.problem.slow"
	case errors.As(err, &form.File):
		status = http.StatusUnprocessableEntity
	default:
		status, form.Problem = http.StatusBadRequest, "try.problem.form"
	}
	p.show(w, r, status, "try", form)
	return nil
}

// run reads the form part by part: first what was chosen, then the payout, then
// the transactions.
func (f *trying) run(ctx context.Context, parts *multipart.Reader) error {
	payout, err := f.choices(parts)
	if err != nil || f.Problem != "" || f.Profile != nil {
		return err
	}
	given := 0
	input := try.Input{
		Payout: document(payout), Profile: f.profile, Provider: klarna.Provider(f.Provider), ClosingDebt: f.closing, AccrueAt: f.at,
		Transactions: files(parts, &given),
	}
	f.Answer, err = try.Run(ctx, &input)
	var wrong *try.FileError
	if given == 0 && errors.As(err, &wrong) && wrong.File == try.NoFile {
		f.Problem = "try.problem.transactions"
		return nil
	}
	return err
}

// choices reads the fields before the payout, and gives the part that it is in.
func (f *trying) choices(parts *multipart.Reader) (*multipart.Part, error) {
	own, ownName := []byte(nil), ""
	for {
		part, err := parts.NextPart()
		if err == io.EOF { //nolint:errorlint // a wrapped one is no end
			f.Problem = "try.problem.payout"
			return nil, nil //nolint:nilnil // the form says what is missing
		}
		if err != nil {
			return nil, fmt.Errorf("read the form: %w", err)
		}
		switch name := part.FormName(); {
		case name == "payout" && part.FileName() == "":
			f.Problem = "try.problem.payout"
			return nil, nil //nolint:nilnil // the form says what is missing
		case name == "payout":
			f.check(own, ownName)
			return part, nil
		case name == "profile" && part.FileName() == "":
			continue
		}
		value, err := io.ReadAll(io.LimitReader(part, mostValue+1))
		if err != nil {
			return nil, fmt.Errorf("read the form: %w", err)
		}
		text := strings.TrimSpace(string(value))
		switch part.FormName() {
		case "preset":
			f.Preset = text
		case "provider":
			f.Provider = text
		case "closing":
			f.Closing = text
		case "day":
			f.Day = text
		case "profile":
			own, ownName = value, part.FileName()
		}
	}
}

// check reads what was chosen.
func (f *trying) check(own []byte, ownName string) {
	if !slices.Contains(f.Presets, f.Preset) || f.Provider != "klarna" && f.Provider != "kustom" {
		f.Preset, f.Provider, f.Problem = f.Presets[0], "klarna", "new.problem.choice"
		return
	}
	if f.Closing != "" {
		n, err := strconv.ParseInt(f.Closing, 10, 64)
		if err != nil || n < 0 {
			f.Problem = "try.problem.closing"
			return
		}
		f.closing = &n
	}
	if f.Day != "" {
		var err error
		if f.at, err = voucher.ParseDate(f.Day); err != nil {
			f.Problem = "try.problem.day"
			return
		}
	}
	var err error
	if ownName == "" {
		ownName = f.Preset
		own, err = voucher.Preset(f.Preset)
	}
	if err == nil {
		f.profile, err = voucher.ParseProfile(own)
	}
	var wrong *voucher.ProfileError
	switch {
	case errors.As(err, &wrong):
		f.Profile = &trialProfileError{ownName, *wrong}
	case err != nil:
		f.Problem = "try.problem.form"
	}
}

func document(part *multipart.Part) try.Document {
	return try.Document{Name: part.FileName(), Reader: part}
}

// files are the parts with transactions. Given counts them.
func files(parts *multipart.Reader, given *int) iter.Seq2[try.Document, error] {
	return func(yield func(try.Document, error) bool) {
		for {
			part, err := parts.NextPart()
			if err == io.EOF { //nolint:errorlint // a wrapped one is no end
				return
			}
			if err != nil {
				yield(try.Document{}, fmt.Errorf("read the form: %w", err))
				return
			}
			if part.FormName() != "transactions" || part.FileName() == "" {
				continue
			}
			*given++
			if !yield(document(part), nil) {
				return
			}
		}
	}
}
