package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/adzehq/adze/internal/base/localpg"
	"github.com/adzehq/adze/internal/record/tenant"
	"github.com/adzehq/adze/internal/server"
)

const (
	// dataDirDefault is where dev keeps its database and token, and where the client
	// commands look for the latter.
	dataDirDefault = ".adze"

	// devTokenTTL is the life of the token that dev writes at each start.
	devTokenTTL = 365 * 24 * time.Hour
)

type devCmd struct {
	DataDir string `name:"data-dir" env:"ADZE_DATA_DIR" default:".adze" help:"Where Postgres keeps its data, and where the token is written."`
	server.Config
}

// Run serves until a signal comes, on a Postgres of its own unless a URL is given.
func (c *devCmd) Run(e *env) error {
	return c.with(e, func(s *server.Server) error { return c.announce(e, s) })
}

// with serves as Run does, and calls announce once all is served.
func (c *devCmd) with(e *env, announce func(*server.Server) error) error {
	if err := os.MkdirAll(c.DataDir, 0o755); err != nil {
		return fmt.Errorf("make data directory (--data-dir): %w", err)
	}
	if c.DatabaseURL == "" {
		postgres, err := localpg.Start(e.ctx, localpg.Config{DataDir: filepath.Join(c.DataDir, "postgres"), Log: e.log})
		if err != nil {
			return err
		}
		defer stopPostgres(e, postgres)
		c.DatabaseURL = postgres.URL()
		e.log.Info("started postgres", "port", postgres.Port(), "data_dir", postgres.DataDir())
	}
	s, err := server.Open(e.ctx, c.Config, version, e.log)
	if err != nil {
		return err
	}
	return serve(e, s, func() error { return announce(s) })
}

func stopPostgres(e *env, postgres *localpg.Server) {
	if err := postgres.Stop(context.WithoutCancel(e.ctx)); err != nil {
		e.log.Warn("could not stop postgres", "error", err)
	}
}

// announce writes the token and says where everything is.
func (c *devCmd) announce(e *env, s *server.Server) error {
	path, err := c.writeToken(e.ctx, s)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "gRPC      %s\nHTTP      %s\nToken     %s\nDatabase  %s\n",
		s.GRPCAddr(), s.HTTPURL(), path, c.DatabaseURL)
	from, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("find token: %w", err)
	}
	for _, line := range hatchetEnvironment(s, from) {
		fmt.Fprintf(e.stdout, "Hatchet   %s\n", line)
	}
	fmt.Fprintln(e.stdout, "adze: ready")
	return nil
}

// hatchetEnvironment are the lines that point the official Hatchet SDKs here, from any
// directory: they find the addresses in the token.
func hatchetEnvironment(s *server.Server, tokenPath string) []string {
	strategy := "none"
	if s.Secure() {
		strategy = "tls"
	}
	return []string{
		`export HATCHET_CLIENT_TOKEN="$(cat ` + shellQuoted(tokenPath) + `)"`,
		"export HATCHET_CLIENT_TLS_STRATEGY=" + strategy,
	}
}

// shellQuoted is text as one word of a shell, whatever is in it.
func shellQuoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

func (c *devCmd) writeToken(ctx context.Context, s *server.Server) (path string, err error) {
	token, err := server.IssueToken(ctx, s.Engine().Pool(), server.TokenRequest{
		Tenant: tenant.DefaultName, Name: "dev", TTL: devTokenTTL, GRPCAddr: s.GRPCAddr(), HTTPURL: s.HTTPURL(),
	}, time.Now())
	if err != nil {
		return "", err
	}
	path = filepath.Join(c.DataDir, "token")
	if err := writePrivate(path, token+"\n"); err != nil {
		return "", fmt.Errorf("write token: %w", err)
	}
	return path, nil
}

// writePrivate replaces a file by one that only its owner may read, in one step:
// who reads it meanwhile sees the old one or the new one.
func writePrivate(path, content string) error {
	fresh, err := os.CreateTemp(filepath.Dir(path), ".token-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = fresh.WriteString(content)
	err = errors.Join(err, fresh.Close())
	if err == nil {
		err = os.Rename(fresh.Name(), path)
	}
	if err != nil {
		_ = os.Remove(fresh.Name())
	}
	return err
}
