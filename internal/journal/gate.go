package journal

import (
	"context"

	"golang.org/x/sync/semaphore"

	"github.com/adzehq/adze/internal/base/fault"
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
// passes it first, first come first served; Append itself never blocks, for the
// core's own decisions must always be written.
type Gate struct {
	room *semaphore.Weighted
	max  int64
}

// NewGate admits bytesMax at once.
func NewGate(bytesMax int64) *Gate {
	return &Gate{room: semaphore.NewWeighted(bytesMax), max: bytesMax}
}

// Reserve takes room for bytes (see Cost). It waits for it until ctx ends, or
// fails at once with fault.Exhausted if wait is false. What is larger than the
// whole gate passes alone.
func (g *Gate) Reserve(ctx context.Context, bytes int64, wait bool) error {
	if wait {
		return g.room.Acquire(ctx, min(bytes, g.max))
	}
	if !g.room.TryAcquire(min(bytes, g.max)) {
		return fault.New(fault.Exhausted, "", "the journal is full: try again, or wait for room")
	}
	return nil
}

// Release gives back what Reserve took, once it is committed or given up.
func (g *Gate) Release(bytes int64) { g.room.Release(min(bytes, g.max)) }
