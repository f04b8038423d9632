// Package pg opens the pool of connections to Postgres, names what a statement runs on, and
// reads rows by the thousand. It owns the session settings that every connection of ours
// has and the range of server versions that Adze supports. A pool that Open
// returns has answered a query on a supported server; the statements themselves
// live with the rows they write (internal/record).
package pg

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// DB is what a statement runs on: a pool, a connection or a transaction. Who
// decides what is atomic opens the transaction and passes it down.
type DB interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// Beginner is what a transaction can be opened on: a pool, a connection, or a
// transaction (then it is a savepoint).
type Beginner interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

var (
	_ DB = (*pgxpool.Pool)(nil)
	_ DB = (*pgx.Conn)(nil)
	_ DB = pgx.Tx(nil)

	_ Beginner = (*pgxpool.Pool)(nil)
	_ Beginner = (*pgx.Conn)(nil)
	_ Beginner = pgx.Tx(nil)
)

// LockClass is the first key of every advisory lock of Adze's ("adze" in ASCII).
// The second key is a shard, or one of the negative numbers below.
const LockClass int32 = 0x61647a65

// Second keys of locks that belong to no shard.
const (
	LockMigrate int32 = -1 // held while one migration runs
)
