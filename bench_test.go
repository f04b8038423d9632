package adze_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/internal/pgtest"
	"github.com/adzehq/adze/internal/server"
)

// benchCallers are how many goroutines submit and wait.
const benchCallers = 500

// BenchmarkCallEmbedded is a task from its submit to its result, with Postgres.
func BenchmarkCallEmbedded(b *testing.B) {
	client, err := adze.Open(b.Context(), pgtest.URL(b), adze.Logger(quiet))
	require.NoError(b, err)
	defer client.Close()
	benchmarkCalls(b, client)
}

// BenchmarkCallGRPC is the same over the wire, client and engine in one process.
func BenchmarkCallGRPC(b *testing.B) {
	s, err := server.Open(b.Context(), server.Config{
		DatabaseURL: pgtest.URL(b), GRPCAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0",
	}, "bench", quiet)
	require.NoError(b, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	defer func() { stop(); <-ended }()
	require.NoError(b, s.Ready(ctx))
	token, err := server.IssueToken(ctx, s.Engine().Pool(), server.TokenRequest{Tenant: "default", TTL: time.Hour}, time.Now())
	require.NoError(b, err)
	client, err := adze.Dial(ctx, adze.Address(s.GRPCAddr()), adze.Token(token), adze.Logger(quiet))
	require.NoError(b, err)
	defer client.Close()
	benchmarkCalls(b, client)
}

func benchmarkCalls(b *testing.B, client *adze.Client) {
	noop := adze.NewTask("noop", func(context.Context, int) (int, error) { return 1, nil })
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- client.Work(ctx, adze.Slots(2*benchCallers), noop) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	}()
	_, err := noop.Call(ctx, client, 0)
	require.NoError(b, err)

	b.ReportAllocs()
	b.ResetTimer()
	var callers sync.WaitGroup
	share := b.N/benchCallers + 1
	for range benchCallers {
		callers.Go(func() {
			for range share {
				if _, err := noop.Call(ctx, client, 1); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	callers.Wait()
	b.ReportMetric(float64(share*benchCallers)/b.Elapsed().Seconds(), "tasks/s")
}
