package visma

import "testing"

func TestOddIdsAreWrittenAsBase64AndCanNeverBecomeAnotherPath(t *testing.T) {
	for id, want := range map[string]string{
		"000123":      "000123",
		"GL-2026_1.a": "GL-2026_1.a",
		"A/B":         "b64(QS9C)",
		"..":          "b64(Li4)",
		".":           "b64(Lg)",
		"":            "b64()",
		"å 1":         "b64(w6UgMQ)",
		"a?b#c":       "b64(YT9iI2M)",
		"%2e%2e":      "b64(JTJlJTJl)",
	} {
		if got := pathID(id); got != want {
			t.Errorf("the id %q is written %q, want %q", id, got, want)
		}
		if got := lastSegment("https://elsewhere.example/x/" + pathID(id)); id != "" && got != id {
			t.Errorf("the id %q comes back as %q", id, got)
		}
	}
}

func TestALocationIsReducedToItsLastSegment(t *testing.T) {
	for location, want := range map[string]string{
		"https://api.finance.visma.net/v2/journaltransaction/000042":               "000042",
		"https://integration.visma.net/API/controller/api/v2/journaltransaction/7": "7",
		"/v2/journaltransaction/000042/":                                           "000042",
		"000042":                                                                   "000042",
		"https://x.example/v1/background/73ac0029?x=1#y":                           "73ac0029",
		"https://x.example/b64(QS9C)":                                              "A/B",
		"https://x.example/b64(QS9C==)":                                            "A/B",
		"https://x.example/A%2FB":                                                  "A/B",
		"https://x.example/b64(*)":                                                 "b64(*)",
		"https://x.example":                                                        "",
		"":                                                                         "",
		"http://[::1":                                                              "",
	} {
		if got := lastSegment(location); got != want {
			t.Errorf("%q is reduced to %q, want %q", location, got, want)
		}
	}
}
