// Package rest serves HTTP: whether the engine lives and is ready, its metrics, what
// runs stream, and a page that says what this is.
//
// It owns the routes. It promises that /healthz asks nothing of the database, so
// that a supervisor does not restart an engine whose database is away, and that
// /readyz names what is missing.
package rest

import (
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/adzehq/adze/internal/edge/drain"
)

const (
	// readyTimeout bounds the look at whether the engine is ready: a database that
	// answers later than this is none to serve from.
	readyTimeout = 2 * time.Second

	headerTimeout  = 10 * time.Second
	idleTimeout    = 2 * time.Minute
	headerBytesMax = 64 << 10
)

// Check is one thing that an engine needs to be ready.
type Check struct {
	Name string
	Ask  func(ctx context.Context) error // nil = it is there
}

// Config is what the routes show.
type Config struct {
	Checks   []Check
	Metrics  prometheus.Gatherer
	Version  string
	GRPCAddr string
	Log      *slog.Logger
	Auth     Bearers
	Streams  Streams
	Hatchet  http.Handler // serves what is below /api/; nil = nothing

	open *drain.Streams // those under way; nil: they end with their clients only
}

// NewServer is the HTTP server, not yet listening.
func NewServer(c Config) *http.Server {
	c.open = drain.New()
	server := &http.Server{
		Handler:           Handler(c),
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    headerBytesMax,
		ErrorLog:          slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug),
	}
	server.RegisterOnShutdown(c.open.Drain) // a stream would last as long as its run
	return server
}

// Handler are the routes.
func Handler(c Config) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", c.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(c.Metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /v1/runs/{run}/stream", c.stream)
	if c.Hatchet != nil {
		mux.Handle("/api/", c.Hatchet)
	}
	mux.HandleFunc("GET /{$}", c.page)
	return mux
}

// ready asks all checks and lists those that fail.
func (c Config) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	var missing strings.Builder
	for _, check := range c.Checks {
		if err := check.Ask(ctx); err != nil {
			fmt.Fprintf(&missing, "%s: %v\n", check.Name, err)
		}
	}
	if missing.Len() > 0 {
		say(w, http.StatusServiceUnavailable, missing.String())
		return
	}
	say(w, http.StatusOK, "ready\n")
}

//go:embed page.html
var pageHTML string

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

func (c Config) page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := pageTemplate.Execute(w, c); err != nil {
		c.Log.Debug("page was not sent", "error", err)
	}
}

func say(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(text)) // who asked may be gone
}
