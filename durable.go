package adze

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// ErrSuspended is the cause of the context of a durable function that waits, and whose
// goroutine ends so that it holds nothing meanwhile: its deferred functions run, and it
// is called again, on this worker or another one, when there is something to do.
var ErrSuspended = errors.New("durable task was suspended")

// NewDurable names a durable function: one that survives the death of its worker at any
// line, and goes on where it was.
//
// What it does is recorded in a log as it goes: each [Step], each wait, each child. When
// it is called again, it runs from its beginning, but what was recorded is not done a
// second time: the call returns at once what it returned then. So everything between the
// recorded calls must come out the same each time: what time it is ([Now]), what chance
// decides ([Random]), what the world outside says and does to it (Step) has to be asked
// through the log. A function that departs from its log fails with a
// [*NonDeterminismError].
//
// The recorded calls are made one after the other, from the function's own goroutine.
// While the function waits ([Sleep], [WaitEvent], [Any], …) it takes up no slot of its
// worker: a worker with ten slots may have a million durable tasks that sleep.
//
// A task of a [Workflow] is durable with the option [Durable].
func NewDurable[In, Out any](name string, function func(ctx context.Context, in In) (Out, error), options ...TaskOption) *Task[In, Out] {
	return NewTask(name, function, append(slices.Clip(options), Durable())...)
}

// Durable makes the function of a task durable, see [NewDurable].
func Durable() TaskOption {
	return func(w *workflow) { w.Tasks[0].Durable = true }
}

// Now is the time for a durable function, the same each time it is called again: when
// the last thing happened that the function has passed in its log; before the first,
// when the run was submitted. In other contexts it is time.Now.
func Now(ctx context.Context) time.Time {
	a := attemptOf(ctx)
	if a == nil || a.logbook == nil {
		return time.Now()
	}
	return timeOf(a.logbook.now.Load())
}

// Random is chance for a durable function: the same numbers in the same order each time
// it is called again. It is for the function's own goroutine. It panics for a context
// that is not a durable task's.
func Random(ctx context.Context) *rand.Rand {
	l, err := logbookOf(ctx)
	if err != nil {
		panic(err)
	}
	if l.chance == nil {
		l.chance = rand.New(rand.NewPCG(uint64(l.attempt.Task), randomStream))
	}
	return l.chance
}

// randomStream tells the numbers of Random from others that are seeded by a task's id.
const randomStream = 0x616477a5

// Patched lets the code of a durable function change while runs of it are under way. It
// is true for runs that come here for the first time, and from then on for them; false
// for those whose log shows that they passed here before there was a patch.
//
//	if adze.Patched(ctx, "insure parcels") {
//		err = adze.Do(ctx, "insure", insure)
//	}
//
// Once no run from before is left, the question can be taken out. The id, 1–255 bytes,
// belongs to one change. It panics for a context that is not a durable task's.
func Patched(ctx context.Context, patch string) bool {
	l, err := logbookOf(ctx)
	if err == nil {
		err = named(patch)
	}
	if err != nil {
		panic(err)
	}
	return l.patched(patch)
}

func (l *logbook) patched(patch string) bool {
	if took, asked := l.patches[patch]; asked {
		return took
	}
	took := l.replayed()
	if !took {
		took = l.skipPatches(patch)
	} else {
		l.pending = append(l.pending, core.NewEntry{Kind: core.EntryPatch, Name: patch})
	}
	l.patches[patch] = took
	return took
}

// skipPatches passes the patches that come next in the log, and tells whether wanted is
// among them.
func (l *logbook) skipPatches(wanted string) bool {
	for !l.replayed() && l.log[l.passed].Kind == core.EntryPatch {
		e := l.pass()
		l.patches[e.Name] = true
		if e.Name == wanted {
			return true
		}
	}
	return false
}

// idOf is an id to compare with: all that was made before t is smaller.
func idOf(t time.Time) id.ID { return max(1, id.First(t)) }
