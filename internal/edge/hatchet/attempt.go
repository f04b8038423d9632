package hatchet

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/hatchet/view"
	"github.com/adzehq/adze/internal/shard"
)

// attempt is an attempt that a worker has, until it is settled.
type attempt struct {
	worker *worker
	*shard.Assignment
	owner    string    // whose task it is, on the wire
	external id.ID     // its task on the wire
	run      id.ID     // its run on the wire
	retry    int32     // its number on the wire
	rests    int32     // how often it was suspended in the runs that its run repeats
	tick     core.Time // when the cron was due that started its run; 0 if none did

	invocation *invocation // of a durable task; else nil

	done chan struct{} // closed once it is settled,
	err  error         // or it cannot be told whether it is

	// Under the worker's lock.
	started bool    // the worker said so: it has what it needs
	told    bool    // the shard was told that it began
	sent    *stream // it was sent on; nil: it was not, or is to be sent again
	reached bool    // it was sent at all
	place   int32   // of a batch: where it stands among those that were sent with it,
	beside  int32   // and how many these are, with it
}

// settle tells whoever waits that the attempt is settled, or why that cannot be told.
func (a *attempt) settle(err error) {
	a.err = err
	close(a.done)
}

// wait returns once what was reported of the attempt is committed.
func (a *attempt) wait(ctx context.Context) error {
	select {
	case <-a.done:
		return a.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// attempts are those of all workers, by their task on the wire: the newest of each.
type attempts struct {
	mu     sync.RWMutex
	of     map[id.ID]*attempt
	recent [2]map[id.ID]lodging // settled lately
}

// lodging is of which guest a task was that a worker of a home had; nothing of a home's own.
type lodging struct{ home, guest id.ID }

// recentMax is how many tasks at least are remembered as settled: what comes late of them
// need not be looked up.
const recentMax = 8_192

func (as *attempts) add(a *attempt) {
	as.mu.Lock()
	defer as.mu.Unlock()
	as.of[a.external] = a
}

// remove forgets an attempt, unless a newer one took its place.
func (as *attempts) remove(a *attempt) {
	as.mu.Lock()
	defer as.mu.Unlock()
	if as.of[a.external] == a {
		delete(as.of, a.external)
	}
}

// settled is remove of one that is settled: there is nothing to find of it any more.
func (as *attempts) settled(a *attempt) {
	as.remove(a)
	as.mu.Lock()
	defer as.mu.Unlock()
	if as.recent[0] == nil || len(as.recent[0]) >= recentMax {
		as.recent[0], as.recent[1] = make(map[id.ID]lodging, recentMax), as.recent[0]
	}
	of := lodging{}
	if a.Owner != a.worker.tenant {
		of = lodging{a.worker.tenant, a.Owner}
	}
	as.recent[0][a.external] = of
}

// lodged is of which guest a task was that was settled lately.
func (as *attempts) lodged(task id.ID) lodging {
	as.mu.RLock()
	defer as.mu.RUnlock()
	if of, is := as.recent[0][task]; is {
		return of
	}
	return as.recent[1][task]
}

// find is the current attempt of a task, if a worker here has it; known tells that
// there was one lately.
func (as *attempts) find(task id.ID) (a *attempt, known bool) {
	as.mu.RLock()
	defer as.mu.RUnlock()
	if a = as.of[task]; a != nil {
		return a, true
	}
	for _, generation := range as.recent {
		if _, known = generation[task]; known {
			break
		}
	}
	return nil, known
}

// stopGap is how long after a worker is told to stop an attempt, or that it is evicted, it
// may be told to start the next one of the same task. The SDKs deal with both at once, and
// the Go SDK does not tell the attempts of a task apart when it stops one: of one that is
// evicted it may even report that it failed, with the number that the next one has.
const stopGap = 100 * time.Millisecond

// errand is something to be sent: an attempt to be started, or several as a batch, or one
// to be cancelled.
type errand struct {
	start  []*attempt
	cancel *attempt
}

// take takes what the shard tells the worker.
func (w *worker) take(down *shard.Down) {
	w.settled(down.Settled)
	for i := range down.Mets {
		if a := w.attempt(down.Mets[i].Token); a != nil && a.invocation != nil {
			a.invocation.met(&down.Mets[i])
		}
	}
	if len(down.Assignments) > 0 {
		w.assigned(down.Assignments)
	}
	if len(down.Stops) > 0 {
		w.stopped(down.Stops)
	}
}

// attempt is the one that was assigned by a token, nil if it is settled.
func (w *worker) attempt(token core.Token) *attempt {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.given[token]
}

func (w *worker) settled(list []core.Settlement) {
	for i := range list {
		if list[i].Entry != 0 {
			if a := w.attempt(list[i].Token); a != nil && a.invocation != nil {
				a.invocation.settled(&list[i])
			}
			continue
		}
		w.mu.Lock()
		a := w.given[list[i].Token]
		delete(w.given, list[i].Token)
		w.mu.Unlock()
		if a != nil {
			w.roster.attempts.settled(a)
			a.settle(nil)
			if a.invocation != nil && a.invocation.over() {
				w.unhush(a.external)
			}
		}
	}
}

// assigned has attempts be sent. Those of a batch come together, and go together.
func (w *worker) assigned(list []shard.Assignment) {
	errands := make([]*errand, 0, len(list))
	var batch *errand
	for i := range list {
		a, err := w.newAttempt(w.roster.life, &list[i])
		if err == nil && a.Durable {
			a.invocation = newInvocation(a, false)
		}
		switch {
		case err != nil:
			w.server().Log.Warn("assignment could not be told, and goes to a worker again", "task", list[i].Task, "error", err)
			w.session.Close(core.LeaveSilent)
			return
		case a.Batch != 0 && batch != nil && batch.start[0].Batch == a.Batch:
			batch.start = append(batch.start, a)
			continue
		default:
			errands = append(errands, &errand{start: []*attempt{a}})
		}
		if a.Batch != 0 {
			batch = errands[len(errands)-1]
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range errands {
		for _, a := range e.start {
			w.given[a.Token] = a
			w.roster.attempts.add(a)
		}
	}
	for _, e := range errands {
		if !w.keepBack(e) {
			w.waiting = append(w.waiting, e)
		}
	}
	w.wake()
}

// hush has attempts of a task be kept back that the worker is told to stop, or evicted,
// until unhush. The caller holds the lock.
func (w *worker) hush(task id.ID) {
	if _, is := w.hushed[task]; !is {
		w.hushed[task] = nil
	}
}

// keepBack keeps an errand if it is of a task that is hushed. The caller holds the lock.
func (w *worker) keepBack(e *errand) bool {
	for _, a := range e.start {
		if kept, is := w.hushed[a.external]; is {
			w.hushed[a.external] = append(kept, e)
			return true
		}
	}
	return false
}

// unhush has what was kept back of a task be sent after the stopGap.
func (w *worker) unhush(task id.ID) {
	time.AfterFunc(stopGap, func() {
		w.mu.Lock()
		kept := w.hushed[task]
		delete(w.hushed, task)
		w.mu.Unlock()
		w.putBack(kept)
	})
}

// newAttempt is an assignment as the wire knows it: a replay goes by the ids of the first
// run, and its attempts count on.
func (w *worker) newAttempt(ctx context.Context, given *shard.Assignment) (*attempt, error) {
	a := &attempt{
		worker: w, Assignment: given, external: given.Task, run: cmp.Or(given.Run, given.Task),
		retry: given.Attempt - 1, done: make(chan struct{}),
	}
	if err := w.server().nameOwner(ctx, a); err != nil {
		return nil, err
	}
	if view.OfCron(given.Metadata) { // else it is of none, or is taken up and was told before
		row, err := w.server().runs.Row(ctx, given.Task, given.Run)
		if err != nil {
			return nil, err
		}
		if row.Schedule != 0 {
			a.tick = row.RunAt
		}
	}
	if given.ReplayOf == 0 {
		return a, nil
	}
	chain, err := w.server().runs.Chain(ctx, given.Owner, given.ReplayOf)
	if err != nil {
		return nil, err
	}
	a.rests = chain.Rests[given.Name]
	a.external, a.run, a.retry = chain.Task(given.Name, given.Task), chain.External(a.run), chain.Retries(given.Name, given.Attempt)
	return a, nil
}

// resume takes up what the shard has the worker running since before it was attached. It
// was sent by then.
func (w *worker) resume(ctx context.Context, held []shard.Held) error {
	for i := range held {
		given := &held[i].Assignment
		row, err := w.server().runs.Row(ctx, given.Task, given.Run)
		if err != nil {
			return err
		}
		given.ReplayOf, given.Parent, given.Given, given.Priority = row.ReplayOf, row.Parent, row.Given, row.Priority
		a, err := w.newAttempt(ctx, given)
		if err != nil {
			return err
		}
		a.started = true
		if a.Durable {
			a.invocation = newInvocation(a, true)
		}
		w.given[a.Token] = a
		w.roster.attempts.add(a)
	}
	return nil
}

// stopped has attempts be cancelled. On this wire that is done when it is said, whatever
// the worker makes of it: it is answered for the worker.
func (w *worker) stopped(list []core.Stop) {
	items := make([]core.ReportItem, 0, len(list))
	w.mu.Lock()
	for i := range list {
		stop := &list[i]
		item := core.ReportItem{Task: stop.Task, Token: stop.Token, Kind: core.ReportFailed}
		if a := w.given[stop.Token]; a != nil {
			item.Attempt = a.Attempt
			if !w.unsend(a) {
				w.waiting = append(w.waiting, &errand{cancel: a})
				w.hush(a.external)
				w.unhush(a.external)
			}
		}
		items = append(items, item)
	}
	w.wake()
	w.mu.Unlock()
	if err := w.session.Report(w.roster.life, items); err != nil {
		w.session.Close(core.LeaveClosed) // it comes back, and is told again
	}
}

// unsend takes an attempt back that was not sent yet; it tells whether it was not. The
// caller holds the lock.
func (w *worker) unsend(a *attempt) (unsent bool) {
	if kept, is := w.hushed[a.external]; is {
		if w.hushed[a.external], unsent = without(kept, a); unsent {
			return true
		}
	}
	w.waiting, unsent = without(w.waiting, a)
	return unsent
}

// without takes an attempt out of the errand that it is in; it tells whether it was in one.
func without(errands []*errand, a *attempt) ([]*errand, bool) {
	for i, e := range errands {
		if at := slices.Index(e.start, a); at >= 0 {
			e.start = slices.Delete(slices.Clone(e.start), at, at+1)
			if len(e.start) == 0 {
				errands = slices.Delete(errands, i, i+1)
			}
			return errands, true
		}
	}
	return errands, false
}

// begun notes that the worker has what it needs for an attempt.
func (w *worker) begun(a *attempt) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if a.started {
		return
	}
	a.started = true
	kept := *a.Assignment
	kept.Input, kept.Parents, kept.Failures, kept.Came, kept.Event = nil, nil, nil, nil, nil
	a.Assignment = &kept
}
