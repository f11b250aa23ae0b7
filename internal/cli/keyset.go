package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"kvitt/internal/config"
	"kvitt/internal/operate"
	"kvitt/internal/vault"
)

func (a *app) keysetCommand() *cobra.Command {
	c := group(&cobra.Command{
		Use:   "keyset",
		Short: "Make and rotate the keyset that encrypts secrets and Temporal payloads",
	})
	c.AddCommand(a.keysetNewCommand(), a.keysetRotateCommand())
	return c
}

func (a *app) keysetNewCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "new",
		Short: "Print a new keyset, and nothing else, on standard output",
		Long: `Print a new keyset, and nothing else, on standard output. It is in clear:
whoever has it can open every secret. Keep it in a file that only the worker and
the starter can read, and a copy where the database's backups are not: without
it, what the database holds of credentials cannot be opened again.`,
		Example: `  (umask 077; starter keyset new > keyset.json)
  export KVITT_KEYSET_FILE=$PWD/keyset.json`,
		Args: exactly(),
		RunE: func(*cobra.Command, []string) error {
			text, err := vault.NewKeyset()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.Out, text)
			return err
		},
	}
}

const rotationOrder = `The order of a rotation, without a moment of downtime:
  1. ` + "`starter keyset rotate --prepare`" + ` prints the keyset with a new key that
     nothing is encrypted with yet. Give it to every worker and starter, and
     restart them.
  2. ` + "`starter keyset rotate`" + ` prints it with the new key in use. Give that to
     all, and restart them.
  3. ` + "`starter keyset rotate --reseal`" + ` encrypts the stored secrets with the new
     key.
Keep the old key in the keyset for as long as Temporal keeps histories that it
encrypted. Where a short stop does no harm, leave out step 1.`

func (a *app) keysetRotateCommand() *cobra.Command {
	var prepare, reseal bool
	c := &cobra.Command{
		Use:   "rotate",
		Short: "Print the configured keyset with a new key in use, or reseal the secrets with it",
		Long: `Print the configured keyset with a new key in use; the old keys stay in it and
open what they encrypted. Nothing changes until the new keyset is given to the
processes.

` + rotationOrder,
		Example: `  (umask 077; starter keyset rotate > keyset-2.json)
  KVITT_KEYSET_FILE=$PWD/keyset-2.json starter keyset rotate --reseal`,
		Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case prepare && reseal:
				return usagef("--prepare and --reseal are two steps of a rotation, not one")
			case reseal:
				return a.reseal(c.Context())
			default:
				return a.rotate(prepare)
			}
		},
	}
	c.Flags().BoolVar(&prepare, "prepare", false, "add the new key without using it yet, for a restart one process at a time")
	c.Flags().BoolVar(&reseal, "reseal", false, "encrypt the stored secrets with the key in use of the configured keyset, and print no keyset")
	return c
}

func (a *app) rotate(prepare bool) error {
	c, err := config.Load()
	if err != nil {
		return err
	}
	change := vault.Rotate
	if prepare {
		change = vault.Prepare
	}
	text, err := change(c.Keyset.Reveal())
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(a.Out, text); err != nil {
		return err
	}
	a.say("%s", rotationOrder)
	return nil
}

func (a *app) reseal(ctx context.Context) error {
	s, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	n, err := s.vault.Reseal(ctx)
	if err != nil {
		return &operate.Error{Attempted: "reseal the secrets", Happened: fmt.Sprintf("%d were resealed, then: %v", n, err), Err: err, Helps: "Run it again; what was resealed stays so."}
	}
	document := struct {
		Resealed int `json:"resealed"`
	}{n}
	return a.show(document, func(w io.Writer) error {
		words := "Every secret was encrypted with the key in use already."
		if n > 0 {
			words = fmt.Sprintf("%s resealed with the key in use.", counted(n, "secret"))
		}
		_, err := fmt.Fprintln(w, words)
		return err
	})
}
