package activities

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"time"

	"github.com/goccy/go-yaml"

	"kvitt/internal/lang"
	"kvitt/internal/settlement"
	"kvitt/internal/voucher"
)

// attached writes the texts that hang on batches in the language of the posting
// profile. English is written as the first release wrote it, byte for byte; nothing
// may be compared by such a text, or depend on it.
type attached struct {
	provider string
	language voucher.Language
	zone     *time.Location
}

// attached is for a connection: in English and UTC where its profile cannot be read, of
// which compiling says what is wrong.
func (v *Visma) attached(ctx context.Context, connection string) (attached, error) {
	row, err := v.Store.Connection(ctx, connection)
	if err != nil {
		return attached{}, err
	}
	a := attached{provider: providerName(&row), zone: time.UTC}
	if profile, _, err := v.Doors.Profile(ctx, connection, 0); err == nil {
		a.language, a.zone = profile.Language, profile.Location()
	}
	return a, nil
}

//go:embed attached.yaml
var attachedFile []byte

// attachedWords are part of the program, so a fault in them is one of the build, which
// a test would show.
var attachedWords = readAttached()

func readAttached() map[string]map[voucher.Language]string {
	var all map[string]map[voucher.Language]string
	_ = yaml.Unmarshal(attachedFile, &all)
	return all
}

// say is an English sentence in the language, in English where there is none.
func (a attached) say(english string, args ...any) string {
	return fmt.Sprintf(cmp.Or(attachedWords[english][a.language], english), args...)
}

// other translates a sentence made elsewhere: in the language where the pages speak it.
func (a attached) other(text string) string { return lang.Language(a.language).In(text) }

func (a attached) english() bool { return a.language == "" || a.language == "en" }

// money is an amount in minor units, without its currency.
func (a attached) money(minor int64, currency settlement.Currency) string {
	if a.english() {
		return settlement.Format(minor, currency)
	}
	return lang.Language(a.language).Money(minor, string(currency))
}

func (a attached) number(n int64) string {
	text := strconv.FormatInt(n, 10)
	if a.english() {
		return text
	}
	return lang.Language(a.language).Decimal(text)
}
