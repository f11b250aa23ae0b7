package interview

import "slices"

// country is what follows from where the books are kept.
type country struct {
	tag, currency, language, rate string
	charts                        []chartYear
	reverseCharge                 []string          // its answers, the usual one first
	bank                          string            // the usual number of the bank account
	reverse                       map[string]string // the usual numbers of a reverse charge, by role
}

// chartYear is a year of a country's chart, and the preset that holds for it.
type chartYear struct{ tag, preset string }

// undecided is the order where it is not settled what Klarna charges.
var undecided = []string{"open", "owed", "none"}

var countries = []country{
	{"se", "SEK", "sv", "25", []chartYear{{"bas-2026", "se-bas"}, {"bas-older", "se-bas-2025"}}, []string{"none", "open", "owed"}, "1930", map[string]string{"reverse_input": "2645", "reverse_output": "2614", "reverse_base": "4535", "reverse_contra": "4598"}},
	{"no", "NOK", "nb", "25", []chartYear{{"ns4102", "no-ns4102"}}, undecided, "1920", map[string]string{"reverse_input": "2714", "reverse_output": "2704", "reverse_base": "7786", "reverse_contra": "7787"}},
	{"fi", "EUR", "fi", "25.5", []chartYear{{"fi", "fi"}}, undecided, "1910", map[string]string{"reverse_input": "1763", "reverse_output": "2939"}},
	{"dk", "DKK", "da", "25", []chartYear{{"dk", "dk"}}, undecided, "6480", map[string]string{"reverse_input": "7740", "reverse_output": "7720"}},
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
