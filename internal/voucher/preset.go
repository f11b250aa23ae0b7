package voucher

import (
	"embed"
	"fmt"
)

//go:embed presets/*.yaml
var presets embed.FS

// presetNames are the starting points, by country: Sweden (BAS 2026, and older charts), Norway
// (NS 4102), Finland, Denmark.
var presetNames = []string{"se-bas", "se-bas-2025", "no-ns4102", "fi", "dk"}

// Presets lists the names of the embedded posting profiles.
func Presets() []string { return append([]string(nil), presetNames...) }

// Preset is the YAML document of an embedded posting profile. Every account
// number in it is a default that the company's accountant confirms.
func Preset(name string) ([]byte, error) {
	doc, err := presets.ReadFile("presets/" + name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("read preset %q: there is none of that name; %s", name, didYouMean(name, presetNames))
	}
	return doc, nil
}
