package cli

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// backedUp answers backup.
type backedUp struct {
	Database string `json:"database"`
	File     string `json:"file"`
	Size     int64  `json:"size"`
}

func (a *app) backupCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy an SQLite database into a new file, while the workers go on",
		Long: `Copy an SQLite database, as it is at one moment, into a new file that only you
can read. The workers go on meanwhile. Copying the file itself would miss what
stands in its companions (-wal).

The copy holds no key: keep one of the keyset too, in another place. To restore,
stop the workers, put the copy in the place of the database, remove its
companions (-wal, -shm), run ` + "`starter setup`" + `, start the workers, and backfill from
the day of the backup: what was posted after it is found in Visma.net.

PostgreSQL has tools of its own, such as pg_dump.`,
		Example: `  starter backup kvitt-2026-01-31.db`,
		Args:    exactly("the name of a new file"),
		RunE: a.local(func(ctx context.Context, s *session, args []string) error {
			if err := s.store.Backup(ctx, args[0]); err != nil {
				return err
			}
			info, err := os.Stat(args[0])
			if err != nil {
				return fmt.Errorf("look at the backup: %w", err)
			}
			out := backedUp{s.store.Name(), args[0], info.Size()}
			return s.show(out, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "%s was copied into %s, %d bytes. It is of no use without the keyset.\n", out.Database, out.File, out.Size)
				return err
			})
		}),
	}
}
