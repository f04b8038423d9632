package server

import (
	"context"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/adzehq/adze/internal/record/migrations"
)

// migrate brings the schema up to date and says what it did.
func migrate(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) error {
	applied, err := migrations.Up(ctx, pool)
	for _, name := range applied {
		log.Info("applied migration", "migration", name)
	}
	return err
}
