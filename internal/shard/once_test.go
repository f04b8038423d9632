package shard_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/clock"
	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/lease"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/journal"
	"github.com/adzehq/adze/internal/record/tenant"
	"github.com/adzehq/adze/internal/shard"
)

// serve runs a shard on Postgres that keeps so few once keys in memory.
func serve(t *testing.T, onceKeys int) *shard.Set {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	pool, store, _ := setupStore(t)
	epochs, err := lease.New(pool, lease.Config{Owner: 1, Log: log}).Acquire(t.Context(), []int32{0})
	require.NoError(t, err)
	j := journal.New(pool, journal.Config{Log: log})
	set := shard.NewSet(shard.Config{
		Epochs: epochs, ShardOf: func(context.Context, id.ID) (int32, error) { return 0, nil },
		Store: store, Journal: j, Clock: clock.Wall, Log: log, OnceKeys: onceKeys,
		Submits: journal.NewGate(journal.GateBytesMax, journal.TenantBytesMax), Reports: journal.NewGate(journal.GateBytesMax, journal.TenantBytesMax), Emits: journal.NewGate(journal.EmitBytesMax, journal.TenantEmitBytesMax),
	})
	ctx, stop := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	for _, run := range []func(context.Context) error{j.Run, set.Run} {
		parts.Go(func() { _ = run(ctx) })
	}
	t.Cleanup(func() { stop(); parts.Wait() })
	require.NoError(t, set.Ready(t.Context()))
	return set
}

func TestKeysThatDoNotFitTheMemoryAreHeldAllTheSame(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	set := serve(t, 20)
	w := shard.Workflow{Name: "w", Tasks: []shard.Task{{Name: "w", Action: "w", Backoff: shard.Backoff{InitialMS: 1, Factor: 2, MaxMS: 3}}}}
	definition, err := w.Definition()
	require.NoError(t, err)
	_, err = set.Define(ctx, tenant.DefaultID, []shard.Definition{definition})
	require.NoError(t, err)
	submit := func(first, n int, taken core.OnceTaken) []shard.Submitted {
		runs := make([]shard.NewRun, n)
		for i := range runs {
			runs[i] = shard.NewRun{Workflow: "w", Input: []byte("1"), Once: &shard.Once{
				Key: fmt.Sprint("key ", first+i), Hold: core.OnceRun, Taken: taken,
			}}
		}
		submitted, err := set.Submit(ctx, tenant.DefaultID, runs, shard.WaitForRoom)
		require.NoError(t, err)
		return submitted
	}
	var held []shard.Submitted
	for len(held) < 100 {
		held = append(held, submit(len(held), 20, core.OnceReject)...)
	}
	var callers sync.WaitGroup
	for i := range held {
		callers.Go(func() {
			refused := submit(i, 1, core.OnceReject)[0]
			assert.Equal(t, fault.Conflict, fault.KindOf(refused.Err))
			assert.Equal(t, shard.Submitted{ID: held[i].ID, Existed: true}, submit(i, 1, core.OnceExisting)[0])
		})
	}
	callers.Wait()
	fresh := submit(90, 20, core.OnceReplace) // half of them replace one
	ids := make([]id.ID, 10)
	for i := range ids {
		ids[i] = held[90+i].ID
	}
	texts := make(chan string, len(ids))
	require.NoError(t, set.Await(ctx, tenant.DefaultID, ids, func(o shard.Outcome) { texts <- o.Error }))
	replaced := map[string]bool{}
	for range ids {
		select {
		case text := <-texts:
			replaced[text] = true
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		}
	}
	for i := range ids {
		require.True(t, replaced["replaced by "+fresh[i].ID.String()], "%v", replaced)
	}
	outcomes, err := set.Cancel(ctx, tenant.DefaultID, []id.ID{held[0].ID}, "", false)
	require.NoError(t, err)
	require.Equal(t, []shard.Cancelled{shard.CancelDone}, outcomes)
	again := submit(0, 1, core.OnceReject)[0]
	require.NoError(t, again.Err, "the key is free with the end of its run, wherever it was")
	require.NotEqual(t, held[0].ID, again.ID)
}
