package voucher_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kvitt/internal/voucher"
)

// TestHashesStayWhatTheyAre compares with hashes of vouchers that were stored: a
// payout that is compiled again by the same profile has to be the same voucher.
// -renew writes only what is missing.
func TestHashesStayWhatTheyAre(t *testing.T) {
	path := filepath.Join("testdata", "hashes.txt")
	known, err := os.ReadFile(path)
	if err != nil && !*renew {
		t.Fatal(err)
	}
	stored := map[string]string{}
	for line := range strings.Lines(string(known)) {
		if name, hash, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			stored[name] = hash
		}
	}
	all := string(known)
	check := func(release string, c *country, profile *voucher.Profile) {
		for _, k := range kindsOfPayout() {
			if !c.has(&k) {
				continue
			}
			name, hash := release+c.file(&k), compile(t, profile, k.in(t, c)).Hash()
			switch {
			case stored[name] == hash:
			case stored[name] == "" && *renew:
				all += fmt.Sprintf("%s %s\n", name, hash)
			default:
				t.Errorf("the voucher %s hashes as %s, and was stored as %q", name, hash, stored[name])
			}
		}
	}
	for _, c := range firstReleases {
		check("", &c, firstRelease(t, c.preset, c.changes...))
	}
	for _, c := range countries {
		check("2/", &c, preset(t, c.preset, c.changes...))
	}
	if *renew {
		if err := os.WriteFile(path, []byte(all), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
