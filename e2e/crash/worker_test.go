package crash_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"time"

	"github.com/adzehq/adze"
)

// The environment of a worker process: the test binary with workerEnv set.
const (
	workerEnv  = "ADZE_CRASH_WORKER"
	effectsEnv = "ADZE_CRASH_EFFECTS" // the file that effects are appended to
	ledgerEnv  = "ADZE_CRASH_LEDGER"  // the file that sagas append to
	slotsEnv   = "ADZE_CRASH_SLOTS"
)

// job is the input of each run.
type job struct {
	N     int64 // tells submits apart, also those without an answer
	MS    int64 // how long it takes
	Fault fault
	Graph bool // it is done by the diamond, not by one task
}

// fault is what goes wrong with a job without any crash.
type fault int

const (
	noFault   fault = iota
	failsOnce       // in its first attempt
	failsForGood
)

// done is the output of each run.
type done struct {
	N       int64
	Attempt int
	PID     int
}

const (
	retryPause    = 50 * time.Millisecond
	retryPauseMax = time.Second
)

var errForGood = errors.New("it cannot be done")

// jobTask is the task as clients know it, or workers when function is not nil.
func jobTask(function func(context.Context, job) (done, error)) *adze.Task[job, done] {
	return adze.NewTask("job", function, adze.Retries(3), adze.Backoff(retryPause, 2, retryPauseMax))
}

// runWorker is the whole of a worker process.
func runWorker() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := work(ctx); err != nil && ctx.Err() == nil {
		slog.Error("worker ended", "error", err)
		os.Exit(1)
	}
}

func work(ctx context.Context) error {
	effects, err := appendTo(os.Getenv(effectsEnv))
	if err != nil {
		return err
	}
	ledger, err := appendTo(os.Getenv(ledgerEnv))
	if err != nil {
		return err
	}
	slots, err := strconv.Atoi(os.Getenv(slotsEnv))
	if err != nil {
		return err
	}
	client, err := adze.Dial(ctx)
	for errors.Is(err, adze.ErrUnavailable) && ctx.Err() == nil {
		client, err = adze.Dial(ctx) // the engine may be down just now
	}
	if err != nil {
		return err
	}
	defer client.Close()
	one := jobTask(func(ctx context.Context, j job) (done, error) {
		return perform(ctx, effects, j, "")
	})
	graph := diamond(func(ctx context.Context, place int, j job, given string) (step, error) {
		return performStep(ctx, effects, place, j, given)
	})
	t := newTroupe(client, ledger)
	return client.Work(ctx, adze.Slots(slots), one, graph, t.saga, t.boss, t.leaf, t.lodger)
}

func appendTo(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
}

// perform does the job. Its effect is a line in a file, with what it was given, written
// at once: it stays when the process is killed.
func perform(ctx context.Context, effects *os.File, j job, given string) (done, error) {
	attempt := adze.Attempt(ctx)
	timer := time.NewTimer(time.Duration(j.MS) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return done{}, context.Cause(ctx)
	}
	switch {
	case j.Fault == failsForGood:
		return done{}, adze.NonRetryable(errForGood)
	case j.Fault == failsOnce && attempt == 1:
		return done{}, errors.New("not this time")
	}
	if _, err := fmt.Fprintf(effects, "%d %d %q\n", int64(adze.TaskID(ctx)), attempt, given); err != nil {
		return done{}, err
	}
	adze.Log(ctx).Info("did it", "n", j.N)
	if _, err := fmt.Fprint(adze.Stream(ctx), j.N); err != nil {
		return done{}, err
	}
	return done{N: j.N, Attempt: attempt, PID: os.Getpid()}, nil
}
