package keeper

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
)

//go:embed missing.sql
var missingSQL string

// daysMax bounds one call: an id that names a day years away is a fault, not a
// reason to make a thousand tables.
const daysMax = 400

// partition is one table: a day of a parent.
type partition struct {
	parent string
	from   time.Time // midnight, UTC
}

// name is like task_20261122.
func (p partition) name() string { return p.parent + "_" + p.from.Format("20060102") }

// statements make the partition. It is a table of its own first and attached
// then: "partition of" would lock the parent against all readers and writers,
// and wait behind the longest of them.
func (p partition) statements() string {
	first, past := id.First(p.from), id.First(p.from.AddDate(0, 0, 1))
	return fmt.Sprintf(`
create table adze.%[1]s (like adze.%[2]s including all);
alter table adze.%[2]s attach partition adze.%[1]s for values from (%[3]d) to (%[4]d)`,
		p.name(), p.parent, int64(first), int64(past))
}

// day is the midnight, UTC, that t's day begins with.
func day(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// ensure makes the partitions of all parents from the day first to the day last
// that are missing.
func (k *Keeper) ensure(ctx context.Context, first, last time.Time) error {
	wanted, err := partitions(first, last)
	if err != nil {
		return err
	}
	missing, err := k.missing(ctx, k.pool, wanted)
	if err != nil || len(missing) == 0 {
		return err
	}
	made := 0
	err = pgx.BeginFunc(ctx, k.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock($1, $2)", pg.LockClass, lockPartitions); err != nil {
			return err
		}
		missing, err := k.missing(ctx, tx, missing) // another engine may have made them
		if err != nil {
			return err
		}
		made = len(missing)
		for _, p := range missing {
			if _, err := tx.Exec(ctx, p.statements()); err != nil {
				return fmt.Errorf("make %s: %w", p.name(), err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	k.log.Info("made partitions", "partitions", made, "first", first.Format(time.DateOnly), "last", last.Format(time.DateOnly))
	return nil
}

// partitions are those of all parents from the day first to the day last.
func partitions(first, last time.Time) ([]partition, error) {
	if days := last.Sub(first)/(24*time.Hour) + 1; days > daysMax {
		return nil, fmt.Errorf("%d days, at most %d at once", days, daysMax)
	}
	var all []partition
	for _, parent := range parents {
		for d := first; !d.After(last); d = d.AddDate(0, 0, 1) {
			all = append(all, partition{parent, d})
		}
	}
	return all, nil
}

// missing are those of the partitions that do not exist.
func (k *Keeper) missing(ctx context.Context, db pg.DB, wanted []partition) ([]partition, error) {
	names := make([]string, len(wanted))
	for i, p := range wanted {
		names[i] = p.name()
	}
	rows, err := db.Query(ctx, missingSQL, names)
	if err != nil {
		return nil, fmt.Errorf("look up %d partitions: %w", len(wanted), err)
	}
	absent, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("look up %d partitions: %w", len(wanted), err)
	}
	return slices.DeleteFunc(slices.Clone(wanted), func(p partition) bool {
		return !slices.Contains(absent, p.name())
	}), nil
}
