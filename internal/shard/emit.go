package shard

import (
	"context"
	"sync"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// backlogBytesMax is how much of what its worker wrote a session keeps while there is
// no room at the journal. A worker that keeps no more than 4 MiB itself never comes to
// it.
const backlogBytesMax = 8 << 20

// backlog is what a session was handed and has not passed on: lines and chunks for
// which there is no room, and behind them reports of the same attempts, which must not
// overtake them. Reports of other attempts do.
type backlog struct {
	mu      sync.Mutex
	waiting []message
	of      map[core.Token]int // by attempt, how many of waiting are about it
	bytes   int64
	pumping bool
}

// Emit implements Session.
func (s *session) Emit(ctx context.Context, lines []core.LogLine, chunks []core.Chunk) error {
	bytes := writtenBytes(lines, chunks)
	m := message{
		input: &core.Emit{Worker: s.worker, Lines: lines, Chunks: chunks},
		gate:  s.runtime.config.Emits, holder: s.tenant, bytes: bytes,
	}
	b := &s.backlog
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 && m.gate.Reserve(ctx, s.tenant, bytes, false) == nil {
		return s.runtime.send(m)
	}
	if b.bytes+bytes > backlogBytesMax {
		return fault.New(fault.Exhausted, "chunks", "more than %d MiB of lines and chunks wait to be stored: "+
			"keep at most 4 MiB on the way that you were not told of", backlogBytesMax>>20)
	}
	s.holdLocked(m)
	return nil
}

func writtenBytes(lines []core.LogLine, chunks []core.Chunk) (bytes int64) {
	for i := range lines {
		bytes += rowBytes + int64(len(lines[i].Message)+len(lines[i].Fields))
	}
	for i := range chunks {
		bytes += rowBytes + int64(len(chunks[i].Data))
	}
	return bytes
}

// Write implements Client.
func (r *Runtime) Write(ctx context.Context, tenant id.ID, lines []core.LogLine, chunks []core.Chunk) error {
	bytes := writtenBytes(lines, chunks)
	if err := r.config.Emits.Reserve(ctx, tenant, bytes, bool(WaitForRoom)); err != nil {
		return err
	}
	done := make(chan error, 1)
	err := r.send(message{
		input: &core.Write{Tenant: tenant, Lines: lines, Chunks: chunks},
		gate:  r.config.Emits, holder: tenant, bytes: bytes, told: func(err error) { done <- err },
	})
	if err != nil {
		return err
	}
	return r.wait(ctx, done)
}

// overtaking are the items that need not wait for what their attempts wrote, and the
// spawnings of those. The others go behind it.
func (s *session) overtaking(items []core.ReportItem, spawnings []spawning) ([]core.ReportItem, []spawning) {
	b := &s.backlog
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 {
		return items, spawnings
	}
	var free, behind []core.ReportItem
	entries := map[*core.NewEntry]bool{} // of behind
	for i := range items {
		if b.of[items[i].Token] > 0 {
			behind = append(behind, items[i])
			entries[items[i].Entry] = true
		} else {
			free = append(free, items[i])
		}
	}
	var freeSpawnings, spawningsBehind []spawning
	for _, one := range spawnings {
		if entries[one.entry] {
			spawningsBehind = append(spawningsBehind, one)
		} else {
			freeSpawnings = append(freeSpawnings, one)
		}
	}
	if len(behind) > 0 {
		s.holdLocked(s.reported(behind, spawningsBehind))
	}
	return free, freeSpawnings
}

// holdLocked keeps m until there is room for it.
func (s *session) holdLocked(m message) {
	b := &s.backlog
	b.waiting = append(b.waiting, m)
	b.bytes += m.bytes
	b.count(m, 1)
	if !b.pumping {
		b.pumping = true
		go s.pump()
	}
}

// count adds to what waits of each attempt in m.
func (b *backlog) count(m message, by int) {
	if b.of == nil {
		b.of = map[core.Token]int{}
	}
	for token := range tokens(m.input) {
		if b.of[token] += by; b.of[token] == 0 {
			delete(b.of, token)
		}
	}
}

// tokens calls yield for each row of an Emit, and each item of a Report.
func tokens(in core.Input) func(yield func(core.Token) bool) {
	return func(yield func(core.Token) bool) {
		switch in := in.(type) {
		case *core.Emit:
			for i := range in.Lines {
				if !yield(in.Lines[i].Token) {
					return
				}
			}
			for i := range in.Chunks {
				if !yield(in.Chunks[i].Token) {
					return
				}
			}
		case *core.Report:
			for i := range in.Items {
				if !yield(in.Items[i].Token) {
					return
				}
			}
		}
	}
}

// pump passes on what waits, as there is room, until nothing does or the session is
// over: then its worker sends it again on the next one.
func (s *session) pump() {
	for more := true; more; {
		s.backlog.mu.Lock()
		m := s.backlog.waiting[0]
		s.backlog.mu.Unlock()
		if m.gate.Reserve(s.life, s.tenant, m.bytes, true) != nil {
			return
		}
		more = s.passFirst()
	}
}

// passFirst passes on the first of what waits, and tells whether to go on.
func (s *session) passFirst() bool {
	b := &s.backlog
	b.mu.Lock()
	defer b.mu.Unlock()
	m := b.waiting[0]
	b.waiting[0] = message{}
	b.waiting = b.waiting[1:]
	b.bytes -= m.bytes
	b.count(m, -1)
	sent := s.runtime.send(m) == nil
	b.pumping = sent && len(b.waiting) > 0
	return b.pumping
}
