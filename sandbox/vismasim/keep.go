package vismasim

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// The records in the file of Options.Dir: one JSON document a line, each the whole new state of one
// object. Reading them in order, the last record of each object counts. A line is written before the
// request that caused it is answered, so that even a killed process has lost nothing it acknowledged.
const (
	fileName    = "visma.jsonl"
	kindBatch   = "batch"
	kindJob     = "job"
	kindFile    = "file"
	kindPeriod  = "period"
	kindAccount = "account"
)

type entryLine struct {
	Kind    string          `json:"kind"`
	Tenant  string          `json:"tenant"`
	IDs     uint64          `json:"ids"`
	Version uint64          `json:"version"`
	Thing   json.RawMessage `json:"thing"`
}

// journalFile is the open file; nil when everything is in memory only.
type journalFile struct {
	file *os.File
	err  error
}

func (j *journalFile) close() error {
	if j == nil || j.file == nil {
		return nil
	}
	err := errors.Join(j.err, j.file.Close())
	j.file = nil
	return err
}

// keep writes the new state of an object.
func (s *Sim) keep(c *company, kind string, thing any) {
	if s.journal == nil || s.journal.file == nil || s.journal.err != nil {
		return
	}
	line, err := s.line(c, kind, thing)
	if err == nil {
		_, err = s.journal.file.Write(line)
	}
	if err != nil {
		s.journal.err = fmt.Errorf("save a %s of the simulated Visma.net: %w", kind, err)
	}
}

func (s *Sim) line(c *company, kind string, thing any) ([]byte, error) {
	body, err := json.Marshal(thing)
	if err != nil {
		return nil, err
	}
	line, err := json.Marshal(entryLine{Kind: kind, Tenant: c.TenantID, IDs: s.ids, Version: s.version, Thing: body})
	return append(line, '\n'), err
}

// restore reads the file and writes a new one without superseded records, which then replaces it in one
// step.
func (s *Sim) restore(dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	name := filepath.Join(dir, fileName)
	if err := s.read(name); err != nil {
		return err
	}
	next, err := os.OpenFile(name+".next", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	s.journal = &journalFile{file: next}
	s.keepAll()
	if err := errors.Join(s.journal.err, next.Sync(), next.Close()); err != nil {
		return err
	}
	if err := os.Rename(name+".next", name); err != nil {
		return err
	}
	s.journal.file, err = os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0o600)
	return err
}

func (s *Sim) keepAll() {
	for _, tenant := range s.order {
		c := s.companies[tenant]
		for _, p := range c.periods {
			if c.changed[kindPeriod+p.ID] {
				s.keep(c, kindPeriod, p)
			}
		}
		for _, number := range c.numbers {
			if c.changed[kindAccount+number] {
				s.keep(c, kindAccount, c.accounts[number])
			}
		}
		for _, b := range c.batches {
			s.keep(c, kindBatch, b)
		}
		for _, f := range c.files {
			s.keep(c, kindFile, f)
		}
	}
	for _, j := range s.jobs {
		s.keep(s.companies[j.Tenant], kindJob, j)
	}
}

func (s *Sim) read(name string) error {
	file, err := os.Open(name) //nolint:gosec // the operator chose the directory
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // only read
	lines := bufio.NewReader(file)
	for n := 1; ; n++ {
		text, err := lines.ReadBytes('\n')
		if err != nil {
			break // the end, or a last line that was cut short when the process was killed
		}
		var entry entryLine
		if err := json.Unmarshal(text, &entry); err != nil {
			return fmt.Errorf("line %d of %s: %w", n, fileName, err)
		}
		if err := s.recall(entry); err != nil {
			return fmt.Errorf("line %d of %s: %w", n, fileName, err)
		}
	}
	for _, j := range s.jobs {
		if !j.Done {
			s.queue = append(s.queue, j)
		}
	}
	return nil
}

// recall restores one object. Companies that no longer exist are skipped.
func (s *Sim) recall(e entryLine) error {
	s.ids, s.version = max(s.ids, e.IDs), max(s.version, e.Version)
	c := s.companies[e.Tenant]
	if c == nil {
		return nil
	}
	switch e.Kind {
	case kindBatch:
		b := new(Batch)
		err := json.Unmarshal(e.Thing, b)
		c.replace(b)
		return err
	case kindJob:
		j := new(job)
		err := json.Unmarshal(e.Thing, j)
		s.jobs[j.ID] = j
		return err
	case kindFile:
		f := new(file)
		err := json.Unmarshal(e.Thing, f)
		c.files[f.ID] = f
		return err
	case kindAccount:
		var account Account
		err := json.Unmarshal(e.Thing, &account)
		c.setAccount(account)
		return err
	case kindPeriod:
		return c.recallPeriod(e.Thing)
	}
	return fmt.Errorf("unknown kind %q", e.Kind)
}

func (c *company) recallPeriod(thing json.RawMessage) error {
	var kept Period
	if err := json.Unmarshal(thing, &kept); err != nil {
		return err
	}
	if p := c.period(kept.ID); p != nil {
		p.Closed, p.Inactive = kept.Closed, kept.Inactive
		c.changed[kindPeriod+p.ID] = true
	}
	return nil
}
