package journal_test

import (
	"sync"
	"testing"
	"time"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/journal"
	"github.com/adzehq/adze/internal/keeper"
	"github.com/adzehq/adze/internal/pgtest"
)

// BenchmarkFlush writes pairs of a task and its result, in entries of 50 as a
// shard's loop makes them under load, and never lets the journal wait.
func BenchmarkFlush(b *testing.B) {
	const perEntry, entriesMax = 50, 200
	pool := pgtest.Open(b)
	ctx := b.Context()
	if err := keeper.New(pool, keeper.Config{Log: quiet}).Pass(ctx); err != nil {
		b.Fatal(err)
	}
	if _, err := pool.Exec(ctx, "insert into adze.shard_lease values ($1, $2, 1, now())", shard, epoch); err != nil {
		b.Fatal(err)
	}
	j := journal.New(pool, journal.Config{Log: quiet})
	go func() { _ = j.Run(ctx) }()

	ids := id.NewSource(shard, 0)
	payload := core.Payload(`{"number":12345,"text":"a payload of an ordinary task","list":[1,2,3]}`)
	var done sync.WaitGroup
	room := make(chan *core.Effects, entriesMax)
	for range entriesMax {
		room <- &core.Effects{}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n += perEntry {
		e := <-room
		e.Reset()
		for range min(perEntry, b.N-n) {
			task := ids.Next(time.Now().UnixMilli())
			e.Tasks = append(e.Tasks, core.NewTask{ID: task, Tenant: 1, Version: 2, Input: payload})
			e.Results = append(e.Results, core.Result{
				Task: task, Tenant: 1, Status: core.Succeeded, Attempt: 1, Worker: 3,
				Assigned: 1, Started: 2, Finished: 3, Output: payload,
			})
		}
		done.Add(1)
		j.Append(journal.Entry{Shard: shard, Epoch: epoch, Effects: e, Done: func(err error) {
			if err != nil {
				b.Error(err)
			}
			room <- e
			done.Done()
		}})
	}
	done.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pairs/s")
}
