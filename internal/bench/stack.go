package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	neturl "net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/internal/base/localpg"
	"github.com/adzehq/adze/internal/record/migrations"
)

const (
	startPatience = 20 * time.Second
	stopPatience  = 10 * time.Second
	pollPause     = 2 * time.Millisecond
)

// quiet keeps the upkeep of a database that lives for seconds out of the progress.
var quiet = slog.New(slog.DiscardHandler)

// cluster is the Postgres server of a run. Each mode has a database of its own, so
// that none inherits another's rows.
type cluster struct {
	server *localpg.Server
	admin  *pgx.Conn
}

func startCluster(ctx context.Context, dir string) (*cluster, error) {
	server, err := localpg.Start(ctx, localpg.Config{DataDir: filepath.Join(dir, "postgres"), Log: quiet})
	if err != nil {
		return nil, fmt.Errorf("start postgres: %w", err)
	}
	admin, err := pgx.Connect(ctx, server.URL())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("connect to postgres: %w", err), server.Stop(ctx))
	}
	return &cluster{server, admin}, nil
}

func (c *cluster) stop(ctx context.Context) error {
	return errors.Join(c.admin.Close(ctx), c.server.Stop(ctx))
}

// database makes a migrated database and returns its URL.
func (c *cluster) database(ctx context.Context, name string) (string, error) {
	name = "bench_" + name
	if _, err := c.admin.Exec(ctx, "create database "+pgx.Identifier{name}.Sanitize()); err != nil {
		return "", fmt.Errorf("create database: %w", err)
	}
	parsed, err := neturl.Parse(c.server.URL())
	if err != nil {
		return "", fmt.Errorf("parse database url: %w", err)
	}
	parsed.Path = "/" + name
	url := parsed.String()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return "", fmt.Errorf("connect to %s: %w", name, err)
	}
	defer conn.Close(ctx)
	if _, err := migrations.Up(ctx, conn); err != nil {
		return "", fmt.Errorf("migrate %s: %w", name, err)
	}
	return url, nil
}

func (c *cluster) drop(ctx context.Context, name string) error {
	_, err := c.admin.Exec(ctx, "drop database "+pgx.Identifier{"bench_" + name}.Sanitize()+" with (force)")
	return err
}

// engine is an `adze server` in a process of its own.
type engine struct {
	command *exec.Cmd
	output  bytes.Buffer
	address string
	token   string
}

// startEngine starts this same binary as a server of the database.
func startEngine(ctx context.Context, url string) (*engine, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find own binary: %w", err)
	}
	addresses, err := freeAddresses(2)
	if err != nil {
		return nil, err
	}
	e := &engine{address: addresses[0]}
	env := append(os.Environ(), "ADZE_DATABASE_URL="+url, "ADZE_GRPC_ADDR="+addresses[0], "ADZE_HTTP_ADDR="+addresses[1])
	e.command = exec.Command(self, "server")
	e.command.Env = env
	e.command.Stdout, e.command.Stderr = &e.output, &e.output
	if err := e.command.Start(); err != nil {
		return nil, fmt.Errorf("start engine: %w", err)
	}
	token := exec.CommandContext(ctx, self, "token", "create")
	token.Env = env
	printed, err := token.Output()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("create token: %w", err), e.stop())
	}
	e.token = strings.TrimSpace(string(printed))
	return e, nil
}

// freeAddresses finds ports that nobody listens on right now.
func freeAddresses(n int) ([]string, error) {
	addresses := make([]string, n)
	for i := range addresses {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find free port: %w", err)
		}
		defer listener.Close()
		addresses[i] = listener.Addr().String()
	}
	return addresses, nil
}

// dial connects to the engine as soon as it serves.
func (e *engine) dial(ctx context.Context) (*adze.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for {
		client, err := adze.Dial(ctx, adze.Address(e.address), adze.Token(e.token))
		if err == nil {
			return client, nil
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("dial engine: %w\n%s", err, e.output.String())
		}
		time.Sleep(10 * pollPause)
	}
}

func (e *engine) pid() int { return e.command.Process.Pid }

// stop asks the engine to end, and ends it if it does not.
func (e *engine) stop() error {
	_ = e.command.Process.Signal(os.Interrupt)
	killer := time.AfterFunc(stopPatience, func() { _ = e.command.Process.Kill() })
	defer killer.Stop()
	if err := e.command.Wait(); err != nil {
		return fmt.Errorf("engine ended: %w\n%s", err, e.output.String())
	}
	return nil
}

// rig is what a mode works with: a database, an engine on it, a client, a meter.
type rig struct {
	url    string // of the database
	db     *pgxpool.Pool
	engine *engine // in a process of its own
	client *adze.Client
	meter  meter
	close  []func() error
}

// newRig starts an engine in a process of its own on a fresh database.
func (b *bench) newRig(ctx context.Context, name string) (*rig, error) {
	r := &rig{}
	if err := b.openDatabase(ctx, r, name); err != nil {
		return nil, errors.Join(err, r.end())
	}
	if err := r.start(ctx); err != nil {
		return nil, errors.Join(err, r.end())
	}
	return r, nil
}

// start starts an engine in a process of its own, and connects to it.
func (r *rig) start(ctx context.Context) (err error) {
	if r.engine, err = startEngine(ctx, r.url); err != nil {
		return err
	}
	r.close = append(r.close, r.engine.stop)
	if r.client, err = r.engine.dial(ctx); err != nil {
		return err
	}
	r.close = append(r.close, r.client.Close)
	r.meter.enginePID = r.engine.pid()
	return nil
}

// restart has another engine take over.
func (r *rig) restart(ctx context.Context) error {
	n := len(r.close) - 2 // what start has added
	err := errors.Join(r.close[n+1](), r.close[n]())
	r.close = r.close[:n]
	if err != nil {
		return err
	}
	return r.start(ctx)
}

// newEmbeddedRig runs the engine in this process.
func (b *bench) newEmbeddedRig(ctx context.Context, name string) (*rig, error) {
	r := &rig{}
	err := b.openDatabase(ctx, r, name)
	if err != nil {
		return nil, errors.Join(err, r.end())
	}
	if r.client, err = adze.Open(ctx, r.url, adze.Logger(quiet)); err != nil {
		return nil, errors.Join(fmt.Errorf("open embedded engine: %w", err), r.end())
	}
	r.close = append(r.close, r.client.Close)
	r.meter.enginePID = os.Getpid()
	return r, nil
}

func (b *bench) openDatabase(ctx context.Context, r *rig, name string) (err error) {
	if r.url, err = b.cluster.database(ctx, name); err != nil {
		return err
	}
	if r.db, err = pgxpool.New(ctx, r.url); err != nil {
		return fmt.Errorf("open %s: %w", name, err)
	}
	r.meter = meter{db: r.db, postgres: b.cluster.server.PID()}
	r.close = append(r.close, func() error {
		r.db.Close()
		return b.cluster.drop(context.WithoutCancel(ctx), name)
	})
	return nil
}

// end closes all in reverse.
func (r *rig) end() (err error) {
	for i := len(r.close) - 1; i >= 0; i-- {
		err = errors.Join(err, r.close[i]())
	}
	return err
}
