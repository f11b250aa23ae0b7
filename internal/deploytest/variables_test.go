package deploytest

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kvitt/internal/config"
)

// required are the variables that a deployment must set, each as a plain value or as NAME_FILE. The code's
// default for the database is SQLite, which does not work with two workers.
var required = []string{"KVITT_DATABASE_URL", "KVITT_KEYSET", "KVITT_VISMA_CLIENT_ID", "KVITT_VISMA_CLIENT_SECRET"}

// temporalVariables are the variables of the Temporal SDK's contrib/envconfig that are useful here.
var temporalVariables = []string{
	"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_API_KEY", "TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE",
	"TEMPORAL_TLS", "TEMPORAL_TLS_SERVER_CA_CERT_PATH", "TEMPORAL_TLS_CLIENT_CERT_PATH", "TEMPORAL_TLS_CLIENT_KEY_PATH",
	"TEMPORAL_TLS_SERVER_NAME",
}

func TestComposeSetsOnlyVariablesThatTheCodeReads(t *testing.T) {
	names := slices.Clone(temporalVariables)
	for _, v := range config.Variables() {
		names = append(names, v.Name)
	}
	for service, s := range ours(t) {
		for name := range s.Environment {
			if !slices.Contains(names, name) {
				t.Errorf("service %s sets %s, which nothing reads", service, name)
			}
		}
	}
}

func TestComposeSetsEveryVariableThatMustBeSet(t *testing.T) {
	for service, s := range ours(t) {
		for _, name := range required {
			_, plain := s.Environment[name]
			_, file := s.Environment[name+"_FILE"]
			if !plain && !file {
				t.Errorf("service %s does not set %s", service, name)
			}
		}
		for _, name := range []string{"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE"} {
			if s.Environment[name] == nil {
				t.Errorf("service %s does not set %s", service, name)
			}
		}
	}
}

func TestComposeSetsNoSecretInClear(t *testing.T) {
	for service, s := range ours(t) {
		for _, v := range config.Variables() {
			if _, set := s.Environment[v.Name]; set && v.Secret {
				t.Errorf("service %s sets %s as a plain value; it belongs into a file", service, v.Name)
			}
		}
	}
}

func TestTheExampleEnvironmentListsWhatComposeAsksFor(t *testing.T) {
	compose, example := read(t, "docker-compose.yml"), read(t, "deploy/example.env")
	for _, m := range regexp.MustCompile(`\$\{(KVITT_[A-Z_]+)`).FindAllStringSubmatch(compose, -1) {
		if !strings.Contains(example, "\n"+m[1]+"=") {
			t.Errorf("deploy/example.env does not list %s", m[1])
		}
	}
}

func TestSecretsAreFilesThatNobodyCommits(t *testing.T) {
	p, err := project(t, map[string]string{"KVITT_VISMA_CLIENT_ID": "isv_example"})
	if err != nil {
		t.Fatal(err)
	}
	script, docs := read(t, "deploy/new-secrets.sh"), read(t, "docs/operations.md")
	for name, s := range p.Secrets {
		if filepath.Base(filepath.Dir(s.File)) != "secrets" || s.Environment != "" || s.Content != "" {
			t.Errorf("secret %s is not a file in deploy/secrets", name)
		}
		if !strings.Contains(script, name) {
			t.Errorf("deploy/new-secrets.sh does not make or ask for %s", name)
		}
		if !strings.Contains(docs, "`"+name+"`") {
			t.Errorf("docs/operations.md does not describe %s", name)
		}
	}
	if ignored := read(t, "deploy/secrets/.gitignore"); !strings.HasPrefix(ignored, "*\n") {
		t.Error("deploy/secrets is not ignored by git")
	}
}

// A file variable names a secret that the service gets, and a secret that the service gets is used.
func TestEverySecretReachesWhoReadsIt(t *testing.T) {
	p, err := project(t, everything())
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range p.Services {
		given := map[string]bool{}
		for _, secret := range s.Secrets {
			given[secret.Source] = true
		}
		for variable, value := range s.Environment {
			if !strings.HasSuffix(variable, "_FILE") || value == nil || *value == "" {
				continue
			}
			secret := strings.TrimPrefix(*value, "/run/secrets/")
			if !given[secret] {
				t.Errorf("service %s: %s names %s, which it was not given", name, variable, *value)
			}
			delete(given, secret)
		}
		for _, c := range s.Configs {
			text, err := os.ReadFile(configFile(t, c.Source))
			if err != nil {
				t.Fatal(err)
			}
			for secret := range given {
				if strings.Contains(string(text), secret) {
					delete(given, secret)
				}
			}
		}
		if len(given) > 0 {
			t.Errorf("service %s is given %v and does not use it", name, slices.Sorted(maps.Keys(given)))
		}
	}
}

func configFile(t *testing.T, name string) string {
	t.Helper()
	p, err := project(t, map[string]string{"KVITT_VISMA_CLIENT_ID": "isv_example"})
	if err != nil {
		t.Fatal(err)
	}
	return p.Configs[name].File
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
