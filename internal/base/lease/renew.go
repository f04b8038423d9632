package lease

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Run renews what is held until ctx ends, then lets it go: the next owner need
// not wait. While Postgres cannot be reached nothing is lost, for nobody else can
// take over either; what counts is the epoch it has when it is back.
func (h *Holder) Run(ctx context.Context) error {
	tick := time.NewTicker(h.config.RenewEvery)
	defer tick.Stop()
	defer h.Close()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := h.renew(ctx); err != nil && ctx.Err() == nil {
			h.config.Log.Warn("could not renew leases, trying again", "error", err)
		}
	}
}

// Close lets all shards go, by ending the session that says their owner lives.
// Their epochs stay until somebody takes them over.
func (h *Holder) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	h.disconnect()
	clear(h.held)
}

// renew is one pass: shards whose epoch is another's are lost, the others are
// good for another TTL.
func (h *Holder) renew(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.held) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	err := h.connect(ctx)
	if err == nil {
		err = h.renewHeld(ctx)
	}
	if err == nil {
		err = h.relock(ctx)
	}
	h.dropBroken()
	return err
}

func (h *Holder) renewHeld(ctx context.Context) error {
	shards := h.shards()
	epochs := make([]int64, len(shards))
	for i, s := range shards {
		epochs[i] = h.held[s].epoch
	}
	rows, err := h.conn.Query(ctx, renewSQL, shards, epochs)
	if err != nil {
		return fmt.Errorf("renew %d leases: %w", len(shards), err)
	}
	renewed, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil {
		return fmt.Errorf("renew %d leases: %w", len(shards), err)
	}
	still := make(map[int32]bool, len(renewed))
	for _, s := range renewed {
		still[s] = true
	}
	for _, s := range shards {
		if !still[s] {
			h.lose(ctx, s)
		}
	}
	return nil
}

// lose forgets a shard and tells it.
func (h *Holder) lose(ctx context.Context, shard int32) {
	g := h.held[shard]
	delete(h.held, shard)
	h.config.Log.Warn("lost shard to another owner", "shard", shard, "epoch", g.epoch)
	if g.alive {
		h.unlockLiveness(ctx, shard) // its new owner may wait for it
	}
	select {
	case h.lost <- shard:
	default: // told before and not yet heard
	}
}

// relock takes the liveness locks that were lost with an earlier session. A shard
// whose lock is another's stays held: its epoch decides at the next renewal.
func (h *Holder) relock(ctx context.Context) error {
	for _, shard := range h.shards() {
		g := h.held[shard]
		if g.alive {
			continue
		}
		alive, err := h.lockLiveness(ctx, shard)
		if err != nil {
			return err
		}
		g.alive = alive
	}
	return nil
}

var errClosed = errors.New("lease: holder is closed")

// connect makes sure there is a session.
func (h *Holder) connect(ctx context.Context) error {
	if h.closed {
		return errClosed
	}
	if h.conn != nil {
		return nil
	}
	pooled, err := h.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("acquire lease connection: %w", err)
	}
	h.conn = pooled.Hijack()
	return nil
}

// dropBroken forgets a session that is lost, and the locks it held.
func (h *Holder) dropBroken() {
	if h.conn != nil && h.conn.IsClosed() {
		h.disconnect()
	}
}

func (h *Holder) disconnect() {
	if h.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	h.lastPID = h.conn.PgConn().PID()
	_ = h.conn.Close(ctx) // nothing is lost with it but the locks
	h.conn = nil
	for _, g := range h.held {
		g.alive = false
	}
}
