package pgtest

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/pg"
	"github.com/adzehq/adze/internal/record/migrations"
)

// lockTemplate is held while the template is made. Session-level: create
// database refuses to run in a transaction.
const lockTemplate int32 = -100

// template is the name of the database that has all migrations of this build.
// The first that asks makes it; another set of migrations is another template.
func template(ctx context.Context, server string) (name string, err error) {
	name = "template_" + migrations.Digest()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return "", err
	}
	// Closing the connection frees the lock.
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	if found, err := databaseExists(ctx, conn, name); found || err != nil {
		return name, err
	}
	if _, err := conn.Exec(ctx, "select pg_advisory_lock($1, $2)", pg.LockClass, lockTemplate); err != nil {
		return "", fmt.Errorf("lock template: %w", err)
	}
	if found, err := databaseExists(ctx, conn, name); found || err != nil {
		return name, err
	}
	return name, makeTemplate(ctx, conn, server, name)
}

// makeTemplate gives the database its name last: what has the name is complete.
func makeTemplate(ctx context.Context, conn *pgx.Conn, server, name string) error {
	draft := name + "_draft"
	if _, err := conn.Exec(ctx, "drop database if exists "+draft); err != nil {
		return fmt.Errorf("drop draft: %w", err)
	}
	if _, err := conn.Exec(ctx, "create database "+draft+" template template0"); err != nil {
		return fmt.Errorf("create draft: %w", err)
	}
	address, err := withDatabase(server, draft)
	if err != nil {
		return err
	}
	if err := migrate(ctx, address); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "alter database "+draft+" rename to "+name); err != nil {
		return fmt.Errorf("name template: %w", err)
	}
	return nil
}

func migrate(ctx context.Context, address string) error {
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	// Closed before the rename, which wants nobody connected.
	_, err = migrations.Up(ctx, conn)
	return errors.Join(err, conn.Close(context.WithoutCancel(ctx)))
}

func databaseExists(ctx context.Context, conn *pgx.Conn, name string) (found bool, err error) {
	const query = "select exists (select from pg_database where datname = $1)"
	if err := conn.QueryRow(ctx, query, name).Scan(&found); err != nil {
		return false, fmt.Errorf("look for template: %w", err)
	}
	return found, nil
}
