package connectsim

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const fileName = "connect.json"

// kept is the file in Options.Dir: keys and state. Refresh tokens are stored as digests, access tokens as
// ids, which cannot be used.
type kept struct {
	Signing []byte `json:"signing_key"` // PKCS #1
	Crypto  []byte `json:"crypto_key"`
	State   state  `json:"state"`
}

// restore reads the file, and makes the keys that neither it nor the options have.
func (s *Sim) restore() error {
	s.state = newState(s.o.Refresh)
	s.keys.signing = s.o.Key
	if s.o.Dir == "" {
		return s.keys.complete()
	}
	if err := os.MkdirAll(s.o.Dir, 0o750); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(s.o.Dir, fileName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	default:
		if err := s.recall(text); err != nil {
			return fmt.Errorf("read %s back: %w", fileName, err)
		}
	}
	if err := s.keys.complete(); err != nil {
		return err
	}
	s.save()
	return s.saveErr
}

func (s *Sim) recall(text []byte) error {
	k := kept{State: s.state}
	if err := json.Unmarshal(text, &k); err != nil {
		return err
	}
	if s.keys.signing == nil {
		key, err := x509.ParsePKCS1PrivateKey(k.Signing)
		if err != nil {
			return err
		}
		s.keys.signing = key
	}
	if copy(s.keys.crypto[:], k.Crypto) != len(s.keys.crypto) {
		return errors.New("its key for opaque tokens is too short")
	}
	s.state = k.State
	return nil
}

// change changes the state and saves it.
func (s *Sim) change(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
	s.save()
}

// save writes a new file and replaces the old one in one step. Sim.mu is held.
func (s *Sim) save() {
	if s.o.Dir == "" || s.saveErr != nil {
		return
	}
	s.forget()
	text, err := json.MarshalIndent(kept{x509.MarshalPKCS1PrivateKey(s.keys.signing), s.keys.crypto[:], s.state}, "", " ")
	name := filepath.Join(s.o.Dir, fileName)
	if err == nil {
		err = os.WriteFile(name+".next", text, 0o600)
	}
	if err == nil {
		err = os.Rename(name+".next", name)
	}
	if err != nil {
		s.saveErr = fmt.Errorf("save the simulated Visma Connect in %s: %w", s.o.Dir, err)
	}
}

// forget drops refresh tokens that can never be used again.
func (s *Sim) forget() {
	now := s.o.Now()
	for token, t := range s.state.Refresh {
		g := s.state.Grants[t.Grant]
		usedUp := t.Used != nil && g != nil && g.Policy.OneTime && now.After(t.Used.Add(g.Policy.Grace+24*time.Hour))
		if usedUp || !now.Before(t.Expires) {
			delete(s.state.Refresh, token)
		}
	}
}
