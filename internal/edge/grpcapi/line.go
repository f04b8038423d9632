package grpcapi

import (
	"cmp"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/outline"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

const (
	// pingInterval is how often either side is heard at least.
	pingInterval = 3 * time.Second

	// watchInterval is how often a session is looked at, and silentLooksMax how
	// many looks in a row may find nothing before its worker counts as lost: 10 s.
	watchInterval  = time.Second
	silentLooksMax = 10
	pingLooks      = int(pingInterval / watchInterval)
)

// line is a worker's stream with what is needed to see whether it lives.
type line struct {
	stream workStream

	waiting atomic.Bool   // the reader waits for the worker, not for the shard
	heard   atomic.Uint64 // messages received

	sending sync.Mutex    // a stream takes one Send at a time
	sent    atomic.Uint64 // messages sent
}

func (l *line) recv() (*wire.WorkerMessage, error) {
	l.waiting.Store(true)
	message, err := l.stream.Recv()
	l.waiting.Store(false)
	l.heard.Add(1)
	return message, err
}

func (l *line) send(message *wire.EngineMessage) error {
	l.sending.Lock()
	defer l.sending.Unlock()
	l.sent.Add(1)
	return l.stream.Send(message)
}

// ping sends an empty message, unless a Send is under way.
func (l *line) ping() error {
	if !l.sending.TryLock() {
		return nil
	}
	defer l.sending.Unlock()
	return l.stream.Send(&wire.EngineMessage{})
}

// sendDown sends d in messages of a bounded size. Stops, settlements and the like are
// small and go with the first; what was met comes after the assignments that it is for.
func (l *line) sendDown(d *shard.Down) error {
	message := &wire.EngineMessage{Stops: stops(d.Stops), Settled: settlements(d.Settled), Emitted: emitted(d.Emitted)}
	list, left, mets := assignments(d.Assignments), d.Assignments, d.Mets
	for {
		n := fitting(left, payloadBytes)
		message.More = splits(left, n)
		message.Assignments = list[:n]
		if list, left = list[n:], left[n:]; len(list) == 0 && (n == 0 || len(mets) == 0) {
			met := fitting(mets, metBytes)
			message.Mets, mets = outline.MetsToWire(mets[:met]), mets[met:]
		}
		if err := l.send(message); err != nil {
			return err
		}
		if len(list)+len(mets) == 0 {
			return nil
		}
		message = &wire.EngineMessage{}
	}
}

// splits tells whether the members of a batch stand on both sides of place n.
func splits(list []shard.Assignment, n int) bool {
	return n > 0 && n < len(list) && list[n].Batch != 0 && list[n-1].Batch == list[n].Batch
}

// watch ends the session of a worker that is not heard, and lets the worker hear
// the engine. It counts its own looks, not the clock: an engine that was stopped
// for a while has looked once, and does not take its workers for dead.
func (w *work) watch(ctx context.Context) leave {
	timer := w.server.Clock.NewTimer(watchInterval)
	defer timer.Stop()
	var heard, sent uint64
	silentLooks, quietLooks := 0, 0
	for {
		select {
		case <-ctx.Done():
			return leave{core.LeaveClosed, context.Cause(ctx)}
		case <-timer.C():
			timer.Reset(watchInterval)
		}
		if now := w.line.heard.Load(); now != heard || !w.line.waiting.Load() {
			heard, silentLooks = now, 0
		} else if silentLooks++; silentLooks >= silentLooksMax {
			return leave{core.LeaveSilent, fault.New(fault.Unavailable, "",
				"nothing was heard of this worker for %s: connect again", silentLooksMax*watchInterval)}
		}
		if now := w.line.sent.Load(); now != sent {
			sent, quietLooks = now, 0
		} else if quietLooks++; quietLooks >= pingLooks {
			quietLooks = 0
			if err := w.line.ping(); err != nil {
				return leave{core.LeaveClosed, err}
			}
		}
	}
}

func assignments(from []shard.Assignment) []*wire.Assignment {
	room := make([]wire.Assignment, len(from))
	list := make([]*wire.Assignment, len(from))
	for i := range from {
		a, to := &from[i], &room[i]
		to.TaskId, to.RunId = uint64(a.Task), uint64(cmp.Or(a.Run, a.Task))
		to.Token, to.Attempt, to.DeadlineMs = uint64(a.Token), a.Attempt, int64(a.Deadline)
		to.Batch, to.Tenant = uint64(a.Batch), a.Tenant
		to.Action, to.Workflow, to.Task = a.Action, a.Workflow, a.Name
		to.Input, to.Metadata = a.Input, a.Metadata
		for _, p := range a.Parents {
			to.Parents = append(to.Parents, &wire.ParentOutput{Task: p.Task, Output: p.Output})
		}
		for _, f := range a.Failures {
			to.Failures = append(to.Failures, &wire.TaskFailure{Task: f.Task, Error: f.Error})
		}
		if e := a.Event; e != nil {
			to.Event = &wire.RunEvent{EventId: uint64(e.ID), Key: e.Key, Scope: e.Scope, Given: e.Given}
		}
		to.Came = outline.CameToWire(a.Came)
		to.Log, to.Mets = outline.LogToWire(a.Log), outline.MetsToWire(a.Mets)
		list[i] = to
	}
	return list
}

func stops(from []core.Stop) []*wire.Stop {
	room := make([]wire.Stop, len(from))
	list := make([]*wire.Stop, len(from))
	for i := range from {
		to := &room[i]
		to.TaskId, to.Token = uint64(from[i].Task), uint64(from[i].Token)
		to.Reason = stopReasons[from[i].Reason]
		list[i] = to
	}
	return list
}

var stopReasons = [...]wire.Stop_Reason{
	core.StopCancelled: wire.Stop_REASON_CANCELLED,
	core.StopTimedOut:  wire.Stop_REASON_TIMED_OUT,
	core.StopForeign:   wire.Stop_REASON_FOREIGN,
}

func settlements(from []core.Settlement) []*wire.Settlement {
	room := make([]wire.Settlement, len(from))
	list := make([]*wire.Settlement, len(from))
	for i := range from {
		to := &room[i]
		to.TaskId, to.Token, to.Stale = uint64(from[i].Task), uint64(from[i].Token), from[i].Stale
		to.Entry, to.AtMs, to.Data, to.Error = from[i].Entry, int64(from[i].At), from[i].Data, from[i].Error
		list[i] = to
	}
	return list
}
