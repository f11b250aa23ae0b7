package klarna

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
)

// Provider is who serves the Settlements API.
type Provider string

// The providers.
const (
	Klarna Provider = "klarna"
	Kustom Provider = "kustom" // the former Klarna Checkout
)

// Name is the provider as people write it.
func (p Provider) Name() string {
	if p == Kustom {
		return "Kustom"
	}
	return "Klarna"
}

// Says is a text of Kvitt's own that speaks of Klarna, with the provider's name.
// Names that are Klarna's whoever pays out stay.
func (p Provider) Says(text string) string {
	if p != Kustom {
		return text
	}
	return kustomSays.Replace(text)
}

// kustomSays names Kustom. A replacer takes the first of its pairs that fits.
var kustomSays = strings.NewReplacer(
	"Klarna Checkout", "Klarna Checkout", // what Kustom was called
	"Klarna-Correlation-Id", "Klarna-Correlation-Id", // a header
	"Klarna", "Kustom",
)

// Region is the part of the world whose hosts keep the merchant. A merchant
// belongs to one region; its key is unknown in the others.
type Region string

// The regions.
const (
	Europe       Region = "eu"
	NorthAmerica Region = "na"
	Oceania      Region = "oc"
)

// Environment tells real money from Klarna's playground. It is read from the
// key, never chosen.
type Environment string

// The environments.
const (
	Live Environment = "live"
	Test Environment = "test"
)

// Credential is one API key of one merchant. Every way to print, log or encode
// it shows the kind of key and not the key; that holds for the value itself,
// so keep it out of unexported fields of structs that are printed.
type Credential struct {
	Provider Provider
	Region   Region
	Key      string
	Username string // optional; Klarna shows it as a UUID beside the key
}

// CredentialError says in words what is wrong with a credential that was
// typed or pasted in. It never contains the key.
type CredentialError struct {
	Field   string // provider, region, key, username or base URL
	Problem string
	Remedy  string
}

func (e *CredentialError) Error() string {
	return "read the Klarna credential: " + e.Problem + ". " + e.Remedy
}

// longestKey is the most that a whole API key may have, in characters.
const longestKey = 255

const (
	portalRemedy = "Make a key for the API in the Merchant Portal and paste it whole; it starts with klarna_live_api_ or klarna_test_api_"
	kustomRemedy = "Make a key for the API in the Kustom portal and paste it whole; it starts with kco_live_api_ or kco_test_api_"
)

var usernameUUID = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// ParseCredential reads a credential as a person gives it: white space around
// it is removed, an empty provider is Klarna, an empty region is Europe. The
// error is a [*CredentialError].
func ParseCredential(provider, region, key, username string) (Credential, error) {
	c := Credential{
		Provider: Provider(strings.ToLower(strings.TrimSpace(provider))),
		Region:   Region(strings.ToLower(strings.TrimSpace(region))),
		Key:      strings.TrimSpace(strings.TrimPrefix(key, "\ufeff")),
		Username: strings.TrimSpace(username),
	}
	if c.Provider == "" {
		c.Provider = Klarna
	}
	if c.Region == "" {
		c.Region = Europe
	}
	if err := c.check(); err != nil {
		return Credential{}, err
	}
	return c, nil
}

func (c Credential) check() error {
	if c.Provider != Klarna && c.Provider != Kustom {
		return &CredentialError{
			"provider", fmt.Sprintf("%q is not a provider", string(c.Provider)), "Choose klarna or kustom",
		}
	}
	switch c.Region {
	case Europe:
	case NorthAmerica, Oceania:
		if c.Provider == Kustom {
			return &CredentialError{
				"region", "Kustom has one host for all its merchants and no region " + string(c.Region), "Choose eu",
			}
		}
	default:
		return &CredentialError{
			"region", fmt.Sprintf("%q is not a region", string(c.Region)),
			"Choose eu (Europe), na (North America) or oc (Oceania)",
		}
	}
	if err := c.checkKey(); err != nil {
		return err
	}
	return c.checkUsername()
}

func (c Credential) checkKey() error {
	wrong := func(problem, remedy string) error { return &CredentialError{"key", problem, remedy} }
	own, other, remedy := "klarna_", "kco_", portalRemedy
	if c.Provider == Kustom {
		own, other, remedy = "kco_", "klarna_", kustomRemedy
	}
	switch rest := strings.TrimPrefix(c.Key, own); {
	case c.Key == "":
		return wrong("the key is empty", remedy)
	case len(c.Key) > longestKey:
		return wrong(fmt.Sprintf("the key has %d characters, and no key has more than %d", len(c.Key), longestKey), remedy)
	case strings.ContainsFunc(c.Key, func(r rune) bool { return r <= ' ' || r > '~' }):
		return wrong("the key contains a space, a line break or a letter that no key has", "Paste the key alone, in one piece")
	case strings.HasPrefix(c.Key, "klarna_live_client_"), strings.HasPrefix(c.Key, "klarna_test_client_"):
		return wrong("this is the client identifier for Klarna's scripts in the browser, not an API key", remedy)
	case strings.HasPrefix(c.Key, other):
		return wrong(fmt.Sprintf("this is a key of %s, and the connection is to %s", otherProvider(c.Provider).Name(), c.Provider.Name()),
			fmt.Sprintf("Choose the provider %s, or paste a key that starts with %s", otherProvider(c.Provider), own))
	case rest == c.Key:
		return wrong(fmt.Sprintf("the key does not start with %slive_api_ or %stest_api_", own, own), remedy)
	case c.Environment() == "" || strings.HasSuffix(c.Key, "_api_") || strings.Contains(c.Key, redacted):
		return wrong("the key is not complete", remedy)
	}
	return nil
}

func (c Credential) checkUsername() error {
	wrong := func(problem, remedy string) error { return &CredentialError{"username", problem, remedy} }
	switch {
	case c.Username == "":
		return nil
	case strings.ContainsFunc(c.Username, func(r rune) bool { return r <= ' ' || r > '~' || r == ':' }):
		return wrong("the user name contains a space, a colon or a letter that no user name has",
			"Copy the user name that is shown with the key, or leave it out")
	case c.Provider == Klarna && !usernameUUID.MatchString(c.Username):
		return wrong("the user name is not a UUID, as Klarna's are",
			"Copy the UUID that the Merchant Portal shows with the key, or leave the user name out; the key works without it")
	}
	return nil
}

func otherProvider(p Provider) Provider {
	if p == Klarna {
		return Kustom
	}
	return Klarna
}

// Environment returns what the key was made for, or "" for something that is not an
// API key.
func (c Credential) Environment() Environment {
	for _, provider := range []string{"klarna_", "kco_"} {
		for _, e := range []Environment{Live, Test} {
			if strings.HasPrefix(c.Key, provider+string(e)+"_api_") {
				return e
			}
		}
	}
	return ""
}

// header is the value of the Authorization header. Without a user name the key
// stands as it is after the word Basic; only with one are the two encoded as
// HTTP basic authentication has it.
func (c Credential) header() string {
	if c.Username == "" {
		return "Basic " + c.Key
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(c.Username+":"+c.Key))
}

const redacted = "[redacted]"

// String says what kind of key this is, and nothing of the key.
func (c Credential) String() string {
	words := string(c.Provider) + " " + string(c.Region) + " " + string(c.Environment()) + " key " + redacted
	if c.Username != "" {
		words += " with user name"
	}
	return words
}

// GoString is String; it answers %#v.
func (c Credential) GoString() string { return c.String() }

// Format writes String for every verb.
func (c Credential) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue is String, for log/slog.
func (c Credential) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText is String; encoders that know no better use it.
func (c Credential) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// MarshalJSON keeps provider, region and environment, and redacts the rest. A
// credential cannot be read back from its JSON.
func (c Credential) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Provider    Provider    `json:"provider"`
		Region      Region      `json:"region"`
		Environment Environment `json:"environment"`
		Key         string      `json:"key"`
		HasUsername bool        `json:"has_username"`
	}{c.Provider, c.Region, c.Environment(), redacted, c.Username != ""})
}
