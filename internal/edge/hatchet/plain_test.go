package hatchet_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/stats"

	"github.com/adzehq/adze/internal/edge/hatchettest"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// compressions notes how the answers of a server come.
type compressions struct {
	mu  sync.Mutex
	got []string
}

func (c *compressions) HandleRPC(_ context.Context, s stats.RPCStats) {
	if header, is := s.(*stats.InHeader); is {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.got = append(c.got, header.Compression)
	}
}

func (c *compressions) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

func (c *compressions) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (c *compressions) HandleConn(context.Context, stats.ConnStats)                       {}

// Trap 1: requests come compressed. What is answered is small, and does not.
func TestCompressedRequestsAreAnsweredUncompressed(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	var seen compressions
	connection, err := grpc.NewClient(s.GRPCAddr(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.UseCompressor(gzip.Name)), grpc.WithStatsHandler(&seen))
	require.NoError(t, err)
	defer connection.Close()
	var version wire.GetVersionResponse
	require.NoError(t, connection.Invoke(s.Ctx, "/Dispatcher/GetVersion", &wire.GetVersionRequest{}, &version))
	require.NotEmpty(t, version.Version)
	seen.mu.Lock()
	defer seen.mu.Unlock()
	require.NotContains(t, seen.got, gzip.Name)
	require.NotEmpty(t, seen.got)
}
