package config

import (
	"fmt"
	"strings"
)

// Page explains the settings to a person. fold breaks words into lines; each line after the first begins
// with indent spaces.
func Page(fold func(words string, indent int) string) string {
	var b strings.Builder
	b.WriteString("Settings are read from the environment. Those marked * are secret and can be\ngiven in a file that the variable with _FILE at its end names.\n\n")
	for _, v := range Variables() {
		if strings.HasSuffix(v.Name, "_FILE") {
			continue
		}
		name := v.Name
		if v.Secret {
			name += " *"
		}
		fmt.Fprintf(&b, "  %s\n      %s\n", name, fold(v.Meaning, 6))
		if v.Default != "" {
			fmt.Fprintf(&b, "      default %s\n", v.Default)
		}
	}
	b.WriteString("\nTemporal is reached as by every Temporal tool: TEMPORAL_ADDRESS (default\nlocalhost:7233), TEMPORAL_NAMESPACE (default default), TEMPORAL_API_KEY,\nTEMPORAL_TLS…, and the profiles of its configuration file.\n")
	return b.String()
}
