package voucher

import (
	"embed"

	"github.com/goccy/go-yaml"
)

// Language is one in which vouchers can be written, as its ISO 639-1 code.
type Language string

// The languages. English is used where a profile names none.
const (
	english   Language = "en"
	swedish   Language = "sv"
	norwegian Language = "nb"
	finnish   Language = "fi"
	danish    Language = "da"
)

// Languages are those in which vouchers can be written.
func Languages() []string {
	return []string{string(english), string(swedish), string(norwegian), string(finnish), string(danish)}
}

// phrasebook holds what vouchers say in a language.
type phrasebook struct {
	texts texts             // by member, those of `texts` and what only Kvitt writes
	rules map[string]string // by kind of rows
}

//go:embed texts/*.yaml
var textFiles embed.FS

var languages = readLanguages()

// readLanguages reads the embedded texts. They are part of the program, so a fault
// in them is one of the build, which a test would show.
func readLanguages() map[Language]phrasebook {
	all := map[Language]phrasebook{}
	for _, name := range Languages() {
		document, err := textFiles.ReadFile("texts/" + name + ".yaml")
		if err != nil {
			continue
		}
		var read struct {
			Texts texts             `yaml:"texts"`
			Rules map[string]string `yaml:"rules"`
		}
		if err := yaml.Unmarshal(document, &read); err != nil {
			continue
		}
		all[Language(name)] = phrasebook{read.Texts, read.Rules}
	}
	return all
}

// text returns what Kvitt writes where a profile has no text of its own.
func (l Language) text(member string) string {
	if l == "" {
		l = english
	}
	return languages[l].texts[member]
}

// rules are the texts of kinds of rows. A profile without a language has none:
// those of the first release had a text in each rule, and words made of Klarna's
// names where they had not.
func (l Language) rules() map[string]string { return languages[l].rules }

func (v value) language() (Language, error) {
	name, err := v.oneOf(Languages()...)
	if err != nil {
		return "", err
	}
	return Language(name), nil
}
