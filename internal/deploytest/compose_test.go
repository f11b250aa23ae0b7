package deploytest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

const root = "../.."

// project reads docker-compose.yml as `docker compose` does, which checks it against the schema of the
// Compose specification and that every network, volume, secret and dependency that it names exists. env is
// .env.
func project(t *testing.T, env map[string]string) (*types.Project, error) {
	t.Helper()
	dir, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	return loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  dir,
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(dir, "docker-compose.yml")}},
		Environment: env,
	}, loader.WithProfiles([]string{"*"}))
}

func services(t *testing.T) types.Services {
	t.Helper()
	p, err := project(t, map[string]string{"KVITT_VISMA_CLIENT_ID": "isv_example"})
	if err != nil {
		t.Fatalf("read docker-compose.yml: %v", err)
	}
	if len(p.Services) < 5 {
		t.Fatalf("docker-compose.yml has %d services", len(p.Services))
	}
	return p.Services
}

// ours returns the services that run Kvitt itself.
func ours(t *testing.T) types.Services {
	t.Helper()
	all := services(t)
	for name, s := range all {
		if s.Build == nil {
			delete(all, name)
		}
	}
	return all
}

// ends reports whether a service runs once and ends, or is only run by hand.
func ends(s types.ServiceConfig) bool { return s.Restart == "no" }

func TestTheComposeFileNamesTheVariableThatIsMissing(t *testing.T) {
	_, err := project(t, nil)
	if err == nil || !strings.Contains(err.Error(), "KVITT_VISMA_CLIENT_ID") || !strings.Contains(err.Error(), "deploy/example.env") {
		t.Errorf("without KVITT_VISMA_CLIENT_ID: %v", err)
	}
}

// pinned matches a tag with at least major and minor version.
var pinned = regexp.MustCompile(`^[a-z0-9./-]+:v?\d+\.\d+[A-Za-z0-9._-]*$`)

func TestEveryImageIsPinnedToAVersion(t *testing.T) {
	for name, s := range services(t) {
		if s.Build == nil && !pinned.MatchString(s.Image) {
			t.Errorf("service %s has the image %q", name, s.Image)
		}
	}
	for _, line := range dockerfile(t, "FROM") {
		image := slices.DeleteFunc(strings.Fields(line), func(w string) bool { return strings.HasPrefix(w, "--") })[0]
		if image != "scratch" && !pinned.MatchString(image) {
			t.Errorf("the Dockerfile is built from %q", image)
		}
	}
}

func TestImagesThatBelongTogetherHaveOneVersion(t *testing.T) {
	all := services(t)
	_, server, _ := strings.Cut(all["temporal"].Image, ":")
	for _, name := range []string{"temporal-schema", "temporal-namespace"} {
		if !strings.HasPrefix(all[name].Image, "temporalio/admin-tools:"+server+"-") {
			t.Errorf("the server is %s and %s runs %s", server, name, all[name].Image)
		}
	}
	if got, want := all["databases"].Image, all["postgres"].Image; got != want {
		t.Errorf("databases runs %s against %s", got, want)
	}
}

func TestNothingListensBeyondThisMachine(t *testing.T) {
	published := 0
	for name, s := range services(t) {
		for _, p := range s.Ports {
			published++
			if p.HostIP != "127.0.0.1" {
				t.Errorf("service %s publishes %s on %q", name, p.Published, p.HostIP)
			}
		}
		if s.NetworkMode != "" {
			t.Errorf("service %s has the network mode %q", name, s.NetworkMode)
		}
	}
	if published == 0 {
		t.Error("nothing is published at all")
	}
}

func TestTheWebUIIsReachedThroughThePortalOnlyAndChangesNothing(t *testing.T) {
	ui := services(t)["temporal-ui"]
	if len(ui.Ports) != 0 {
		t.Errorf("it is published: %+v", ui.Ports)
	}
	if off := ui.Environment["TEMPORAL_DISABLE_WRITE_ACTIONS"]; off == nil || *off != "true" {
		t.Error("it has buttons that act")
	}
	portal := services(t)["worker-1"]
	if to := portal.Environment["KVITT_UI_UPSTREAM"]; to == nil || *to != "http://temporal-ui:8080" {
		t.Errorf("worker-1 looks for it at %v", to)
	}
}

func TestTheDatabaseAndTemporalReachNoOtherNetwork(t *testing.T) {
	p, err := project(t, map[string]string{"KVITT_VISMA_CLIENT_ID": "isv_example"})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"postgres", "databases", "temporal-schema", "temporal", "temporal-namespace", "temporal-ui"} {
		for network := range p.Services[name].Networks {
			if !p.Networks[network].Internal {
				t.Errorf("service %s is on the network %s, which leads outside", name, network)
			}
		}
	}
}

func TestEveryServiceIsWatchedOrEnds(t *testing.T) {
	for name, s := range services(t) {
		watched := s.HealthCheck != nil && !s.HealthCheck.Disable && len(s.HealthCheck.Test) > 1
		switch {
		case ends(s) && watched:
			t.Errorf("service %s ends and has a health check", name)
		case !ends(s) && !watched:
			t.Errorf("service %s runs on and has no health check", name)
		case !ends(s) && s.Restart != "unless-stopped":
			t.Errorf("service %s runs on and is restarted %q", name, s.Restart)
		}
	}
}

func TestEveryServiceIsHardened(t *testing.T) {
	for name, s := range services(t) {
		if !s.ReadOnly {
			t.Errorf("service %s can write into its image", name)
		}
		if !slices.Contains(s.CapDrop, "ALL") || len(s.CapAdd) > 0 || s.Privileged {
			t.Errorf("service %s keeps capabilities", name)
		}
		if !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("service %s can gain privileges", name)
		}
		if uid, _, _ := strings.Cut(s.User, ":"); uid == "" || uid == "0" || uid == "root" {
			t.Errorf("service %s runs as user %q", name, s.User)
		}
		if s.Deploy == nil || s.Deploy.Resources.Limits == nil || s.Deploy.Resources.Limits.MemoryBytes == 0 || s.Deploy.Resources.Limits.NanoCPUs == 0 {
			t.Errorf("service %s has no limit of memory and processors", name)
		}
		if s.Logging == nil || s.Logging.Options["max-size"] == "" {
			t.Errorf("the log of service %s grows without end", name)
		}
	}
}

func TestKvittWaitsForItsSetup(t *testing.T) {
	workers := 0
	for name, s := range ours(t) {
		switch {
		case name == "setup":
			if !ends(s) || !slices.Equal(s.Entrypoint, []string{"/starter"}) || !slices.Equal(s.Command, []string{"setup"}) {
				t.Errorf("setup is not `starter setup`, once")
			}
		case !ends(s):
			workers++
			if s.DependsOn["setup"].Condition != types.ServiceConditionCompletedSuccessfully {
				t.Errorf("service %s does not wait for setup", name)
			}
		}
	}
	if workers != 2 {
		t.Errorf("%d workers run, want 2", workers)
	}
}

// Some service waits for the end of every service that ends, except those that are only run by hand.
func TestEveryStepIsWaitedFor(t *testing.T) {
	all := services(t)
	for name, s := range all {
		if !ends(s) || len(s.Profiles) > 0 {
			continue
		}
		waited := false
		for _, other := range all {
			waited = waited || other.DependsOn[name].Condition == types.ServiceConditionCompletedSuccessfully
		}
		if !waited {
			t.Errorf("nobody waits for the service %s", name)
		}
	}
}

func TestEveryMountedFileIsThere(t *testing.T) {
	p, err := project(t, map[string]string{"KVITT_VISMA_CLIENT_ID": "isv_example"})
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for name, s := range p.Services {
		for _, c := range s.Configs {
			used[c.Source] = true
			if len(s.Entrypoint) == 2 && strings.HasSuffix(s.Entrypoint[1], ".sh") && !slices.ContainsFunc(s.Configs, func(c types.ServiceConfigObjConfig) bool { return c.Target == s.Entrypoint[1] }) {
				t.Errorf("service %s runs %s, which is not mounted", name, s.Entrypoint[1])
			}
		}
	}
	for name, c := range p.Configs {
		if _, err := os.Stat(c.File); err != nil {
			t.Errorf("config %s: %v", name, err)
		}
		if !used[name] {
			t.Errorf("nobody uses the config %s", name)
		}
	}
}
