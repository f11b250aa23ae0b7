package activities

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"kvitt/internal/visma"
)

// peak is the most live memory that was seen above what there was at first.
type peak struct {
	first, most uint64
}

func (p *peak) look() {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if p.first == 0 {
		p.first = m.HeapAlloc
	}
	p.most = max(p.most, m.HeapAlloc)
}

func TestMemoryDoesNotGrowWithTheCSV(t *testing.T) {
	const size, most = largeCSV, 16 << 20
	d := newDesk(t)
	var memory peak
	var block []byte // of a megabyte
	for i := 0; len(block) < 1<<20; i++ {
		block = fmt.Appendf(block, "SALE;2026-01-05T10:00:00Z;%08x-0000-4000-8000-%012x;%d.00;SEK\n", uint32(i*2654435761), i*40503, i%1000)
	}
	var digest atomic.Value
	serve := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/csv")
		sum := sha256.New()
		to := io.MultiWriter(w, sum)
		for sent := 0; sent < size; sent += len(block) {
			if sent%(8*len(block)) == 0 {
				memory.look()
			}
			if _, err := to.Write(block); err != nil {
				return
			}
		}
		memory.look()
		digest.Store(hex.EncodeToString(sum.Sum(nil)))
	})
	d.instead.Store(&serve)
	var attached []string
	err := d.on.documents(t.Context(), d.ref, d.voucher, func(ctx context.Context, f visma.File) error {
		attached = append(attached, f.Name)
		r, err := f.Open(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = r.Close() }()
		var from io.Reader = r
		if strings.HasSuffix(f.Name, ".gz") {
			if from, err = gzip.NewReader(r); err != nil {
				return err
			}
		}
		sum := sha256.New()
		for {
			_, err := io.CopyN(sum, from, 8<<20)
			memory.look()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
		}
		if got := hex.EncodeToString(sum.Sum(nil)); strings.HasPrefix(f.Name, csvName) && got != digest.Load() {
			t.Errorf("%s is %s, served was %v", f.Name, got, digest.Load())
		}
		return nil
	})
	d.must(err)
	if got := memory.most - memory.first; got > most {
		t.Errorf("%d bytes of memory were in use for a CSV of %d bytes", got, size)
	} else {
		t.Logf("%d bytes of memory were in use for a CSV of %d bytes; attached %v", got, size, attached)
	}
}
