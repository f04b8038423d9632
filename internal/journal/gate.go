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

	// TenantBytesMax is what one tenant may have of GateBytesMax, and TenantEmitBytesMax of
	// EmitBytesMax: there is room for others at once, and what they bring stands behind a
	// second or two of it in the journal, not behind all that fits the memory.
	TenantBytesMax     = GateBytesMax / 4
	TenantEmitBytesMax = EmitBytesMax / 2

	// RowBytes is what a row counts besides its payloads, so that the bound on
	// bytes is one on rows too: 128 MiB are at most 262,144 rows.
	RowBytes = 512
)

// Cost is what rows with payloads of so many bytes in all take of the Gate.
func Cost(rows int, payloadBytes int64) int64 { return int64(rows)*RowBytes + payloadBytes }

// Gate bounds what waits to be written. Whoever brings work (submits, reports)
// passes it first; Append itself never blocks, for the core's own decisions must
// always be written. A tenant that has its part of it waits for itself; where there is no
// room at all, tenants take turns, request by request.
type Gate struct {
	room *semaphore.Weighted
	max  int64
	part int64 // of a tenant

	mu sync.Mutex
	of map[id.ID]*corner // of tenants that have something in it, or wait
}

// corner is a tenant's part of the gate, and its place in the line for room: one of its
// requests has it, the others wait for that one.
type corner struct {
	room  *semaphore.Weighted
	taken chan struct{} // holds one while somebody has the place
	users int           // requests that have room, or wait
}

// NewGate admits bytesMax at once, and partMax of one tenant.
func NewGate(bytesMax, partMax int64) *Gate {
	return &Gate{room: semaphore.NewWeighted(bytesMax), max: bytesMax, part: partMax, of: map[id.ID]*corner{}}
}

// Reserve takes room for bytes (see Cost) of a tenant. It waits for it until ctx ends, or
// fails at once with fault.Exhausted if wait is false. What is larger than the tenant's part
// passes alone of what it brings, and what is larger than the whole gate alone.
func (g *Gate) Reserve(ctx context.Context, tenant id.ID, bytes int64, wait bool) error {
	c := g.enter(tenant)
	err := g.reserve(ctx, c, bytes, wait)
	if err != nil {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.leaveLocked(tenant, c)
	}
	return err
}

func (g *Gate) reserve(ctx context.Context, c *corner, bytes int64, wait bool) error {
	own, all := min(bytes, g.part), min(bytes, g.max)
	if !c.room.TryAcquire(own) {
		if !wait {
			return fault.New(fault.Exhausted, "", "the journal has all that it takes of one tenant: try again, or wait for room")
		}
		if err := c.room.Acquire(ctx, own); err != nil {
			return err
		}
	}
	if g.room.TryAcquire(all) { // not while anybody waits
		return nil
	}
	err := g.lineUp(ctx, c, all, wait)
	if err != nil {
		c.room.Release(own)
	}
	return err
}

// lineUp waits for the tenant's turn, and then for room.
func (g *Gate) lineUp(ctx context.Context, c *corner, bytes int64, wait bool) error {
	if !wait {
		return fault.New(fault.Exhausted, "", "the journal is full: try again, or wait for room")
	}
	select {
	case c.taken <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-c.taken }()
	return g.room.Acquire(ctx, bytes)
}

func (g *Gate) enter(tenant id.ID) *corner {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := g.of[tenant]
	if c == nil {
		c = &corner{room: semaphore.NewWeighted(g.part), taken: make(chan struct{}, 1)}
		g.of[tenant] = c
	}
	c.users++
	return c
}

func (g *Gate) leaveLocked(tenant id.ID, c *corner) {
	if c.users--; c.users == 0 {
		delete(g.of, tenant)
	}
}

// Release gives back what Reserve took, once it is committed or given up.
func (g *Gate) Release(tenant id.ID, bytes int64) {
	g.room.Release(min(bytes, g.max))
	g.mu.Lock()
	defer g.mu.Unlock()
	c := g.of[tenant]
	c.room.Release(min(bytes, g.part))
	g.leaveLocked(tenant, c)
}
