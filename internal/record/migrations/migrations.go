// Package migrations brings a database to the schema that this binary was built
// with. It owns the numbered .sql files beside it and the table adze.migration,
// which remembers those that have run. Each runs once, in order, in a
// transaction of its own, however many processes start at the same time.
package migrations

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/pg"
)

//go:embed *.sql
var files embed.FS

// ErrNewer says that the database holds migrations which this binary does not
// know: a newer Adze has been here, and this one might misread its rows.
var ErrNewer = errors.New("the database was migrated by a newer version of Adze; upgrade this one")

// Migration is one step of the schema and when it ran here.
type Migration struct {
	Name      string    // like "0001_main_job"
	AppliedAt time.Time // zero = pending
}

// Up applies what is pending and returns its names, in order. On an error the
// migrations named have been committed and the one that failed has left no trace.
// It waits without bound for another process that migrates: ctx is the bound.
func Up(ctx context.Context, db pg.Beginner) (applied []string, err error) {
	for {
		name, err := applyNext(ctx, db)
		if err != nil {
			return applied, err
		}
		if name == "" {
			return applied, nil
		}
		applied = append(applied, name)
	}
}

// Status lists the migrations of this binary in order, those that are pending
// with a zero AppliedAt. It fails with ErrNewer, and still lists, when the
// database knows more.
func Status(ctx context.Context, db pg.DB) ([]Migration, error) {
	ran, err := readApplied(ctx, db)
	if err != nil {
		return nil, err
	}
	var list []Migration
	for _, name := range names() {
		list = append(list, Migration{Name: name, AppliedAt: ran[name]})
		delete(ran, name)
	}
	return list, checkUnknown(ran)
}

// Digest is a short hash of all migrations: the same digest is the same schema.
func Digest() string {
	sum := sha256.New()
	for _, name := range names() {
		fmt.Fprintf(sum, "%s\x00%s\x00", name, body(name))
	}
	return hex.EncodeToString(sum.Sum(nil)[:6])
}

// applyNext runs the first pending migration and returns its name, or "" when
// there is none.
func applyNext(ctx context.Context, db pg.Beginner) (string, error) {
	var name string
	err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if err := lock(ctx, tx); err != nil {
			return err
		}
		// Read under the lock: whoever held it before may have done our work.
		list, err := Status(ctx, tx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(list, func(m Migration) bool { return m.AppliedAt.IsZero() })
		if i < 0 {
			return nil
		}
		name = list[i].Name
		return apply(ctx, tx, name)
	})
	if err != nil {
		return "", fmt.Errorf("migrate database: %w", err)
	}
	return name, nil
}

// lock waits until no other process migrates. The wait may be as long as
// somebody's migration; after it, lock_timeout guards running traffic again.
func lock(ctx context.Context, tx pgx.Tx) error {
	const wait = "set local lock_timeout = 0"
	const guard = "set local lock_timeout = '10s'"
	if _, err := tx.Exec(ctx, wait); err != nil {
		return fmt.Errorf("lock migrations: %w", err)
	}
	if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock($1, $2)", pg.LockClass, pg.LockMigrate); err != nil {
		return fmt.Errorf("lock migrations: %w", err)
	}
	if _, err := tx.Exec(ctx, guard); err != nil {
		return fmt.Errorf("lock migrations: %w", err)
	}
	return nil
}

// apply runs one migration and writes it down. The first one makes the schema
// that the table lives in, so the table is made after it.
func apply(ctx context.Context, tx pgx.Tx, name string) error {
	if _, err := tx.Exec(ctx, body(name)); err != nil {
		return fmt.Errorf("apply %s: %w", name, err)
	}
	const table = `
		create table if not exists adze.migration (
			name        text primary key,
			applied_at  timestamptz not null default now()
		)`
	if _, err := tx.Exec(ctx, table); err != nil {
		return fmt.Errorf("create table migration: %w", err)
	}
	if _, err := tx.Exec(ctx, "insert into adze.migration (name) values ($1)", name); err != nil {
		return fmt.Errorf("record %s: %w", name, err)
	}
	return nil
}

// readApplied is empty for a database that Adze has never seen.
func readApplied(ctx context.Context, db pg.DB) (map[string]time.Time, error) {
	ran := map[string]time.Time{}
	// Not to_regclass: that may answer from what the session remembers, which the
	// wait for another migration has made false.
	const look = "select exists (select from pg_tables where schemaname = 'adze' and tablename = 'migration')"
	var exists bool
	err := db.QueryRow(ctx, look).Scan(&exists)
	if err != nil {
		return nil, fmt.Errorf("look for migrations: %w", err)
	}
	if !exists {
		return ran, nil
	}
	rows, err := db.Query(ctx, "select name, applied_at from adze.migration")
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	var m Migration
	_, err = pgx.ForEachRow(rows, []any{&m.Name, &m.AppliedAt}, func() error {
		ran[m.Name] = m.AppliedAt
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return ran, nil
}

func checkUnknown(ran map[string]time.Time) error {
	if len(ran) == 0 {
		return nil
	}
	unknown := slices.Sorted(maps.Keys(ran))
	return fmt.Errorf("migration %s is unknown: %w", unknown[0], ErrNewer)
}

// names are the stems of the .sql files, ascending.
func names() []string {
	paths, err := fs.Glob(files, "*.sql")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	slices.Sort(paths)
	for i, path := range paths {
		paths[i] = strings.TrimSuffix(path, ".sql")
	}
	return paths
}

func body(name string) string {
	text, err := files.ReadFile(name + ".sql")
	if err != nil {
		panic(err) // the name comes from names
	}
	return string(text)
}
