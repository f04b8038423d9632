package grpcapi

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/outline"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// borne are the calls that a task makes for itself.
var borne = map[string]bool{
	wire.Adze_Submit_FullMethodName:         true, // of children
	wire.Adze_Await_FullMethodName:          true,
	wire.Adze_RefreshTimeout_FullMethodName: true,
}

// bearUnary has a call of an attempt be one of its task's tenant.
func (s *Server) bearUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	ctx, err := s.bear(ctx, info.FullMethod)
	if err != nil {
		return nil, s.Status(err)
	}
	return next(ctx, req)
}

// bearStream is bearUnary for streams.
func (s *Server) bearStream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	ctx, err := s.bear(stream.Context(), info.FullMethod)
	if err != nil {
		return s.Status(err)
	}
	return next(srv, &borneStream{stream, ctx})
}

func (s *Server) bear(ctx context.Context, method string) (context.Context, error) {
	values := metadata.ValueFromIncomingContext(ctx, outline.BearerKey)
	if len(values) == 0 || !borne[method] {
		return ctx, nil
	}
	task, token, ok := outline.BearerFromWire(values[0])
	if !ok {
		return nil, fault.New(fault.Invalid, outline.BearerKey, "is not the number of a task, a slash, and the token of its attempt")
	}
	caller := auth.CallerOf(ctx)
	tenant, err := s.Shards.Bearer(ctx, caller.Tenant, task, token)
	if err != nil {
		return nil, err
	}
	if tenant == 0 {
		return nil, fault.New(fault.Conflict, outline.BearerKey, "this attempt is not the current one of task %s at a worker of yours", task)
	}
	caller.Tenant = tenant
	return auth.WithCaller(ctx, caller), nil
}

// borneStream is a stream whose context knows the task's tenant.
type borneStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s *borneStream) Context() context.Context { return s.ctx }
