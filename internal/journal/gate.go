package journal

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
)

const (
	// GateBytesMax bounds what is admitted and not yet committed, payloads and
	// RowBytes each: the memory of a journal that Postgres keeps waiting.
	GateBytesMax = 128 << 20

	// EmitBytesMax is GateBytesMax for what attempts write: two batches, so that no
	// result waits long behind somebody's stream.
	EmitBytesMax = 2 * batchBytesMax

	// RowBytes is what a row counts besides its payloads, so that the bound on
	// bytes is one on rows too: 128 MiB are at most 262,144 rows.
	RowBytes = 512
)

// Cost is what rows with payloads of so many bytes in all take of the Gate.
func Cost(rows int, payloadBytes int64) int64 { return int64(rows)*RowBytes + payloadBytes }

// Gate bounds what waits to be written. Whoever brings work (submits, reports)
// passes it first; Append itself never blocks, for the core's own decisions must
// always be written. Where there is no room, tenants take turns, request by request:
// one that brings very much waits behind itself.
type Gate struct {
	room *semaphore.Weighted
	max  int64

	mu    sync.Mutex
	turns map[id.ID]*turn // of tenants that wait
}

// turn is a tenant's place in the line for room: one of its requests has it, the others
// wait for that one.
type turn struct {
	taken   chan struct{} // holds one while somebody has it
	waiting int
}

// NewGate admits bytesMax at once.
func NewGate(bytesMax int64) *Gate {
	return &Gate{room: semaphore.NewWeighted(bytesMax), max: bytesMax, turns: map[id.ID]*turn{}}
}

// Reserve takes room for bytes (see Cost) of a tenant. It waits for it until ctx ends, or
// fails at once with fault.Exhausted if wait is false. What is larger than the whole gate
// passes alone.
func (g *Gate) Reserve(ctx context.Context, tenant id.ID, bytes int64, wait bool) error {
	bytes = min(bytes, g.max)
	if g.room.TryAcquire(bytes) { // not while anybody waits
		return nil
	}
	if !wait {
		return fault.New(fault.Exhausted, "", "the journal is full: try again, or wait for room")
	}
	t := g.lineUp(tenant)
	defer g.leave(tenant, t)
	select {
	case t.taken <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-t.taken }()
	return g.room.Acquire(ctx, bytes)
}

func (g *Gate) lineUp(tenant id.ID) *turn {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.turns[tenant]
	if t == nil {
		t = &turn{taken: make(chan struct{}, 1)}
		g.turns[tenant] = t
	}
	t.waiting++
	return t
}

func (g *Gate) leave(tenant id.ID, t *turn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if t.waiting--; t.waiting == 0 {
		delete(g.turns, tenant)
	}
}

// Release gives back what Reserve took, once it is committed or given up.
func (g *Gate) Release(bytes int64) { g.room.Release(min(bytes, g.max)) }
