package pg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// VersionMin and VersionMax are the major versions that Adze is tested on.
	// An older server is refused; a newer one is used with a warning.
	VersionMin = 14
	VersionMax = 18

	connsDefault       = 8
	connectWaitDefault = 30 * time.Second

	// Waits between attempts to connect double from the first to the last.
	retryWaitMin = 50 * time.Millisecond
	retryWaitMax = 2 * time.Second
)

// session is set on every connection, unless the URL sets the same name.
var session = map[string]string{
	"application_name": "adze",
	"timezone":         "UTC",
	// Statements name the schema. A user called adze would otherwise have it in
	// the path by default, and hide one that does not.
	"search_path": "pg_catalog",
	// Our statements take a few ms at most: compiling one costs more than it saves.
	"jit": "off",
	// A statement that waits this long for a lock meets somebody else's DDL:
	// better an error that is retried than a queue behind it.
	"lock_timeout": "10s",
	// A transaction of ours never waits for anything but Postgres. One that sits
	// idle belongs to a process that hangs, and holds back vacuum for all.
	"idle_in_transaction_session_timeout": "30s",
}

// Options are the choices of who opens a pool. The zero value is usable.
type Options struct {
	ConnsMax    int32         // connections held at most; 0 = 8
	ConnectWait time.Duration // how long Open keeps trying to reach the server; 0 = 30 s
	Log         *slog.Logger  // nil = slog.Default
}

// Open connects to the database at url and returns once it has answered. While
// the server cannot be reached or is starting up, it tries again for
// ConnectWait; what trying again cannot cure (a wrong password, no such
// database, a version below VersionMin) fails at once. No error tells the
// password.
func Open(ctx context.Context, url string, o Options) (*pgxpool.Pool, error) {
	log := cmp.Or(o.Log, slog.Default())
	config, err := Config(url)
	if err != nil {
		return nil, err
	}
	config.MaxConns = cmp.Or(o.ConnsMax, connsDefault)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open pool: %w", err)
	}
	version, err := reach(ctx, pool, cmp.Or(o.ConnectWait, connectWaitDefault), log)
	if err == nil {
		err = checkVersion(version, log)
	}
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("connect to Postgres at %s: %w", address(config), err)
	}
	return pool, nil
}

// Config reads url and adds our session settings. For callers that need
// connections of another kind than Open's pool.
func Config(url string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read database url: %w", err)
	}
	for name, value := range session {
		if _, set := config.ConnConfig.RuntimeParams[name]; !set {
			config.ConnConfig.RuntimeParams[name] = value
		}
	}
	return config, nil
}

// address names the database without its password.
func address(c *pgxpool.Config) string {
	return fmt.Sprintf("%s:%d/%s", c.ConnConfig.Host, c.ConnConfig.Port, c.ConnConfig.Database)
}

// reach asks the server for its version (like 150018) until it answers, wait is
// over, or the error is one that stays.
func reach(ctx context.Context, pool *pgxpool.Pool, wait time.Duration, log *slog.Logger) (int, error) {
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	for pause := retryWaitMin; ; pause = min(2*pause, retryWaitMax) {
		version, err := serverVersion(ctx, pool)
		if err == nil || !passing(err) || ctx.Err() != nil {
			return version, err
		}
		if pause == retryWaitMin { // who waits wants to know for what
			log.Info("postgres did not answer, waiting", "error", err, "wait_ms", wait.Milliseconds())
		}
		log.Debug("postgres did not answer", "error", err, "retry_ms", pause.Milliseconds())
		select {
		case <-ctx.Done():
			return 0, errors.Join(ctx.Err(), err)
		case <-deadline.C:
			return 0, fmt.Errorf("no answer within %s: %w", wait, err)
		case <-time.After(pause):
		}
	}
}

func serverVersion(ctx context.Context, db DB) (int, error) {
	var text string
	if err := db.QueryRow(ctx, "show server_version_num").Scan(&text); err != nil {
		return 0, err
	}
	version, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("read server version %q: %w", text, err)
	}
	return version, nil
}

// passing says whether err may go away by itself: the network, a server that
// starts or stops (class 57), or one with no connection to spare (class 53).
func passing(err error) bool {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return true
	}
	class := refused.Code[:min(2, len(refused.Code))]
	return class == "57" || class == "53" || class == "08"
}

// Unreachable says whether err is that of a statement to a server that is away,
// starting or stopping: what failed may work a little later.
func Unreachable(err error) bool {
	var connect *pgconn.ConnectError
	var network net.Error
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return passing(refused)
	}
	return errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, io.ErrUnexpectedEOF)
}

func checkVersion(version int, log *slog.Logger) error {
	major := version / 10_000
	if major < VersionMin {
		return fmt.Errorf("server is version %d, Adze needs %d to %d", major, VersionMin, VersionMax)
	}
	if major > VersionMax {
		log.Warn("postgres is newer than tested", "version", major, "tested_max", VersionMax)
	}
	return nil
}
