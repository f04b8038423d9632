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

// What attempts write, and what is written of their tasks.
const (
	WrittenLines Written = iota + 1
	WrittenChunks
	WrittenSteps // that tasks begin, and how they end
)

// Follower is told of what tasks write. It is for one goroutine; Close it.
type Follower interface {
	// Next waits for rows that were committed since the call before. lost says that
	// some are missing among them, or before them: read the table. It fails with ctx, or
	// when the shard has another owner.
	Next(ctx context.Context) (rows Rows, lost bool, err error)
	Close()
}

// Rows are what was committed, of each kind in the order of the commits; a chunk is among
// the same rows as the end of its task, or among rows before. They are the receiver's.
type Rows struct {
	Lines  []core.LogLine
	Chunks []core.Chunk
	Steps  []Outcome // without a status: the task begins
}

// streams are those who follow what tasks write, by task.
type streams struct {
	mu     sync.Mutex
	lines  map[id.ID][]*follower
	chunks map[id.ID][]*follower
	steps  map[id.ID][]*follower
}

func newStreams() *streams {
	return &streams{lines: map[id.ID][]*follower{}, chunks: map[id.ID][]*follower{}, steps: map[id.ID][]*follower{}}
}

// of is the followers of a kind, by task.
func (s *streams) of(kind Written) map[id.ID][]*follower {
	switch kind {
	case WrittenLines:
		return s.lines
	case WrittenChunks:
		return s.chunks
	}
	return s.steps
}

// follower implements Follower.
type follower struct {
	runtime *Runtime
	tenant  id.ID
	tasks   []id.ID
	kinds   []Written
	ready   chan struct{} // holds a token while there is something to take

	mu    sync.Mutex
	rows  Rows
	bytes int
	lost  bool
}

// Follow implements Client.
func (r *Runtime) Follow(_ context.Context, tenant id.ID, tasks []id.ID, kinds ...Written) (Follower, error) {
	f := &follower{runtime: r, tenant: tenant, tasks: slices.Clone(tasks), kinds: slices.Clone(kinds), ready: make(chan struct{}, 1)}
	s := r.streams
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, kind := range f.kinds {
		of := s.of(kind)
		for _, task := range f.tasks {
			of[task] = append(of[task], f)
		}
	}
	return f, nil
}

// Close implements Follower.
func (f *follower) Close() {
	s := f.runtime.streams
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, kind := range f.kinds {
		of := s.of(kind)
		for _, task := range f.tasks {
			rest := slices.DeleteFunc(of[task], func(other *follower) bool { return other == f })
			if of[task] = rest; len(rest) == 0 {
				delete(of, task)
			}
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

// deliver hands what was committed to those who follow the tasks that it is of. It never
// waits.
func (s *streams) deliver(e *core.Effects) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.lines) > 0 {
		for i := range e.Lines {
			for _, f := range s.lines[e.Lines[i].Task] {
				f.addLine(&e.Lines[i])
			}
		}
	}
	if len(s.chunks) > 0 {
		for i := range e.Chunks {
			for _, f := range s.chunks[e.Chunks[i].Task] {
				f.addChunk(&e.Chunks[i])
			}
		}
	}
	if len(s.steps) > 0 {
		s.deliverSteps(e)
	}
}

func (s *streams) deliverSteps(e *core.Effects) {
	for i := range e.Tasks {
		for _, f := range s.steps[e.Tasks[i].ID] {
			f.addStep(e.Tasks[i].Tenant, Outcome{ID: e.Tasks[i].ID})
		}
	}
	for i := range e.Results {
		for _, f := range s.steps[e.Results[i].Task] {
			f.addStep(e.Results[i].Tenant, outcomeFor(f.tenant, &e.Results[i]))
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

func (f *follower) addStep(tenant id.ID, step Outcome) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if tenant == f.tenant && f.takes(len(step.Output)+len(step.Error)) {
		f.rows.Steps = append(f.rows.Steps, step)
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
