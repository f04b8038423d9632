package adze

import (
	"crypto/tls"
	"encoding/json"
	"log/slog"
	"math"
	"time"

	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
)

// What options write into: a task's definition and a run, as the engine takes them.
type (
	workflow = shard.Workflow
	newRun   struct {
		shard.NewRun
		detached   bool // not a child of the task that submits it
		sameWorker bool // sticky to its worker
	}
)

// TaskOption is an option of [NewTask], [NewWorkflow] and [AddTask]. A value out of its range is refused when
// the task is registered, by a worker's start.
type TaskOption func(*workflow)

// Retries is how many failed attempts are followed by another one, 0–1,000; 0 if
// it is not given.
func Retries(n int) TaskOption {
	return func(w *workflow) { w.Tasks[0].Retries = clamp(n) }
}

// Backoff is the pause before a retry: initial × factor^(n-1) before the n-th, at
// most longest, less up to half of it by jitter. If it is not given: 1 s, 2, 60 s.
func Backoff(initial time.Duration, factor float64, longest time.Duration) TaskOption {
	return func(w *workflow) {
		w.Tasks[0].Backoff = shard.Backoff{
			InitialMS: wholeMS(initial), Factor: factor, MaxMS: wholeMS(longest),
		}
	}
}

// Timeout is how long one attempt may run, in whole milliseconds. Then its context
// ends with the cause ErrTimedOut, and the attempt counts as failed. No limit if it
// is not given.
func Timeout(d time.Duration) TaskOption {
	return func(w *workflow) { w.Tasks[0].ExecutionTimeoutMS = wholeMS(d) }
}

// ScheduleTimeout is how long the task may wait for a free worker once it is ready,
// in whole milliseconds; then it fails. No limit if it is not given.
func ScheduleTimeout(d time.Duration) TaskOption {
	return func(w *workflow) { w.Tasks[0].ScheduleTimeoutMS = wholeMS(d) }
}

// Description says what the task or workflow does, for people; at most 1,024 bytes.
func Description(text string) TaskOption {
	return func(w *workflow) { w.Description = text }
}

// RunOption is an option of one run.
type RunOption func(*newRun) error

// Priority is which of the waiting runs of a queue goes first, -1,000 to 1,000:
// the higher one, and of equal ones the older one. 0 if it is not given.
func Priority(p int) RunOption {
	return func(r *newRun) error { r.Priority = clamp(p); return nil }
}

// Delay lets the run start no sooner than d after it is stored, in whole
// milliseconds, at most ten years.
func Delay(d time.Duration) RunOption {
	return func(r *newRun) error { r.DelayMS = wholeMS(d); return nil }
}

// RunAt lets the run start no sooner than t, to the millisecond. A time that is
// over means at once. It excludes Delay.
func RunAt(t time.Time) RunOption {
	return func(r *newRun) error { r.RunAt = core.Time(t.UnixMilli()); return nil }
}

// Metadata is kept with the run, for people and filters: a value that is a JSON
// object of at most 64 KiB, such as a map[string]string.
func Metadata(object any) RunOption {
	return func(r *newRun) (err error) {
		if r.Metadata, err = json.Marshal(object); err != nil {
			return &Error{Kind: KindInvalid, Field: "metadata", Text: err.Error(), cause: err}
		}
		return nil
	}
}

// Option is an option of a Client.
type Option func(*config)

type config struct {
	address string
	token   string
	tls     *tls.Config
	log     *slog.Logger
}

// Address is where the engine listens, host:port. If it is not given, the
// environment's ADZE_ADDRESS, else what the token says, else 127.0.0.1:7077.
func Address(hostPort string) Option { return func(c *config) { c.address = hostPort } }

// Token says who calls. If it is not given, the environment's ADZE_TOKEN.
func Token(token string) Option { return func(c *config) { c.token = token } }

// TLS encrypts the connection; an empty config verifies the engine by the
// machine's certificates. Without it the connection is plain.
func TLS(c *tls.Config) Option { return func(to *config) { to.tls = c } }

// Logger takes what a client's user should know and no call can return, such as
// lost connections. If it is not given, slog.Default().
func Logger(log *slog.Logger) Option { return func(c *config) { c.log = log } }

// WorkerOption is an argument of [Client.NewWorker]: a [Task] or a [Workflow] that
// the worker runs, or an option.
type WorkerOption interface{ applyWorker(*workerConfig) }

type workerConfig struct {
	definitions []*definition
	name        string
	slots       int
	types       []shard.SlotUse
	labels      map[string]string
	drain       time.Duration
	logs        logging
}

type workerOption func(*workerConfig)

func (o workerOption) applyWorker(c *workerConfig) { o(c) }

// Slots is how many tasks the worker runs at once, 1–100,000. If it is not given,
// 10 for each CPU.
func Slots(n int) WorkerOption { return workerOption(func(c *workerConfig) { c.slots = n }) }

// WorkerName is how people see the worker. If it is not given, the host's name and
// the process's id.
func WorkerName(name string) WorkerOption {
	return workerOption(func(c *workerConfig) { c.name = name })
}

// DrainTimeout is how long a worker that is to end waits for the tasks it runs; 30 s
// if it is not given. Then their contexts end with the cause ErrDrained, and they
// run elsewhere.
func DrainTimeout(d time.Duration) WorkerOption {
	return workerOption(func(c *workerConfig) { c.drain = d })
}

// wholeMS is d in milliseconds, away from zero: a microsecond must not become none,
// which means no limit.
func wholeMS(d time.Duration) int64 {
	ms := d.Milliseconds()
	switch rest := d % time.Millisecond; {
	case rest > 0:
		return ms + 1
	case rest < 0:
		return ms - 1
	}
	return ms
}

// clamp keeps a number that is out of range out of it, for the engine to refuse.
func clamp(n int) int32 { return int32(max(math.MinInt32, min(n, math.MaxInt32))) }
