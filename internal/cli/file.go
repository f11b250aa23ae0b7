package cli

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"kvitt/internal/operate"
)

// target is a file or folder that a command writes. What is there already is
// written over with --force only: it may be somebody's only copy.
type target struct {
	out   string
	force bool
}

// flags adds the flags of a command that writes a file.
func (t *target) flags(c *cobra.Command, usage string) {
	c.Flags().StringVar(&t.out, "out", "", usage)
	c.Flags().BoolVar(&t.force, "force", false, "overwrite existing files")
}

// taken is the refusal to write over something.
func (t *target) taken(what string) error {
	return &operate.Error{
		Attempted: "write " + t.out, Happened: what, Err: os.ErrExist,
		Helps: "Name another one, or add --force to write over it.",
	}
}

// free makes sure, before there is any work, that nothing would be lost.
func (t *target) free() error {
	info, err := os.Stat(t.out)
	switch {
	case t.out == "", t.force, err != nil: // what else is wrong with it is told when it is written
		return nil
	case !info.IsDir():
		return t.taken("there is such a file already")
	}
	if entries, err := os.ReadDir(t.out); err != nil || len(entries) > 0 {
		return t.taken("there is such a folder already, and it is not empty")
	}
	return nil
}

// write writes a file beside its name and puts it there when it is whole.
func (t *target) write(fill func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(t.out), filepath.Base(t.out)+".*.part")
	if err != nil {
		return &operate.Error{Attempted: "write " + t.out, Happened: err.Error(), Helps: "Name a file in a folder that is there and can be written to.", Err: err}
	}
	err = fill(f)
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = t.place(f.Name())
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// place gives a whole file its name. A hard link is never put in the place of
// a file that came meanwhile; not every file system has them.
func (t *target) place(part string) error {
	if t.force {
		return os.Rename(part, t.out)
	}
	err := os.Link(part, t.out)
	if errors.Is(err, os.ErrExist) {
		return t.taken("there is such a file already")
	}
	if err == nil {
		return os.Remove(part)
	}
	if err := t.free(); err != nil {
		return err
	}
	return os.Rename(part, t.out)
}
