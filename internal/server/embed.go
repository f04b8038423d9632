package server

import (
	"context"
	"fmt"
	"sync"

	"github.com/adzehq/adze/internal/embed"
	"github.com/adzehq/adze/internal/record/tenant"
)

// Embed opens an engine, runs it in the background and returns once it serves the
// default tenant. Its Close stops it and tells why it ended, if not by Close.
func Embed(ctx context.Context, config EngineConfig) (embed.Engine, error) {
	e, err := OpenEngine(ctx, config)
	if err != nil {
		return embed.Engine{}, err
	}
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- e.Run(life) }()
	closeOnce := sync.OnceValue(func() error {
		stop()
		return <-ended
	})
	if err := e.Ready(ctx); err != nil {
		if ended := closeOnce(); ended != nil {
			err = ended
		}
		return embed.Engine{}, fmt.Errorf("start engine: %w", err)
	}
	return embed.Engine{
		Tenant: tenant.DefaultID,
		Shards: e.shards,
		Limits: e.config.Limits,
		Reader: e.Reader(),
		Close:  closeOnce,
	}, nil
}
