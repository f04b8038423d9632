package grpcapi

import (
	"context"

	"google.golang.org/grpc"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/drain"
	"github.com/adzehq/adze/internal/edge/tail"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// ReadStream implements the service.
func (s *Server) ReadStream(req *wire.ReadStreamRequest, stream grpc.ServerStreamingServer[wire.ReadStreamResponse]) error {
	ctx, cancel := s.Bounded(stream.Context())
	defer cancel()
	return s.Status(drain.Why(ctx, s.Reader.ReadStream(ctx, auth.Tenant(ctx), req, stream.Send)))
}

// ListLogs implements the service.
func (s *Server) ListLogs(req *wire.ListLogsRequest, stream grpc.ServerStreamingServer[wire.ListLogsResponse]) error {
	ctx, cancel := s.Bounded(stream.Context())
	defer cancel()
	return s.Status(drain.Why(ctx, s.Reader.ListLogs(ctx, auth.Tenant(ctx), req, stream.Send)))
}

// ReadStream sends what a run of the tenant streams, until it has ended.
func (r *Reader) ReadStream(
	ctx context.Context, tenant id.ID, req *wire.ReadStreamRequest, send func(*wire.ReadStreamResponse) error,
) error {
	return r.tail().ReadStream(ctx, tenant, req, send)
}

// ListLogs sends what a run of the tenant logged.
func (r *Reader) ListLogs(
	ctx context.Context, tenant id.ID, req *wire.ListLogsRequest, send func(*wire.ListLogsResponse) error,
) error {
	return r.tail().ListLogs(ctx, tenant, req, send)
}

func (r *Reader) tail() *tail.Reader {
	return &tail.Reader{Source: tail.Database{DB: r.DB}, Shards: r.Shards}
}
