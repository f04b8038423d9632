// Package pgtest gives each test a database of its own, cloned from a template
// that has all migrations. It owns one private cluster per user and machine,
// shared by all test processes and ended by itself soon after the last of them,
// unless ADZE_TEST_DATABASE_URL names another server. A database is dropped with
// its test, and nothing that one test does is seen by another.
package pgtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/adzehq/adze/internal/base/pg"
)

// URLEnv names the environment variable with a server to use instead of the
// private cluster. Its user must be allowed to create databases.
const URLEnv = "ADZE_TEST_DATABASE_URL"

const (
	// setupWaitMax bounds what a test waits for its database; most of it is the
	// start of the cluster and the making of the template, once.
	setupWaitMax = 2 * time.Minute
	// connsMax is per test. Many run at once on one server.
	connsMax = 8
)

// Open returns a pool on a migrated database that only t uses. The pool is
// closed and the database dropped when t ends.
func Open(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool, err := pg.Open(t.Context(), URL(t), pg.Options{ConnsMax: connsMax})
	if err != nil {
		t.Fatalf("open test database: %v", err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// URL is the address of a migrated database that only t uses, dropped when t
// ends, whoever is still connected.
func URL(t testing.TB) string {
	t.Helper()
	return create(t, template)
}

// EmptyURL is the same without any migration.
func EmptyURL(t testing.TB) string {
	t.Helper()
	return create(t, func(context.Context, string) (string, error) { return "template0", nil })
}

// create clones the database that source names on the server it is given.
func create(t testing.TB, source func(ctx context.Context, server string) (string, error)) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), setupWaitMax)
	defer cancel()
	server, err := serverURL(ctx)
	if err != nil {
		t.Fatalf("find test server: %v", err)
	}
	from, err := source(ctx, server)
	if err != nil {
		t.Fatalf("make template database: %v", err)
	}
	name := "test_" + strings.ToLower(rand.Text())
	if err := execute(ctx, server, "create database "+name+" template "+from); err != nil {
		t.Fatalf("clone test database: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), setupWaitMax)
		defer cancel()
		if err := execute(ctx, server, "drop database if exists "+name+" with (force)"); err != nil {
			t.Errorf("drop test database: %v", err)
		}
	})
	address, err := withDatabase(server, name)
	if err != nil {
		t.Fatalf("name test database: %v", err)
	}
	return address
}

// execute runs one statement on a connection of its own: a pool kept between
// tests would show up as a leak in every package that looks for them.
func execute(ctx context.Context, url, sql string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, sql)
	return err
}

// withDatabase is address with another database in its path.
func withDatabase(address, name string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", URLEnv, err)
	}
	u.Path = "/" + name
	return u.String(), nil
}
