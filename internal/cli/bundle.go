package cli

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"kvitt/internal/cli/table"
	"kvitt/internal/operate"
	"kvitt/internal/report"
)

// bundled is what a bundle came to, for programs.
type bundled struct {
	File    string           `json:"file"`
	Files   int              `json:"files"`
	Missing []report.Missing `json:"missing"`
}

// bundle writes a zip file, or a folder where the name does not end in .zip.
func (s *session) bundle(to *target, r *report.Reports, fill func(*report.Bundle) error) error {
	name := to.out
	done := bundled{File: name}
	write := func(b *report.Bundle) error {
		if err := fill(b); err != nil {
			return err
		}
		err := b.Close()
		done.Files, done.Missing = b.Files(), slices.Concat([]report.Missing{}, b.Missing())
		return err
	}
	var err error
	if strings.EqualFold(filepath.Ext(name), ".zip") {
		err = to.write(func(w io.Writer) error { return write(report.Zip(w, r.Now)) })
	} else {
		err = write(report.Folder(name, to.force))
	}
	if err != nil {
		return err
	}
	if err := s.show(done, func(w io.Writer) error { return done.write(w) }); err != nil {
		return err
	}
	if len(done.Missing) > 0 {
		return errHeld
	}
	return nil
}

// mostMissing is how many missing documents are named; README.txt names them all.
const mostMissing = 20

func (d *bundled) write(w io.Writer) error {
	fmt.Fprintf(w, "%s: %s. `sha256sum -c SHA256SUMS` checks them.\n", d.File, counted(d.Files, "file"))
	if len(d.Missing) == 0 {
		return nil
	}
	fmt.Fprintf(w, "\nIt is not whole: the archive lacks %s that these records rest on.\n", counted(len(d.Missing), "document"))
	for i := range d.Missing[:min(len(d.Missing), mostMissing)] {
		fmt.Fprintf(w, "  %s\n", table.Fold(operate.Printable(d.Missing[i].Words), width(w), 4))
	}
	if more := len(d.Missing) - mostMissing; more > 0 {
		fmt.Fprintf(w, "  … and %d more, which README.txt names.\n", more)
	}
	_, err := fmt.Fprintln(w, table.Fold(report.RestoreHelps, width(w), 0))
	return err
}
