package adze

import (
	"context"
	"fmt"

	"github.com/adzehq/adze/internal/server"
)

// Open runs an engine inside the program, on the Postgres (14 or newer) at
// databaseURL, and returns a client of it: the same API without a network between.
// The database is brought up to date first. One engine serves a database at a time;
// Open waits up to 30 s for another one to let go. Of the options, [Logger] counts.
func Open(ctx context.Context, databaseURL string, options ...Option) (*Client, error) {
	c := newConfig(options)
	engine, err := server.Embed(ctx, server.EngineConfig{DatabaseURL: databaseURL, Log: c.log})
	if err != nil {
		return nil, fmt.Errorf("open engine: %w", publicError(err))
	}
	return Embed(engine, c.log), nil
}
