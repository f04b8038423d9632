package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/adzehq/adze/internal/record/migrations"
)

// clockSkewMax is how far this machine's clock and the database's may be apart:
// beyond it, times in lists and in other tools' queries no longer fit.
const clockSkewMax = 2 * time.Second

type doctorCmd struct{ database }

var errUnwell = errors.New("the database is not as it should be")

// Run prints a line for each check, and fails if one does.
func (c *doctorCmd) Run(e *env) error {
	pool, err := c.open(e)
	if err != nil {
		return err
	}
	defer pool.Close()
	unwell := false
	for _, check := range []struct {
		name string
		ask  func(context.Context, *pgxpool.Pool) (string, error)
	}{
		{"version", serverVersion}, {"migrations", migrated}, {"clock", clockSkew}, {"durability", durable}, {"partitions", partitioned},
	} {
		found, err := check.ask(e.ctx, pool)
		mark := "ok  "
		if err != nil {
			unwell, mark, found = true, "FAIL", err.Error()
		}
		fmt.Fprintf(e.stdout, "%s  %-10s  %s\n", mark, check.name, found)
	}
	if unwell {
		return errUnwell
	}
	return nil
}

// serverVersion is only told: pg.Open has refused what is too old.
func serverVersion(ctx context.Context, pool *pgxpool.Pool) (version string, err error) {
	err = pool.QueryRow(ctx, "show server_version").Scan(&version)
	return "Postgres " + version, err
}

func migrated(ctx context.Context, pool *pgxpool.Pool) (string, error) {
	list, err := migrations.Status(ctx, pool)
	if err != nil {
		return "", err
	}
	for _, m := range list {
		if m.AppliedAt.IsZero() {
			return "", fmt.Errorf("%s is pending: run adze migrate up, or start the engine", m.Name)
		}
	}
	return fmt.Sprintf("%d applied", len(list)), nil
}

func clockSkew(ctx context.Context, pool *pgxpool.Pool) (string, error) {
	before := time.Now()
	var theirs time.Time
	if err := pool.QueryRow(ctx, "select clock_timestamp()").Scan(&theirs); err != nil {
		return "", err
	}
	ours := before.Add(time.Since(before) / 2) // the answer was made half-way
	skew := theirs.Sub(ours).Round(time.Millisecond)
	if skew.Abs() > clockSkewMax {
		return "", fmt.Errorf("the database's clock is %s apart from this machine's: set both by NTP", skew)
	}
	return fmt.Sprintf("%s apart", skew), nil
}

// durable looks for settings under which an answer does not survive a crash.
func durable(ctx context.Context, pool *pgxpool.Pool) (string, error) {
	for setting, why := range map[string]string{
		"fsync":              "a crash of the machine may destroy the database",
		"synchronous_commit": "the last answers before a crash may be lost",
		"full_page_writes":   "a crash of the machine may destroy the database",
	} {
		var value string
		if err := pool.QueryRow(ctx, "select current_setting($1)", setting).Scan(&value); err != nil {
			return "", err
		}
		if value == "off" {
			return "", fmt.Errorf("%s is off: %s", setting, why)
		}
	}
	return "commits survive a crash", nil
}

// partitioned looks whether there is a partition for tomorrow's rows.
func partitioned(ctx context.Context, pool *pgxpool.Pool) (string, error) {
	tomorrow := "adze.task_" + time.Now().UTC().AddDate(0, 0, 1).Format("20060102")
	var exists bool
	if err := pool.QueryRow(ctx, "select to_regclass($1) is not null", tomorrow).Scan(&exists); err != nil {
		return "", err
	}
	if !exists {
		return "", fmt.Errorf("there is no %s: no engine has run here for a week or ever; start one, it makes them", tomorrow)
	}
	return "made ahead", nil
}
