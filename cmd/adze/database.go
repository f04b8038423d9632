package main

import (
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/pg"
)

// database is how commands that work on a database find it.
type database struct {
	DatabaseURL string `name:"database-url" env:"ADZE_DATABASE_URL" placeholder:"URL" help:"Postgres to work on, like postgres://user@host/db."`
}

func (d *database) open(e *env) (*pgxpool.Pool, error) {
	if d.DatabaseURL == "" {
		return nil, fault.New(fault.Invalid, "database-url", "is empty; give --database-url or set ADZE_DATABASE_URL")
	}
	return pg.Open(e.ctx, d.DatabaseURL, pg.Options{ConnsMax: 2, Log: e.log})
}
