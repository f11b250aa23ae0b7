package report

import (
	"archive/zip"
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Bundle is many files as one, or in a folder, each with its SHA-256. Close adds
// SHA256SUMS, which `sha256sum -c` reads.
type Bundle struct {
	create func(name string) (io.WriteCloser, error)
	finish func() error
	sums   strings.Builder
	files  int
}

// Zip makes a bundle that is written as a zip file. The same contents made at
// the same moment give the same bytes.
func Zip(to io.Writer, made time.Time) *Bundle {
	z := zip.NewWriter(to)
	return &Bundle{
		create: func(name string) (io.WriteCloser, error) {
			w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: made})
			return nopCloser{w}, err
		},
		finish: z.Close,
	}
}

// Folder makes a bundle of files in a folder, which is made when it is missing.
// A file that is there already is written over when it may be.
func Folder(dir string, over bool) *Bundle {
	how := os.O_CREATE | os.O_EXCL | os.O_WRONLY
	if over {
		how = os.O_CREATE | os.O_TRUNC | os.O_WRONLY
	}
	return &Bundle{
		create: func(name string) (io.WriteCloser, error) {
			path := filepath.Join(dir, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				return nil, err
			}
			return os.OpenFile(path, how, 0o600)
		},
		finish: func() error { return nil },
	}
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// add writes one file.
func (b *Bundle) add(name string, write func(io.Writer) error) error {
	w, err := b.create(name)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	digest := sha256.New()
	buffered := bufio.NewWriter(io.MultiWriter(w, digest))
	if err = write(buffered); err == nil {
		err = buffered.Flush()
	}
	if closing := w.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	fmt.Fprintf(&b.sums, "%s  %s\n", hex.EncodeToString(digest.Sum(nil)), name)
	b.files++
	return nil
}

func (b *Bundle) bytes(name string, body []byte) error {
	return b.add(name, func(w io.Writer) error { _, err := w.Write(body); return err })
}

// Files is the number of files that have been written.
func (b *Bundle) Files() int { return b.files }

// Close writes SHA256SUMS and ends the bundle.
func (b *Bundle) Close() error {
	sums := b.sums.String()
	if err := b.bytes("SHA256SUMS", []byte(sums)); err != nil {
		return err
	}
	if err := b.finish(); err != nil {
		return fmt.Errorf("end the bundle: %w", err)
	}
	return nil
}

// fileName makes a part of a path out of what came from outside. What had to be
// changed gets a few digits of its hash, so that two never meet.
func fileName(s string) string {
	safe := strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '-', r == '_', r == '.':
			return r
		}
		return '_'
	}, s)
	if safe == s && strings.Trim(s, ".") != "" {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return strings.Trim(safe, ".") + "~" + hex.EncodeToString(sum[:4])
}
