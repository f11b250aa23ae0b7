package deploytest

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// dockerfile returns the lines of the Dockerfile that begin with an instruction, joined where they are
// continued, without the instruction.
func dockerfile(t *testing.T, instruction string) []string {
	t.Helper()
	var out []string
	for _, line := range strings.Split(strings.ReplaceAll(read(t, "Dockerfile"), "\\\n", " "), "\n") {
		if rest, ok := strings.CutPrefix(line, instruction+" "); ok {
			out = append(out, strings.Join(strings.Fields(rest), " "))
		}
	}
	return out
}

// listed is the part of `go list` output about a package that is used here.
type listed struct {
	ImportPath string   `json:"ImportPath"`
	Dir        string   `json:"Dir"`
	Standard   bool     `json:"Standard"`
	CgoFiles   []string `json:"CgoFiles"`
	EmbedFiles []string `json:"EmbedFiles"`
	Error      *struct {
		Err string `json:"Err"`
	} `json:"Error"`
}

// built lists every package that goes into the image's two binaries, as they
// are built there: without a C compiler.
func built(t *testing.T) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-deps", "-tags", "timetzdata",
		"-json=ImportPath,Dir,Standard,CgoFiles,EmbedFiles,Error", "./worker", "./starter")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOFLAGS=")
	var words strings.Builder
	cmd.Stderr = &words
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("list the packages of the image: %v\n%s", err, words.String())
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestTheBinariesNeedNoCCompiler(t *testing.T) {
	for _, p := range built(t) {
		if p.Error != nil {
			t.Errorf("without cgo, %s cannot be built: %s", p.ImportPath, p.Error.Err)
		}
		if len(p.CgoFiles) > 0 {
			t.Errorf("%s has cgo files: %v", p.ImportPath, p.CgoFiles)
		}
	}
	if build := strings.Join(dockerfile(t, "RUN"), "\n"); !strings.Contains(build, "CGO_ENABLED=0") || !strings.Contains(build, "-trimpath") {
		t.Error("the Dockerfile does not build static binaries without paths")
	}
}

// Every package of ours that the binaries need is copied into the build, no folder is copied that is not
// needed, and .dockerignore leaves none out.
func TestTheImageIsBuiltFromWhatTheBinariesNeed(t *testing.T) {
	dir, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	copied := map[string]bool{} // folder → needed
	for _, line := range dockerfile(t, "COPY") {
		words := strings.Fields(line)
		if strings.HasPrefix(words[0], "--from=") {
			continue
		}
		for _, from := range words[:len(words)-1] {
			if _, err := os.Stat(filepath.Join(root, from)); err != nil {
				t.Errorf("the Dockerfile copies %s: %v", from, err)
			}
			if strings.HasSuffix(from, "/") {
				copied[strings.TrimSuffix(from, "/")] = false
			}
		}
	}
	sent := strings.Split(read(t, ".dockerignore"), "\n")
	for _, p := range built(t) {
		if p.Standard || !strings.HasPrefix(p.ImportPath, "kvitt/") {
			continue
		}
		folder := strings.TrimPrefix(p.ImportPath, "kvitt/")
		top, _, _ := strings.Cut(folder, "/")
		if _, ok := copied[top]; !ok {
			t.Errorf("the Dockerfile does not copy %s", p.ImportPath)
		}
		copied[top] = true
		if !slices.Contains(sent, "!"+top) || slices.Contains(sent, folder) {
			t.Errorf(".dockerignore leaves out %s", p.ImportPath)
		}
		for _, f := range p.EmbedFiles {
			if strings.HasPrefix(f, "testdata/") || strings.HasSuffix(f, "_test.go") {
				t.Errorf(".dockerignore leaves out %s, which %s embeds", f, p.ImportPath)
			}
		}
		if rel, err := filepath.Rel(dir, p.Dir); err != nil || strings.HasPrefix(rel, "sandbox") {
			t.Errorf("the image has %s in it", p.ImportPath)
		}
	}
	for folder, needed := range copied {
		if !needed {
			t.Errorf("the Dockerfile copies %s, which the binaries do not need", folder)
		}
	}
}

func TestTheImageIsBuiltWithTheGoThatTheModuleNames(t *testing.T) {
	var version string
	for line := range strings.Lines(read(t, "go.mod")) {
		if v, ok := strings.CutPrefix(line, "toolchain go"); ok {
			version = strings.TrimSpace(v)
		}
	}
	if from := dockerfile(t, "FROM"); !strings.Contains(from[0], " golang:"+version+"-") {
		t.Errorf("go.mod says Go %s and the Dockerfile is built from %q", version, from[0])
	}
}

func TestTheImageRunsAsNobodyOnAnEmptyFileSystem(t *testing.T) {
	if from := dockerfile(t, "FROM"); from[len(from)-1] != "scratch" {
		t.Errorf("the image is based on %q", from[len(from)-1])
	}
	if user := dockerfile(t, "USER"); !slices.Equal(user, []string{"65534:65534"}) {
		t.Errorf("the image runs as %v", user)
	}
	certificates := slices.ContainsFunc(dockerfile(t, "COPY"), func(line string) bool {
		return strings.HasSuffix(line, " /etc/ssl/certs/ca-certificates.crt")
	})
	if !certificates {
		t.Error("the image has no certificate authorities")
	}
	// Voucher dates are days in the company's zone.
	if !strings.Contains(strings.Join(dockerfile(t, "RUN"), "\n"), "-tags timetzdata") {
		t.Error("the image has no time zones")
	}
	if check := dockerfile(t, "HEALTHCHECK"); len(check) != 1 || !strings.Contains(check[0], `"/worker", "-healthcheck"`) {
		t.Errorf("the image's health check is %v", check)
	}
}
