package deploytest

import (
	"database/sql"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kvitt/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

// run runs a script of this repository and returns its exit status and all that it printed.
func run(t *testing.T, env []string, name string, args ...string) (status int, output string) {
	t.Helper()
	script, err := filepath.Abs(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sh", append([]string{script}, args...)...)
	cmd.Env = append(os.Environ(), env...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatalf("run %s: %v", name, err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

func TestEveryScriptCanBeRead(t *testing.T) {
	var scripts []string
	for _, pattern := range []string{"deploy/*.sh", "deploy/*/*.sh"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		scripts = append(scripts, found...)
	}
	if len(scripts) < 5 {
		t.Fatalf("found only %v", scripts)
	}
	for _, script := range scripts {
		if out, err := exec.CommandContext(t.Context(), "sh", "-n", script).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", script, err, out)
		}
	}
}

func TestSecretsAreMadeOnceAndKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "secrets")
	env := []string{"SECRETS_DIR=" + dir}
	status, out := run(t, env, "deploy/new-secrets.sh")
	if status != 0 {
		t.Fatalf("exit status %d\n%s", status, out)
	}
	made := contents(t, dir)
	if len(made) != 4+3 {
		t.Errorf("made %d secrets:\n%s", len(made), out)
	}
	seen := map[string]bool{}
	for _, optional := range []string{"kvitt_smtp_url", "kvitt_webhook_secret", "kvitt_oidc_client_secret"} {
		if text, ok := made[optional]; !ok || text != "" || !strings.Contains(out, optional+": empty") {
			t.Errorf("%s is missing, not empty or not mentioned:\n%s", optional, out)
		}
	}
	for name, text := range made {
		if text == "" {
			continue
		}
		if len(text) < 40 || seen[text] {
			t.Errorf("%s is short or not its own", name)
		}
		seen[text] = true
		if strings.Contains(out, text) {
			t.Errorf("%s was printed", name)
		}
	}
	for _, missing := range []string{"kvitt_keyset: MISSING", "kvitt_visma_client_secret: MISSING"} {
		if !strings.Contains(out, missing) {
			t.Errorf("the output does not say %q:\n%s", missing, out)
		}
	}
	if _, out := run(t, env, "deploy/new-secrets.sh"); !strings.Contains(out, "kept") {
		t.Errorf("the second run says:\n%s", out)
	}
	for name, text := range contents(t, dir) {
		if text != made[name] {
			t.Errorf("the second run changed %s", name)
		}
	}
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[f.Name()] = string(b)
	}
	return out
}

// The script of the service databases, run twice against a real PostgreSQL.
func TestKvittAndTemporalCannotReadEachOther(t *testing.T) {
	server, err := url.Parse(pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	secrets := t.TempDir()
	for name, text := range map[string]string{
		"postgres_password":          "x",
		"temporal_database_password": "it's",
		"kvitt_database_url":         "postgres://kvitt:0a1b2c@postgres:5432/kvitt?sslmode=disable",
	} {
		if err := os.WriteFile(filepath.Join(secrets, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{"SECRETS_DIR=" + secrets, "PGHOST=" + server.Query().Get("host"), "PGPORT=" + server.Query().Get("port"), "PGUSER=" + server.User.Username()}
	for range 2 {
		if status, out := run(t, env, "deploy/postgres/databases.sh"); status != 0 {
			t.Fatalf("exit status %d\n%s", status, out)
		}
	}
	db, err := sql.Open("pgx", server.String())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for database, owner := range map[string]string{"kvitt": "kvitt", "temporal": "temporal", "temporal_visibility": "temporal"} {
		var got string
		if err := db.QueryRowContext(t.Context(), "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = $1", database).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != owner {
			t.Errorf("the database %s belongs to %s", database, got)
		}
	}
	var mayConnect bool
	if err := db.QueryRowContext(t.Context(), "SELECT has_database_privilege('temporal', 'kvitt', 'CONNECT')").Scan(&mayConnect); err != nil {
		t.Fatal(err)
	}
	if mayConnect {
		t.Error("temporal may connect to Kvitt's database")
	}
}

func TestADatabaseURLWithoutPasswordIsRefused(t *testing.T) {
	secrets := t.TempDir()
	for name, text := range map[string]string{
		"postgres_password": "x", "temporal_database_password": "y", "kvitt_database_url": "postgres://somebody@else/kvitt",
	} {
		if err := os.WriteFile(filepath.Join(secrets, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	status, out := run(t, []string{"SECRETS_DIR=" + secrets}, "deploy/postgres/databases.sh")
	if status == 0 || !strings.Contains(out, "kvitt_database_url must begin with") {
		t.Errorf("exit status %d\n%s", status, out)
	}
}
