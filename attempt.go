package adze

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
)

// panicStackBytesMax bounds the stack in the error of a task that panicked.
const panicStackBytesMax = 16 << 10

// attempt is one attempt of a task on this worker, from its assignment until the
// engine has settled its report.
type attempt struct {
	shard.Assignment
	worker  *Worker
	action  action
	logbook *logbook // of a durable task; else nil
	brood   brood
	ctx     context.Context
	cancel  context.CancelCauseFunc
	output  atomic.Pointer[output] // what it writes; nil until it does
	waiting sync.Once              // makes awaits
	awaits  *awaiter               // of a task of another tenant, see awaiter

	// Guarded by the worker's mu.
	released bool            // it has given its slots back
	ended    bool            // report holds what is to be settled
	forsaken bool            // told to end by a worker that shuts down: an error is nobody's fault
	report   core.ReportItem // kept until it is settled
	batch    uint64          // the batch of reports that its start is in
	place    int             // where in the batch
}

type attemptKey struct{}

// attemptValue is a context that knows its attempt, and what it was given. That goes
// when the context does; the attempt may be kept for a while.
type attemptValue struct {
	context.Context
	attempt *attempt
	given
}

func (v *attemptValue) Value(key any) any {
	if key == (attemptKey{}) {
		return v
	}
	return v.Context.Value(key)
}

func attemptOf(ctx context.Context) *attempt {
	if v, is := ctx.Value(attemptKey{}).(*attemptValue); is {
		return v.attempt
	}
	return nil
}

// given is what a task has besides its input: what other tasks of its run leave to it,
// and the event that started the run.
type given struct {
	workflow string
	task     *shard.Task
	parents  []shard.ParentOutput
	failures []shard.TaskFailure
	event    *shard.Event // that started the run, or nil
	came     []shard.CameEvent
}

// givenTo is what the task that runs with ctx was given; nil if ctx is none's.
func givenTo(ctx context.Context) *given {
	if v, is := ctx.Value(attemptKey{}).(*attemptValue); is {
		return &v.given
	}
	return nil
}

// output is what the task of that name gave.
func (g *given) output(workflow, name string) ([]byte, error) {
	handler := g.task.Role != "" // its parents are all tasks
	if g.workflow != workflow || !handler && !slices.Contains(g.task.Parents, name) {
		return nil, &Error{Kind: KindInvalid, Field: name, Text: fmt.Sprintf("is not a parent of %s; add adze.After", g.task.Name)}
	}
	for _, parent := range g.parents {
		if parent.Task == name {
			return parent.Output, nil
		}
	}
	return nil, fmt.Errorf("output of %s: %w", name, ErrNoOutput)
}

// Attempt is the number of the attempt that runs with ctx, 1 for the first; 0 if ctx
// is not that of a task.
func Attempt(ctx context.Context) int {
	if a := attemptOf(ctx); a != nil {
		return int(a.Assignment.Attempt)
	}
	return 0
}

// RunID is the run whose task runs with ctx, the same for all its attempts, and for
// all tasks of a Workflow; 0 if ctx is not that of a task.
func RunID(ctx context.Context) ID {
	if a := attemptOf(ctx); a != nil {
		return ID(cmp.Or(a.Run, a.Task))
	}
	return 0
}

// TaskID is the task that runs with ctx, the same for all its attempts; that of a run
// of one task is the RunID. 0 if ctx is not that of a task.
func TaskID(ctx context.Context) ID {
	if a := attemptOf(ctx); a != nil {
		return ID(a.Task)
	}
	return 0
}

// RefreshTimeout lets the attempt that runs with ctx run for at least d from now,
// and returns when it times out. It is for a task that makes progress and cannot
// say beforehand for how long. An attempt that is over is ErrNotFound or ErrConflict.
func RefreshTimeout(ctx context.Context, d time.Duration) (time.Time, error) {
	a := attemptOf(ctx)
	if a == nil {
		return time.Time{}, errNoTask
	}
	at, err := a.worker.client.transport.refresh(ctx, a.Task, a.Token, wholeMS(d))
	if err != nil {
		return time.Time{}, fmt.Errorf("refresh timeout: %w", err)
	}
	return timeOf(int64(at)), nil
}

// run calls the task's function, whatever it does, and hands in what came of it.
func (a *attempt) run() {
	report := a.item(core.ReportFailed)
	returned := false
	defer func() {
		if p := recover(); p != nil {
			report.Error = panicText(p)
		} else if !returned {
			report.Error = errNotReturned.Error()
		}
		a.hand(report)
	}()
	output, err := a.action.call(a.ctx, a.Input)
	returned = true
	a.Input, a.Metadata = nil, nil // the report may be kept for a while
	report = a.outcome(output, err)
}

// outcome is the report of what the attempt's function gave.
func (a *attempt) outcome(output []byte, err error) core.ReportItem {
	if err == nil {
		report := a.item(core.ReportCompleted)
		report.Output = output
		return report
	}
	report := a.item(core.ReportFailed)
	var final *nonRetryable
	report.Error, report.NonRetryable = err.Error(), errors.As(err, &final)
	return report
}

// hand hands in what came of the attempt.
func (a *attempt) hand(report core.ReportItem) {
	var parting []entry
	if a.logbook != nil {
		report, parting = a.logbook.conclude(report), a.logbook.parting
	}
	a.seal()
	a.cancel(nil)
	a.worker.finish(a, report, parting)
}

// item is a report of the attempt.
func (a *attempt) item(kind core.ReportKind) core.ReportItem {
	return core.ReportItem{Task: a.Task, Attempt: a.Assignment.Attempt, Token: a.Token, Kind: kind}
}

// claim says that the attempt is still this worker's to report.
func (a *attempt) claim() core.Claim {
	return core.Claim{Task: a.Task, Attempt: a.Assignment.Attempt, Token: a.Token, Batch: a.Batch, Released: a.released}
}

// panicText is a panic's value and stack.
func panicText(p any) string {
	stack := debug.Stack()
	if len(stack) > panicStackBytesMax {
		stack = stack[:panicStackBytesMax]
	}
	return fmt.Sprintf("panic: %v\n\n%s", p, stack)
}
