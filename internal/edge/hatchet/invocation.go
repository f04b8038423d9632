package hatchet

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/hatchet/ledger"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

const (
	// hearingFor is how long after it was told something a worker may say that it waits
	// without having heard it.
	hearingFor = 2 * time.Second

	// stalledFor is how long an end is kept back for those that came before it, and that
	// the code does not ask for.
	stalledFor = time.Minute

	// memoFor is how long the end of an attempt waits for values of memos: they come on
	// another stream, and what comes after the end counts no more.
	memoFor = 250 * time.Millisecond
)

// invocation is an attempt of a durable task, from its assignment until it ends or is
// suspended.
type invocation struct {
	attempt *attempt
	lost    bool // it was assigned before this engine knew the worker: what it asked for is not known
	life    context.Context
	end     context.CancelFunc

	mu       sync.Mutex // held while something is reported: the entries of a log come in order
	ledger   *ledger.Ledger
	acks     map[int32]*wire.DurableTaskResponse // by the entry that they wait for
	outcomes map[id.ID]*outcome                  // of children
	heard    int32                               // what it was told of met conditions, see core.ReportItem
	told     time.Time                           // when last
	stalled  time.Time                           // since when an end is kept back; zero: none is
	evicting bool
	signals  map[string][]chan<- []byte // by key: who waits for it, with room for one each
	stored   map[int32]chan struct{}    // closed when that entry is recorded
	making   map[ledger.Place]bool      // memos that were handed out, and have no value yet
	made     chan struct{}              // closed when there are none; nil: there were none
}

// outcome is how a child ended, once that is known.
type outcome struct {
	known   bool
	payload []byte
	failure *string
}

// newInvocation is that of an attempt that was just assigned, or taken up.
func newInvocation(a *attempt, lost bool) *invocation {
	v := &invocation{
		attempt: a, lost: lost, acks: map[int32]*wire.DurableTaskResponse{}, outcomes: map[id.ID]*outcome{},
		signals: map[string][]chan<- []byte{}, stored: map[int32]chan struct{}{}, making: map[ledger.Place]bool{},
	}
	v.life, v.end = context.WithCancel(a.worker.roster.life)
	if !lost {
		v.ledger = ledger.Open(a.Log, a.Mets)
	}
	a.Log, a.Mets = nil, nil // the ledger has them
	return v
}

// number counts the assignments of a durable task, from 1.
func (a *attempt) number() int32 { return a.retry + 1 + a.rests + a.Suspensions }

func (v *invocation) ref(at ledger.Place) *wire.DurableEventLogEntryRef {
	return &wire.DurableEventLogEntryRef{
		DurableTaskExternalId: v.attempt.external.String(), InvocationCount: v.attempt.number(),
		BranchId: at.Branch, NodeId: at.Node,
	}
}

func (v *invocation) tell(m *wire.DurableTaskResponse) { v.attempt.worker.tellDurable(m) }

// refuse says what is wrong with a request.
func (v *invocation) refuse(err error) {
	var mismatch *ledger.Mismatch
	if !errors.As(err, &mismatch) {
		v.tell(failed(v.ref(ledger.Place{}), err.Error()))
		return
	}
	// Trap 39: the SDKs know the error by how its text begins.
	m := failed(v.ref(mismatch.Place), fmt.Sprintf("non-determinism error in task %s at node %d:%d\nexpected: %s\nreceived: %s",
		v.attempt.external, mismatch.Node, mismatch.Branch, mismatch.Expected, mismatch.Received))
	m.GetError().ErrorType = wire.DurableTaskErrorType_DURABLE_TASK_ERROR_TYPE_NONDETERMINISM
	v.tell(m)
}

// report says something of the attempt. The caller holds the lock.
func (v *invocation) report(items ...core.ReportItem) {
	a := v.attempt
	for i := range items {
		items[i].Task, items[i].Attempt, items[i].Token = a.Task, a.Attempt, a.Token
	}
	if err := a.worker.session.Report(v.life, items); err != nil { // the session is over, and with it all its attempts
		a.worker.server().Log.Debug("report of a durable task was not taken", "task", a.Task, "error", err)
	}
}

func (v *invocation) record(entries ...*core.NewEntry) {
	items := make([]core.ReportItem, len(entries))
	for i, e := range entries {
		items[i] = core.ReportItem{Kind: core.ReportEntry, Entry: e}
	}
	v.report(items...)
}

// memo hands out a value, or the place of one.
func (v *invocation) memo(m *wire.DurableTaskMemoRequest) {
	v.mu.Lock()
	defer v.mu.Unlock()
	n, err := v.ledger.Memo(m.GetKey())
	if err != nil {
		v.refuse(err)
		return
	}
	ack := &wire.DurableTaskEventMemoAckResponse{Ref: v.ref(n.Place), MemoAlreadyExisted: n.Complete()}
	message := &wire.DurableTaskResponse{Message: &wire.DurableTaskResponse_MemoAck{MemoAck: ack}}
	switch {
	case n.Complete():
		ack.MemoResultPayload = n.Payload
	case m.Payload != nil:
		e := v.ledger.Complete(n, m.Payload)
		v.acks[e.Index] = message
		v.record(e)
		return
	default:
		if len(v.making) == 0 {
			v.made = make(chan struct{})
		}
		v.making[n.Place] = true
	}
	v.tell(message)
}

// awaitMemos returns once all memos that were handed out have their values, or memoFor
// later: those whose functions fail never get one.
func (v *invocation) awaitMemos(ctx context.Context) {
	v.mu.Lock()
	made := v.made
	v.mu.Unlock()
	if made == nil {
		return
	}
	late := v.attempt.worker.server().Clock.NewTimer(memoFor)
	defer late.Stop()
	select {
	case <-made:
	case <-late.C():
	case <-ctx.Done():
	}
}

// completeMemo stores the value of a memo. Nobody waits for that: if it is lost, the
// function behind it runs again.
func (v *invocation) completeMemo(m *wire.DurableTaskCompleteMemoRequest) {
	v.mu.Lock()
	defer v.mu.Unlock()
	n := v.ledger.At(ledger.Place{Branch: m.GetRef().GetBranchId(), Node: m.GetRef().GetNodeId()})
	if n == nil {
		return
	}
	if e := v.ledger.Complete(n, m.GetPayload()); e != nil {
		v.record(e)
	}
	if delete(v.making, n.Place); len(v.making) == 0 && v.made != nil {
		close(v.made)
		v.made = nil
	}
}

// waitFor has a wait begin, or finds it.
func (v *invocation) waitFor(m *wire.DurableTaskWaitForRequest) {
	v.mu.Lock()
	defer v.mu.Unlock()
	conditions, err := waitConditions(m.GetWaitForConditions())
	if err != nil {
		v.refuse(err)
		return
	}
	n, e, err := v.ledger.Wait(conditions, m.GetLabel())
	if err != nil {
		v.refuse(err)
		return
	}
	ack := &wire.DurableTaskResponse{Message: &wire.DurableTaskResponse_WaitForAck{
		WaitForAck: &wire.DurableTaskEventWaitForAckResponse{Ref: v.ref(n.Place)},
	}}
	if e == nil {
		v.tell(ack)
		v.watch(n)
		v.deliver(false) // Trap 25: after it
		return
	}
	v.acks[e.Index] = ack
	v.record(e)
}

// watch has the times of a wait be seen when they come: the shard looks at those of a task
// that runs only if it is asked to.
func (v *invocation) watch(n *ledger.Node) {
	for _, due := range n.Times() {
		v.attempt.worker.roster.alarms.set(due, v)
	}
}

// evict suspends the task. It goes on at once if it may not have heard all.
func (v *invocation) evict() {
	w := v.attempt.worker
	w.mu.Lock()
	w.hush(v.attempt.external) // until it is over: what comes next may be told before that is
	w.mu.Unlock()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.evicting = true
	v.suspend()
}

// restart has a task begin again from its log whose invocation cannot go on.
func (v *invocation) restart() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.suspend()
}

func (v *invocation) suspend() {
	heard := v.heard
	if v.lost || !v.ledger.Idle() || v.now().Sub(v.told) < hearingFor {
		heard = -1 // it waits again if there is nothing new
	}
	v.report(core.ReportItem{Kind: core.ReportSuspended, Heard: heard})
}

func (v *invocation) now() time.Time { return v.attempt.worker.server().Clock.Now() }

// settled takes in that an entry is in the log.
func (v *invocation) settled(s *core.Settlement) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if s.Stale {
		v.tell(evicted(v.attempt.external.String(), v.attempt.number(), "the task was given to another worker, or is being stopped"))
		return
	}
	if v.ledger == nil {
		return
	}
	if n := v.ledger.Settled(s.Entry, s.At); n != nil {
		v.watch(n)
	}
	if stored := v.stored[s.Entry]; stored != nil {
		delete(v.stored, s.Entry)
		close(stored)
	}
	if ack := v.acks[s.Entry]; ack != nil {
		delete(v.acks, s.Entry)
		v.tell(ack)
		v.deliver(false)
	}
}

// met takes in that a condition of a wait is met.
func (v *invocation) met(m *core.Met) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ledger == nil {
		return
	}
	v.heard++
	v.ledger.Met(m)
	v.deliver(false)
	v.signal()
}

// over ends the invocation: its attempt is settled, or given up. It tells whether it was
// evicted, which the worker is told.
func (v *invocation) over() (wasEvicted bool) {
	v.end()
	v.mu.Lock()
	defer v.mu.Unlock()
	if wasEvicted = v.evicting; wasEvicted {
		v.evicting = false
		v.tell(&wire.DurableTaskResponse{Message: &wire.DurableTaskResponse_EvictionAck{EvictionAck: &wire.DurableTaskEvictionAckResponse{
			DurableTaskExternalId: v.attempt.external.String(), InvocationCount: v.attempt.number(),
		}}})
	}
	return wasEvicted
}

// tellAgain tells what a worker says that it still waits for, as far as it has come: the
// word may have been lost with a stream.
func (v *invocation) tellAgain(waiting []*wire.DurableTaskAwaitedCompletedEntry) {
	v.mu.Lock()
	defer v.mu.Unlock()
	places := make([]ledger.Place, len(waiting))
	for i, e := range waiting {
		places[i] = ledger.Place{Branch: e.GetBranchId(), Node: e.GetNodeId()}
	}
	v.ledger.Untold(places)
	v.deliver(!v.stalled.IsZero() && v.now().Sub(v.stalled) >= stalledFor)
}

// deliver tells the ends that have come, in their order; loosely, also those for whose
// turn nobody asks. The caller holds the lock.
func (v *invocation) deliver(loosely bool) {
	for {
		n := v.ledger.Next(loosely)
		if n == nil {
			v.noteStall()
			return
		}
		v.stalled = time.Time{}
		end := &outcome{known: true, payload: n.Payload}
		if n.Child != 0 {
			if end = v.outcomeOf(n.Child); !end.known {
				return // it goes on when that is read
			}
			delete(v.outcomes, n.Child)
		}
		n.Tell()
		v.told = v.now()
		v.tell(&wire.DurableTaskResponse{Message: &wire.DurableTaskResponse_EntryCompleted{
			EntryCompleted: &wire.DurableTaskEventLogEntryCompletedResponse{
				Ref: v.ref(n.Place), Payload: end.payload, IsFailure: end.failure != nil, ErrorMessage: end.failure,
				SatisfiedOrder: proto.Int64(v.ledger.Order(n)),
			},
		}})
	}
}

// noteStall notes since when an end that was asked for is kept back.
func (v *invocation) noteStall() {
	switch held := v.ledger.Next(true); {
	case held == nil:
		v.stalled = time.Time{}
	case v.stalled.IsZero():
		v.stalled = v.now()
	}
}

// outcomeOf is how a child ended, or has that be read. The caller holds the lock.
func (v *invocation) outcomeOf(child id.ID) *outcome {
	if known := v.outcomes[child]; known != nil {
		return known
	}
	pending := &outcome{}
	v.outcomes[child] = pending
	w := v.attempt.worker
	w.roster.reading.Go(func() { // the shard may answer at once, and the lock is held
		if err := w.server().Shards.Await(v.life, v.attempt.Owner, []id.ID{child}, func(o shard.Outcome) {
			w.roster.reading.Go(func() { v.learn(child, &o) }) // the shard does not wait
		}); err != nil {
			v.learn(child, nil)
		}
	})
	return pending
}

// learn takes in how a child ended; nil is not known, and is read again when the worker
// asks.
func (v *invocation) learn(child id.ID, o *shard.Outcome) {
	var end *outcome
	if w := v.attempt.worker; o != nil {
		end = w.server().childEnd(v.life, v.attempt.Owner, child, o)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if end == nil {
		delete(v.outcomes, child)
		return
	}
	v.outcomes[child] = end
	v.deliver(false)
}
