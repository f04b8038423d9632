package shard

import (
	"context"
	"slices"
	"sync"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// followBytesMax is what is kept for a follower that is slow. What comes beyond it
// drops all: the table has it.
const followBytesMax = 1 << 20

// Written is what a Follower is told of.
type Written uint8

// The two kinds of what attempts write.
const (
	WrittenLines Written = iota + 1
	WrittenChunks
)

// Follower is told of what tasks write. It is for one goroutine; Close it.
type Follower interface {
	// Next waits for rows that were committed since the call before. lost says that
	// some are missing among them, or before them: read the table. It fails with ctx, or
	// when the shard has another owner.
	Next(ctx context.Context) (rows Rows, lost bool, err error)
	Close()
}

// Rows are lines or chunks, in the order of their commits. They are the receiver's.
type Rows struct {
	Lines  []core.LogLine
	Chunks []core.Chunk
}

// streams are those who follow what tasks write, by task.
type streams struct {
	mu     sync.Mutex
	lines  map[id.ID][]*follower
	chunks map[id.ID][]*follower
}

func newStreams() *streams {
	return &streams{lines: map[id.ID][]*follower{}, chunks: map[id.ID][]*follower{}}
}

// of is the followers of a kind, by task.
func (s *streams) of(kind Written) map[id.ID][]*follower {
	if kind == WrittenLines {
		return s.lines
	}
	return s.chunks
}

// follower implements Follower.
type follower struct {
	runtime *Runtime
	tenant  id.ID
	tasks   []id.ID
	kind    Written
	ready   chan struct{} // holds a token while there is something to take

	mu    sync.Mutex
	rows  Rows
	bytes int
	lost  bool
}

// Follow implements Client.
func (r *Runtime) Follow(_ context.Context, tenant id.ID, tasks []id.ID, kind Written) (Follower, error) {
	f := &follower{runtime: r, tenant: tenant, tasks: slices.Clone(tasks), kind: kind, ready: make(chan struct{}, 1)}
	s := r.streams
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.of(kind)
	for _, task := range f.tasks {
		of[task] = append(of[task], f)
	}
	return f, nil
}

// Close implements Follower.
func (f *follower) Close() {
	s := f.runtime.streams
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.of(f.kind)
	for _, task := range f.tasks {
		rest := slices.DeleteFunc(of[task], func(other *follower) bool { return other == f })
		if of[task] = rest; len(rest) == 0 {
			delete(of, task)
		}
	}
}

// Next implements Follower.
func (f *follower) Next(ctx context.Context) (Rows, bool, error) {
	select {
	case <-f.ready:
	case <-ctx.Done():
		return Rows{}, false, ctx.Err()
	case <-f.runtime.failed:
		return Rows{}, false, f.runtime.unavailable()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	rows, lost := f.rows, f.lost
	f.rows, f.bytes, f.lost = Rows{}, 0, false
	return rows, lost, nil
}

// deliver hands committed rows to those who follow their tasks. It never waits.
func (s *streams) deliver(lines []core.LogLine, chunks []core.Chunk) {
	if len(lines)+len(chunks) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.lines) > 0 {
		for i := range lines {
			for _, f := range s.lines[lines[i].Task] {
				f.addLine(&lines[i])
			}
		}
	}
	if len(s.chunks) > 0 {
		for i := range chunks {
			for _, f := range s.chunks[chunks[i].Task] {
				f.addChunk(&chunks[i])
			}
		}
	}
}

func (f *follower) addLine(l *core.LogLine) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if l.Tenant == f.tenant && f.takes(len(l.Message)+len(l.Fields)) {
		f.rows.Lines = append(f.rows.Lines, *l)
	}
}

func (f *follower) addChunk(c *core.Chunk) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c.Tenant == f.tenant && f.takes(len(c.Data)) {
		f.rows.Chunks = append(f.rows.Chunks, *c)
	}
}

// takes tells whether there is room for another row; without it all are dropped.
// Called with mu held.
func (f *follower) takes(payload int) bool {
	select {
	case f.ready <- struct{}{}:
	default:
	}
	f.bytes += rowBytes + payload
	if f.bytes > followBytesMax {
		f.rows, f.lost = Rows{}, true
	}
	return !f.lost
}
