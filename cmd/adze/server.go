package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/adzehq/adze/internal/server"
)

type serverCmd struct {
	server.Config
}

// Run serves until a signal comes.
func (c *serverCmd) Run(e *env) error {
	s, err := server.Open(e.ctx, c.Config, version, e.log)
	if err != nil {
		return err
	}
	return serve(e, s, func() error {
		fmt.Fprintf(e.stdout, "gRPC %s\nHTTP %s\nadze: ready\n", s.GRPCAddr(), s.HTTPURL())
		return nil
	})
}

// gcPercent has garbage collected half as often as Go does of itself: an engine under load
// lives on rows that are gone at once, and what it keeps is small and bounded.
const gcPercent = 200

// serve runs s, and calls announce once all is served.
func serve(e *env, s *server.Server, announce func() error) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := context.WithCancel(e.ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	if err := s.Ready(ctx); err == nil {
		if err := announce(); err != nil {
			stop()
			return errors.Join(err, <-ended)
		}
	}
	if err := <-ended; err != nil {
		return err
	}
	e.log.Info("stopped engine", "pid", os.Getpid())
	return nil
}
