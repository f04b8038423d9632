package server

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"log/slog"
	"time"

	"github.com/adzehq/adze/internal/base/clock"
	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/edge/admit"
)

// Config is the one list of settings. The tags are what the command line makes its
// flags, environment and help of.
type Config struct {
	DatabaseURL string `name:"database-url" env:"ADZE_DATABASE_URL" placeholder:"URL" help:"Postgres to keep everything in, like postgres://user@host/db."`
	GRPCAddr    string `name:"grpc-addr" env:"ADZE_GRPC_ADDR" default:"127.0.0.1:7077" help:"Where workers and clients connect; port 0 takes a free one."`
	HTTPAddr    string `name:"http-addr" env:"ADZE_HTTP_ADDR" default:"127.0.0.1:8080" help:"Where health, readiness and metrics are served; port 0 takes a free one."`
	TLSCert     string `name:"tls-cert" env:"ADZE_TLS_CERT" placeholder:"FILE" help:"Certificate (PEM) to serve gRPC and HTTP with; without one they are plain text."`
	TLSKey      string `name:"tls-key" env:"ADZE_TLS_KEY" placeholder:"FILE" help:"Key (PEM) of --tls-cert."`

	InputBytesMax  int   `name:"input-bytes-max" env:"ADZE_INPUT_BYTES_MAX" default:"4194304" help:"Largest input of a run, in bytes; at most 33554432."`
	OutputBytesMax int   `name:"output-bytes-max" env:"ADZE_OUTPUT_BYTES_MAX" default:"4194304" help:"Largest output of a task, in bytes; at most 33554432."`
	CacheBytesMax  int64 `name:"cache-bytes-max" env:"ADZE_CACHE_BYTES_MAX" default:"67108864" help:"Memory for the inputs of waiting tasks, in bytes; the others are read from Postgres."`
	DatabaseConns  int32 `name:"database-conns" env:"ADZE_DATABASE_CONNS" default:"8" help:"Connections to Postgres for reads; two more write and hold the leases."`
}

// check finds settings that cannot work before anything is started.
func (c *Config) check() error {
	if c.DatabaseURL == "" {
		return fault.New(fault.Invalid, "database-url", "is empty; give --database-url or set ADZE_DATABASE_URL")
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return fault.New(fault.Invalid, "tls-cert", "and tls-key belong together; give both or neither")
	}
	for name, bytes := range map[string]int{"input-bytes-max": c.InputBytesMax, "output-bytes-max": c.OutputBytesMax} {
		if bytes < 0 || bytes > admit.PayloadBytesMax {
			return fault.New(fault.Invalid, name, "is %d, allowed is 1 to %d", bytes, admit.PayloadBytesMax)
		}
	}
	if c.DatabaseConns < 0 || c.CacheBytesMax < 0 {
		return fault.New(fault.Invalid, "database-conns", "and cache-bytes-max must not be negative")
	}
	return nil
}

// tls is the certificate to serve with; nil for plain text.
func (c *Config) tls() (*tls.Config, error) {
	if c.TLSCert == "" {
		return nil, nil
	}
	certificate, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("read TLS certificate: %w", err)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
	}, nil
}

func (c *Config) engine(log *slog.Logger) EngineConfig {
	return EngineConfig{
		DatabaseURL:   c.DatabaseURL,
		DatabaseConns: c.DatabaseConns,
		CacheBytesMax: c.CacheBytesMax,
		Limits:        admit.Limits{InputBytesMax: c.InputBytesMax, OutputBytesMax: c.OutputBytesMax},
		Log:           log,
	}
}

// EngineConfig is what an engine needs, with a wire around it or without. Only
// DatabaseURL is required.
type EngineConfig struct {
	DatabaseURL   string
	DatabaseConns int32 // connections for reads; 0 = 8
	CacheBytesMax int64 // memory for the inputs of waiting tasks, all shards together; 0 = 64 MiB
	Limits        admit.Limits
	Address       string        // where it listens; "" = it does not
	LeaseWait     time.Duration // how long another engine may take to let go; 0 = 30 s
	Clock         clock.Clock   // nil = the machine's
	Log           *slog.Logger  // nil = slog.Default
}

func (c *EngineConfig) fill() {
	c.DatabaseConns = cmp.Or(c.DatabaseConns, 8)
	c.CacheBytesMax = cmp.Or(c.CacheBytesMax, 64<<20)
	c.LeaseWait = cmp.Or(c.LeaseWait, 30*time.Second)
	c.Log = cmp.Or(c.Log, slog.Default())
	if c.Clock == nil {
		c.Clock = clock.Wall
	}
}
