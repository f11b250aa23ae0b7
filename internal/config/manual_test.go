package config_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kvitt/internal/config"
	"kvitt/internal/visma/connect"
)

func manual(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "install.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// row matches a row of the table of settings: a variable and its default.
var row = regexp.MustCompile("(?m)^\\| `(KVITT_[A-Z_]+)` \\| (none|`[^`|]+`) \\| [^|]+ \\|$")

func TestTheManualListsEverySettingWithItsDefault(t *testing.T) {
	var want, got [][2]string
	for _, v := range config.Variables() {
		want = append(want, [2]string{v.Name, v.Default})
	}
	for _, found := range row.FindAllStringSubmatch(manual(t), -1) {
		standard := strings.Trim(found[2], "`")
		if found[2] == "none" {
			standard = ""
		}
		got = append(got, [2]string{found[1], standard})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/install.md and config.Variables differ (-code +manual):\n%s", diff)
	}
}

func TestTheManualListsExactlyTheScopesThatAreRequested(t *testing.T) {
	var want []string
	for _, scope := range slices.Concat(connect.ServiceScopes(), connect.InteractiveScopes()) {
		if strings.HasPrefix(scope, "vismanet_erp_") {
			want = append(want, scope)
		}
	}
	text := manual(t)
	if diff := cmp.Diff(want, regexp.MustCompile(`vismanet_erp_[a-z_]+:[a-z-]+`).FindAllString(text, -1)); diff != "" {
		t.Errorf("docs/install.md and connect's scopes differ (-code +manual):\n%s", diff)
	}
	var identity []string
	for _, scope := range connect.InteractiveScopes() {
		if !strings.HasPrefix(scope, "vismanet_erp_") {
			identity = append(identity, scope)
		}
	}
	if line := "interactive app    " + strings.Join(identity, " ") + "\n"; !strings.Contains(text, line) {
		t.Errorf("docs/install.md does not have the line %q", line)
	}
}
