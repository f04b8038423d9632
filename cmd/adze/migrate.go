package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/adzehq/adze/internal/record/migrations"
)

type migrateCmd struct {
	Up     migrateUpCmd     `cmd:"" help:"Apply what is pending. The engine does it by itself when it starts."`
	Status migrateStatusCmd `cmd:"" help:"List the migrations and when each was applied."`
}

type migrateUpCmd struct{ database }

// Run applies and lists what was pending.
func (c *migrateUpCmd) Run(e *env) error {
	pool, err := c.open(e)
	if err != nil {
		return err
	}
	defer pool.Close()
	applied, err := migrations.Up(e.ctx, pool)
	for _, name := range applied {
		fmt.Fprintln(e.stdout, "applied", name)
	}
	if err == nil && len(applied) == 0 {
		fmt.Fprintln(e.stdout, "nothing pending")
	}
	return err
}

type migrateStatusCmd struct{ database }

// Run lists the migrations.
func (c *migrateStatusCmd) Run(e *env) error {
	pool, err := c.open(e)
	if err != nil {
		return err
	}
	defer pool.Close()
	list, err := migrations.Status(e.ctx, pool)
	table := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	for _, m := range list {
		applied := "pending"
		if !m.AppliedAt.IsZero() {
			applied = m.AppliedAt.Format(time.RFC3339)
		}
		fmt.Fprintf(table, "%s\t%s\n", m.Name, applied)
	}
	_ = table.Flush()
	return err
}
