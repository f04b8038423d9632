package adzetest

import (
	"context"
	"testing"

	"github.com/adzehq/adze"
)

// BenchmarkCall is what a task costs without Postgres and without a network: the
// SDK, the shard and the core.
func BenchmarkCall(b *testing.B) {
	client, _ := newClient(b, newFaults())
	defer client.Close()
	task := adze.NewTask("noop", func(context.Context, int) (int, error) { return 1, nil })
	ctx, stop := context.WithCancel(context.Background())
	worked := make(chan error, 1)
	go func() { worked <- client.Work(ctx, adze.Slots(500), task) }()
	defer func() {
		stop()
		if err := <-worked; err != nil {
			b.Error(err)
		}
	}()
	b.SetParallelism(200)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := task.Call(context.Background(), client, 1); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tasks/s")
}
