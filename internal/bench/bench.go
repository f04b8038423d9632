package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/adzehq/adze/internal/base/id"
)

// Options is what a run measures.
type Options struct {
	Wire   string    // WireNative or WireHatchet
	Driver string    // the program that loads the engine over WireHatchet; "" = built from source
	Modes  []string  // empty = all
	Quick  bool      // short loads and small backlogs: all modes within two minutes
	Log    io.Writer // progress
}

// mode is one workload.
type mode struct {
	name string
	says string
	run  func(*bench, context.Context) error
}

var modes = []mode{
	{"plain", "single submits from many goroutines, no-op tasks", (*bench).plain},
	{"bulk", "1,000 runs a call", (*bench).bulk},
	{"drain", "a backlog, then the workers start", (*bench).drain},
	{"latency", "20 a second on an idle system", (*bench).latency},
	{"backlog", "beside a deep backlog in another queue", (*bench).backlog},
	{"snapshot", "while another session holds a snapshot open", (*bench).snapshot},
	{"embedded", "the engine inside the program, no gRPC", (*bench).embedded},
	{"idle", "nothing to do", (*bench).idle},
	{"history", "14 days of history", (*bench).history},
	{"graph", "workflows of 10 tasks in a row", (*bench).graph},
	{"events", "events that start runs", (*bench).events},
	{"cron", "schedules between their ticks, and a tick of all of them", (*bench).cron},
	{"fanout", "a durable task, its 1,000 children and their results", (*bench).fanout},
	{"steps", "a durable task of 1,000 steps", (*bench).steps},
	{"classic", "a queue in SQL, with a window function or first come first served, at three depths", (*bench).classic},
	{"keys", "a queue of 1, 100 and 10,000 keys at three depths, and the same in SQL", (*bench).keys},
	{"limits", "every kind of flow control at once", (*bench).limits},
	{"sleepers", "10,000 durable tasks that sleep on 10 slots, then 1,000,000", (*bench).sleepers},
	{"fair", "a queue of 10,000 keys, one of which has 90 % of the tasks: by task, and by cost", (*bench).fair},
	{"tenants", "tenants that share the workers of one, which has 90 % of the tasks: 21 of them by task, and by cost, and 1,001; the throughput of few and of many", (*bench).tenants},
}

// The wires that a load may speak.
const (
	WireNative  = "native"
	WireHatchet = "hatchet"
)

// hatchetModes have the names of the modes that they stand beside.
var hatchetModes = []mode{
	{"plain", "single triggers from many goroutines, no-op tasks", (*bench).hatchetPlain},
	{"bulk", "1,000 runs a call", (*bench).hatchetBulk},
	{"latency", "20 a second on an idle system", (*bench).hatchetLatency},
}

func modesOf(wire string) []mode {
	if wire == WireHatchet {
		return hatchetModes
	}
	return modes
}

// Modes are the names of all modes of a wire, with what they measure.
func Modes(wire string) (names, says []string) {
	for _, m := range modesOf(wire) {
		says = append(says, m.says)
	}
	return namesOf(modesOf(wire)), says
}

func namesOf(modes []mode) (names []string) {
	for _, m := range modes {
		names = append(names, m.name)
	}
	return names
}

// bench is one run.
type bench struct {
	Options
	cluster *cluster
	report  Report
	floor   float64 // tasks/s
	idler   *idler  // if the mode idle is measured
}

// size is a number that is smaller in a quick run.
func (b *bench) size(full, quick int) int {
	if b.Quick {
		return quick
	}
	return full
}

// span is how long a load lasts.
func (b *bench) span() time.Duration { return b.pause(10*time.Second, 1500*time.Millisecond) }

// pause is a duration that is shorter in a quick run.
func (b *bench) pause(full, quick time.Duration) time.Duration {
	if b.Quick {
		return quick
	}
	return full
}

// Run measures the modes on a Postgres server of its own, below a temporary
// directory.
func Run(ctx context.Context, options Options) (_ Report, err error) {
	chosen, err := choose(modesOf(options.Wire), options.Modes)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "adze-bench-")
	if err != nil {
		return nil, fmt.Errorf("make directory: %w", err)
	}
	defer os.RemoveAll(dir)
	b := &bench{Options: options}
	b.say("starting postgres")
	if b.cluster, err = startCluster(ctx, dir); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.cluster.stop(context.WithoutCancel(ctx))) }()
	if b.Wire == WireHatchet && b.Driver == "" {
		b.say("building the driver")
		if b.Driver, err = buildDriver(ctx, dir); err != nil {
			return nil, err
		}
	}
	if err := b.measureFloor(ctx); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(chosen, func(m mode) bool { return m.name == "idle" }) {
		if err := b.startIdler(ctx); err != nil {
			return nil, fmt.Errorf("mode idle: %w", err)
		}
	}
	defer func() { err = errors.Join(err, b.stopIdler()) }()
	for _, m := range chosen {
		b.say("%s: %s", m.name, m.says)
		if err := m.run(b, ctx); err != nil {
			return b.report, fmt.Errorf("mode %s: %w", m.name, err)
		}
	}
	return b.report, nil
}

func choose(modes []mode, names []string) ([]mode, error) {
	if len(names) == 0 {
		return modes, nil
	}
	var chosen []mode
	for _, name := range names {
		at := slices.IndexFunc(modes, func(m mode) bool { return m.name == name })
		if at < 0 {
			return nil, fmt.Errorf("no mode %q: choose of %s", name, strings.Join(namesOf(modes), ", "))
		}
		chosen = append(chosen, modes[at])
	}
	return chosen, nil
}

func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.Log, "bench: "+format+"\n", args...) }

func (b *bench) measureFloor(ctx context.Context) (err error) {
	b.say("floor: the same rows by a bare program")
	url, err := b.cluster.database(ctx, "floor")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.cluster.drop(ctx, "floor")) }()
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer pool.Close()
	if err := ensurePartitions(ctx, pool, id.First(time.Now()), id.First(time.Now().Add(time.Hour))); err != nil {
		return fmt.Errorf("make partitions: %w", err)
	}
	b.floor, err = floor(ctx, pool, b.span()/2)
	return err
}

// throughput adds tasks a second, and what that is of the floor.
func (b *bench) throughput(name string, n int, took time.Duration) {
	rate := float64(n) / took.Seconds()
	b.report.add(name, "throughput", "tasks/s", rate)
	b.report.add(name, "floor_throughput", "tasks/s", b.floor)
	b.report.add(name, "floor_ratio", "ratio", rate/b.floor)
}
