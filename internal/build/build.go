// Package build reports which Kvitt this is: version, commit and Go version, as the Go toolchain wrote
// them into the program. Processing history is an accounting record (BFL 5:11), and what the program did
// depends on its version.
//
// It must never guess: a value that the program does not know is "unknown".
package build

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// Set by builds without a repository, such as the container image, with -ldflags "-X
// kvitt/internal/build.version=… -X …commit=… -X …date=…".
var version, commit, date string

// Unknown is the value of what the program does not know.
const Unknown = "unknown"

// Info describes this build of Kvitt.
type Info struct {
	Version  string `json:"version"`  // of the module, such as v1.4.0; devel between versions
	Commit   string `json:"commit"`   // of the source
	Modified bool   `json:"modified"` // the source differed from the commit
	Date     string `json:"date"`     // of the commit, RFC 3339
	Go       string `json:"go"`
}

// Read returns what the toolchain wrote into this program.
func Read() Info {
	read, ok := debug.ReadBuildInfo()
	if !ok {
		read = &debug.BuildInfo{}
	}
	return from(read)
}

func from(b *debug.BuildInfo) Info {
	i := Info{Version: version, Commit: commit, Date: date, Go: b.GoVersion}
	if i.Version == "" && b.Main.Version != "(devel)" {
		i.Version = b.Main.Version
	}
	for _, s := range b.Settings {
		switch {
		case s.Key == "vcs.revision" && i.Commit == "":
			i.Commit = s.Value
		case s.Key == "vcs.time" && i.Date == "":
			i.Date = s.Value
		case s.Key == "vcs.modified":
			i.Modified = s.Value == "true"
		}
	}
	if i.Version == "" {
		i.Version = "devel"
	}
	for _, field := range []*string{&i.Commit, &i.Date} {
		if *field == "" {
			*field = Unknown
		}
	}
	if i.Go == "" {
		i.Go = runtime.Version()
	}
	return i
}

// String returns the info in one line, without the name of the program.
func (i Info) String() string {
	changed := ""
	if i.Modified {
		changed = " with uncommitted changes"
	}
	return fmt.Sprintf("%s, commit %s%s, %s, %s", i.Version, i.Commit, changed, i.Date, i.Go)
}
