// Package build tells which Kvitt this is: version, commit and Go version, as the
// Go toolchain wrote them into the program. Processing history is an accounting
// record (BFL 5:11), and what the program did depends on which program it was.
//
// It must never guess: what the program does not know of itself is "unknown".
package build

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// What a build without a repository around it, such as the container image, is
// given with -ldflags "-X kvitt/internal/build.version=… -X …commit=… -X …date=…".
var version, commit, date string

// Unknown stands for what the program does not know of itself.
const Unknown = "unknown"

// Info is which Kvitt this is.
type Info struct {
	Version  string `json:"version"`  // of the module, such as v1.4.0; devel between versions
	Commit   string `json:"commit"`   // of the source
	Modified bool   `json:"modified"` // the source was not quite that of the commit
	Date     string `json:"date"`     // of the commit, RFC 3339
	Go       string `json:"go"`
}

// Read reads what the toolchain wrote into this program.
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

// String is the info in one line, without the name of the program.
func (i Info) String() string {
	changed := ""
	if i.Modified {
		changed = " with changes that were not committed"
	}
	return fmt.Sprintf("%s, commit %s%s, %s, %s", i.Version, i.Commit, changed, i.Date, i.Go)
}
