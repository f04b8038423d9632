package adze

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/shard"
)

// waitPatience is how long a durable function waits in its place before it is suspended.
// To suspend and come back costs two messages and a replay.
const waitPatience = 200 * time.Millisecond

// unsure is what a suspended attempt says to be started over at once: it cannot know
// whether it was told of all that was met.
const unsure = -1

// logbook is what a durable attempt did before, and how far its code has come in it.
type logbook struct {
	attempt *attempt
	busy    atomic.Bool  // a call that is recorded is under way: there is one at a time
	now     atomic.Int64 // engine's time of what the code has passed last, in ms

	// Of the goroutine whose call is under way.
	log     []core.Entry     // as the attempt was given it
	passed  int              // how many of log the code has passed
	size    int32            // of the log, with what this attempt recorded
	pending []core.NewEntry  // recorded with the next entry, or never
	patches map[string]bool  // what Patched said
	heard   map[wanted]id.ID // the last event that waits took who want the same
	chance  *rand.Rand
	fault   error   // the code departed from the log: nothing else can come of the attempt
	left    bool    // the goroutine ends, and nothing came of the attempt
	parting []entry // with left: what is recorded on the way out

	// Guarded by the worker's mu.
	sent    []entry              // not settled yet, by index
	settled core.Settlement      // the last one
	refused bool                 // an entry was: what is in the log is not what this attempt knows
	mets    map[int32][]core.Met // by the index of the wait, by order
	told    int32                // Mets that came by messages; unsure after a session was lost

	changed chan struct{} // one value: something that mu guards is new
}

// entry is on its way to the log.
type entry struct {
	core.NewEntry
	spawn []shard.NewRun
}

func newLogbook(a *attempt) *logbook {
	l := &logbook{
		attempt: a, log: a.Log, size: int32(len(a.Log)),
		patches: map[string]bool{}, heard: map[wanted]id.ID{},
		mets: map[int32][]core.Met{}, changed: make(chan struct{}, 1),
	}
	l.now.Store(a.Task.UnixMilli())
	for _, met := range a.Mets {
		l.mets[met.Index] = append(l.mets[met.Index], met)
	}
	a.Log, a.Mets = nil, nil
	return l
}

// logbookOf is the logbook of the durable task that runs with ctx.
func logbookOf(ctx context.Context) (*logbook, error) {
	if a := attemptOf(ctx); a != nil && a.logbook != nil {
		return a.logbook, nil
	}
	return nil, &Error{Kind: KindInvalid, Field: "ctx", Text: "is not the context of a durable task; make it one with adze.NewDurable"}
}

// begin is the start of a call that is recorded; done its end.
func begin(ctx context.Context) (l *logbook, done func(), err error) {
	if l, err = logbookOf(ctx); err != nil {
		return nil, nil, err
	}
	if !l.busy.CompareAndSwap(false, true) {
		return nil, nil, &Error{
			Kind: KindInvalid, Field: "ctx",
			Text: "belongs to a durable task that is in another recorded call: make them one after the other, not within a step and not from other goroutines",
		}
	}
	done = func() { l.busy.Store(false) }
	if err = l.stopped(); err != nil {
		done()
		return nil, nil, err
	}
	return l, done, nil
}

// stopped is why the attempt must not go on, if so. One that goes on elsewhere does not
// return: its function could only take that for something that happened to it.
func (l *logbook) stopped() error {
	if l.fault != nil {
		return l.fault
	}
	cause := context.Cause(l.attempt.ctx)
	if cause != nil && (errors.Is(cause, ErrLost) || errors.Is(cause, ErrDrained)) && !l.left {
		l.leave()
	}
	return cause
}

// leave ends the function's goroutine, and records entries on the way out.
func (l *logbook) leave(parting ...entry) {
	l.left, l.parting = true, parting
	l.busy.Store(false) // deferred functions are told that it is over
	l.attempt.cancel(ErrSuspended)
	runtime.Goexit()
}

// replayed reports whether the code has passed all that was recorded before.
func (l *logbook) replayed() bool { return l.passed == len(l.log) }

// pass takes the next entry of the log.
func (l *logbook) pass() *core.Entry {
	e := &l.log[l.passed]
	l.passed++
	l.reach(e.At)
	return e
}

// reach moves the function's time on.
func (l *logbook) reach(at core.Time) { l.now.Store(max(l.now.Load(), int64(at))) }

// next is what was recorded for a call of that kind and name; nil if it is made for the
// first time.
func (l *logbook) next(kind core.EntryKind, name string) (*core.Entry, error) {
	l.skipPatches("") // their question may have been taken out
	if l.replayed() {
		if l.attempt.worker.hooks.Rehearse {
			l.leave()
		}
		return nil, named(name)
	}
	if e := &l.log[l.passed]; e.Kind != kind || e.Name != name {
		return nil, l.depart(e, what(kind, name))
	}
	return l.pass(), nil
}

// named checks the name of an entry before anything is done for it.
func named(name string) error {
	return publicError(entryLimits.Entry(&core.NewEntry{Index: 1, Kind: core.EntryPatch, Name: name}, nil))
}

// depart notes that the code does something else than what is in the log.
func (l *logbook) depart(e *core.Entry, got string) error {
	expected := what(e.Kind, e.Name)
	l.fault = &NonDeterminismError{Index: int(e.Index), Expected: expected, Got: got}
	if told := l.attempt.worker.hooks.Departed; told != nil {
		told(e.Index, expected, got)
	}
	return l.fault
}

// record adds entries to the log, after those that are pending, and returns what the
// engine says of the last one once all are stored.
func (l *logbook) record(entries ...entry) (core.Settlement, error) {
	entries, err := l.number(entries)
	if err != nil {
		return core.Settlement{}, err
	}
	l.attempt.worker.send(l.attempt, entries)
	return l.settlement()
}

// number gives entries their places, with those that are pending before them, and checks
// them. With an error nothing has happened.
func (l *logbook) number(entries []entry) ([]entry, error) {
	all := make([]entry, 0, len(l.pending)+len(entries))
	for _, e := range l.pending {
		all = append(all, entry{NewEntry: e})
	}
	all = append(all, entries...)
	for i := range all {
		all[i].Index = l.size + int32(i) + 1
		if err := entryLimits.Entry(&all[i].NewEntry, all[i].spawn); err != nil {
			return nil, publicError(err)
		}
	}
	l.size += int32(len(all))
	l.pending = nil
	return all, nil
}

// entryLimits are the largest that an engine may be configured with: it has the last word.
var entryLimits = admit.Limits{InputBytesMax: admit.PayloadBytesMax, OutputBytesMax: admit.PayloadBytesMax}

// settlement waits until all that was sent is settled.
func (l *logbook) settlement() (core.Settlement, error) {
	for {
		settled, all, refused := l.attempt.worker.settledOf(l)
		switch {
		case refused:
			l.leave()
		case all:
			l.reach(settled.At)
			return settled, nil
		}
		select {
		case <-l.changed:
		case <-l.attempt.ctx.Done():
			return core.Settlement{}, l.stopped()
		}
	}
}

// conclude is what is reported of the attempt, whose function has ended with report.
func (l *logbook) conclude(report core.ReportItem) core.ReportItem {
	if report.Kind == core.ReportCompleted && !l.left && l.fault == nil {
		l.skipPatches("")
		if !l.replayed() {
			_ = l.depart(&l.log[l.passed], "the end of the function")
		}
	}
	l.tellEarlyFailure(&report)
	switch {
	case l.left:
		return l.attempt.item(core.ReportSuspended)
	case l.fault != nil:
		report.Kind, report.Output = core.ReportFailed, nil
		report.Error, report.NonRetryable = l.fault.Error(), true
	}
	return report
}

// tellEarlyFailure tells a test of a function that failed before the end of its log. To the
// engine that is a failure like others.
func (l *logbook) tellEarlyFailure(report *core.ReportItem) {
	told := l.attempt.worker.hooks.Departed
	if told != nil && report.Kind == core.ReportFailed && l.fault == nil && !l.left && !l.replayed() {
		e := &l.log[l.passed]
		told(e.Index, what(e.Kind, e.Name), "the end of the function, with the error: "+report.Error)
	}
}

// What follows is called with the worker's mu held.

// signal says that something is new.
func (l *logbook) signal() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// settle takes what the engine says of an entry. One that was sent twice is refused the
// second time.
func (l *logbook) settle(s core.Settlement) {
	if len(l.sent) == 0 || s.Entry < l.sent[0].Index {
		return
	}
	if s.Stale {
		l.refused = true
	} else {
		l.sent, l.settled = l.sent[s.Entry-l.sent[0].Index+1:], s
	}
	l.signal()
}

// meet takes a condition that was met.
func (l *logbook) meet(met core.Met) {
	if l.told != unsure {
		l.told++
	}
	known := slices.ContainsFunc(l.mets[met.Index], func(m core.Met) bool { return m.Condition == met.Condition })
	if !known {
		l.mets[met.Index] = append(l.mets[met.Index], met)
	}
	l.signal()
}
