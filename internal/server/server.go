package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/adzehq/adze/internal/base/lifecycle"
	"github.com/adzehq/adze/internal/edge/grpcapi"
	"github.com/adzehq/adze/internal/edge/hatchet"
	"github.com/adzehq/adze/internal/edge/rest"
	hatchetrest "github.com/adzehq/adze/internal/edge/rest/hatchet"
)

// drainTimeout bounds how long calls under way may take when the server stops.
const drainTimeout = 5 * time.Second

// Server is an engine with its wires.
type Server struct {
	engine  *Engine
	api     *grpcapi.Server
	hatchet *hatchet.Server
	grpc    *grpc.Server
	http    *http.Server
	secure  bool

	grpcListener net.Listener
	httpListener net.Listener
}

// Open makes the engine and binds the addresses. Run serves them; Close is for a
// server that is not run.
func Open(ctx context.Context, config Config, version string, log *slog.Logger) (*Server, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	certificate, err := config.tls()
	if err != nil {
		return nil, err
	}
	s := &Server{secure: certificate != nil}
	if err := s.listen(ctx, config, certificate); err != nil {
		s.Close()
		return nil, err
	}
	engine := config.engine(log)
	engine.Address = s.GRPCAddr()
	if s.engine, err = OpenEngine(ctx, engine); err != nil {
		s.Close()
		return nil, err
	}
	if !s.secure && !s.local() {
		log.Warn("serving tokens and payloads in plain text", "grpc_addr", s.GRPCAddr())
	}
	s.api = grpcapi.NewServer(grpcapi.Config{
		Shards: s.engine.shards,
		Reader: s.engine.Reader(),
		Auth:   s.engine.auth,
		Limits: s.engine.config.Limits,
		Clock:  s.engine.config.Clock,
		Log:    log,
	})
	s.engine.metrics.MustRegister(s.api.Metrics())
	s.grpc = s.api.GRPC(grpcOptions(certificate)...)
	s.hatchet = hatchet.NewServer(hatchet.Config{
		Shards: s.engine.shards,
		DB:     s.engine.pool,
		Limits: s.engine.config.Limits,
		Clock:  s.engine.config.Clock,
		Log:    log,
		Status: s.api.Status,
	})
	s.hatchet.RegisterOn(s.grpc)
	s.http = rest.NewServer(rest.Config{
		Checks:   s.engine.checks(),
		Metrics:  s.engine.metrics,
		Version:  version,
		GRPCAddr: s.GRPCAddr(),
		Log:      log,
		Auth:     s.engine.auth,
		Streams:  s.engine.Reader(),
		Hatchet: hatchetrest.Handler(hatchetrest.Config{
			Shards: s.engine.shards,
			DB:     s.engine.pool,
			Limits: s.engine.config.Limits,
			Clock:  s.engine.config.Clock,
			Log:    log,
			Auth:   s.engine.auth,
			Wire:   s.hatchet,
		}),
	})
	return s, nil
}

// listen binds both addresses first: a port that is taken is found before the
// database is touched.
func (s *Server) listen(ctx context.Context, c Config, certificate *tls.Config) (err error) {
	var network net.ListenConfig
	if s.grpcListener, err = network.Listen(ctx, "tcp", c.GRPCAddr); err != nil {
		return fmt.Errorf("listen for gRPC (--grpc-addr): %w", err)
	}
	if s.httpListener, err = network.Listen(ctx, "tcp", c.HTTPAddr); err != nil {
		return fmt.Errorf("listen for HTTP (--http-addr): %w", err)
	}
	if certificate != nil {
		s.httpListener = tls.NewListener(s.httpListener, certificate)
	}
	return nil
}

func grpcOptions(certificate *tls.Config) []grpc.ServerOption {
	if certificate == nil {
		return nil
	}
	return []grpc.ServerOption{grpc.Creds(credentials.NewTLS(certificate))}
}

// Run serves until ctx ends or a part fails. First nothing more is taken and the
// streams are told, then the shards end with all they have decided committed.
func (s *Server) Run(ctx context.Context) error {
	defer s.Close()
	return lifecycle.Run(ctx,
		lifecycle.Part{Name: "engine", Runner: s.engine},
		lifecycle.Part{Name: "tokens of streams", Runner: s.engine.auth},
		lifecycle.Part{Name: "Hatchet workers", Runner: s.hatchet},
		lifecycle.Part{Name: "HTTP", Runner: lifecycle.RunnerFunc(s.serveHTTP)},
		lifecycle.Part{Name: "gRPC", Runner: lifecycle.RunnerFunc(s.serveGRPC)},
	)
}

func (s *Server) serveGRPC(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- s.grpc.Serve(s.grpcListener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	s.api.Drain()
	s.hatchet.Drain()
	late := time.AfterFunc(drainTimeout, s.grpc.Stop)
	defer late.Stop()
	s.grpc.GracefulStop()
	return <-ended
}

func (s *Server) serveHTTP(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- s.http.Serve(s.httpListener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	patient, stop := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer stop()
	if err := s.http.Shutdown(patient); err != nil {
		_ = s.http.Close()
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// local tells whether gRPC can be reached from this machine only.
func (s *Server) local() bool {
	tcp, ok := s.grpcListener.Addr().(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// Ready returns once all is served.
func (s *Server) Ready(ctx context.Context) error { return s.engine.Ready(ctx) }

// Engine is the engine behind the wires.
func (s *Server) Engine() *Engine { return s.engine }

// GRPCAddr is where gRPC is served.
func (s *Server) GRPCAddr() string { return s.grpcListener.Addr().String() }

// Secure tells whether both are served with TLS.
func (s *Server) Secure() bool { return s.secure }

// HTTPURL is where HTTP is served.
func (s *Server) HTTPURL() string {
	scheme := "http://"
	if s.secure {
		scheme = "https://"
	}
	return scheme + s.httpListener.Addr().String()
}

// Close gives back what Open took. Run does it by itself.
func (s *Server) Close() {
	for _, l := range []net.Listener{s.grpcListener, s.httpListener} {
		if l != nil {
			_ = l.Close() // served or not, it is closed then
		}
	}
	if s.engine != nil {
		s.engine.Close()
	}
}

// checks are what an engine needs to be ready.
func (e *Engine) checks() []rest.Check {
	return []rest.Check{
		{Name: "database", Ask: e.pool.Ping},
		{Name: "journal", Ask: func(context.Context) error { return e.journal.LastError() }},
		{Name: "shards", Ask: e.Ready},
	}
}
