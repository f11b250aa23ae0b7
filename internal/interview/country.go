package interview

import (
	"regexp"
	"slices"

	"kvitt/internal/voucher"
)

// country holds what follows from where the books are kept.
type country struct {
	tag, currency, language string
	charts                  []chartYear
	reverseCharge           []string // its answers, the usual one first
	bank                    string   // the usual number of the bank account
}

// chartYear is a year of a country's chart, and the preset that holds for it.
type chartYear struct{ tag, preset string }

// undecided is the order where it is not settled what Klarna charges.
var undecided = []string{"open", "owed", "none"}

var countries = []country{
	{"se", "SEK", "sv", []chartYear{{"bas-2026", "se-bas"}, {"bas-older", "se-bas-2025"}}, []string{"none", "open", "owed"}, "1930"},
	{"no", "NOK", "nb", []chartYear{{"ns4102", "no-ns4102"}}, undecided, "1920"},
	{"fi", "EUR", "fi", []chartYear{{"fi", "fi"}}, undecided, "1910"},
	{"dk", "DKK", "da", []chartYear{{"dk", "dk"}}, undecided, "6480"},
}

var languageTags = []string{"sv", "nb", "fi", "da", "en"}

func countryTags() []string {
	var tags []string
	for _, c := range countries {
		tags = append(tags, c.tag)
	}
	return tags
}

// countryOf is the country of the answers, the first one until it is answered.
func countryOf(a Answers) country {
	i := slices.IndexFunc(countries, func(c country) bool { return c.tag == a["country"] })
	return countries[max(i, 0)]
}

func (c country) chartTags() []string {
	var tags []string
	for _, y := range c.charts {
		tags = append(tags, y.tag)
	}
	return tags
}

// languages are those of vouchers, the country's own first.
func (c country) languages() []string {
	return append([]string{c.language}, slices.DeleteFunc(slices.Clone(languageTags), func(l string) bool { return l == c.language })...)
}

// preset is the name of the preset that the answers begin with.
func (a Answers) preset() string {
	c := countryOf(a)
	for _, y := range c.charts {
		if y.tag == a["chart"] {
			return y.preset
		}
	}
	return c.charts[0].preset
}

// What a preset says of what is not in force in it: the reverse charge that it
// shows, and what its accrual names.
var (
	shownReverse = regexp.MustCompile(`reverse_charge: \{rate: "([0-9.]+)", input: "([0-9]+)", output: "([0-9]+)", base: "([0-9]+)", base_contra: "([0-9]+)"\}`)
	shownAccrual = regexp.MustCompile(`(?m)^accrual: \{receivable: "([0-9]+)", vat: "([0-9]+)"\}$`)
)

// shown are the numbers of a preset for the roles that are not under `accounts`,
// and the rate of its reverse charge as "rate".
func shown(preset string) map[string]string {
	document, err := voucher.Preset(preset)
	if err != nil {
		return nil
	}
	out := map[string]string{}
	read := func(pattern *regexp.Regexp, names ...string) {
		if m := pattern.FindSubmatch(document); m != nil {
			for i, name := range names {
				out[name] = string(m[i+1])
			}
		}
	}
	read(shownReverse, "rate", "reverse_input", "reverse_output", "reverse_base", "reverse_contra")
	read(shownAccrual, "accrual", "accrual_vat")
	return out
}
