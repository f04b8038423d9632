package grpcapi

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/edge/told"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// kindCodes is the one table from our kinds of errors to gRPC's codes.
var kindCodes = [...]codes.Code{
	fault.Internal:        codes.Internal,
	fault.Invalid:         codes.InvalidArgument,
	fault.NotFound:        codes.NotFound,
	fault.Conflict:        codes.AlreadyExists,
	fault.Unauthenticated: codes.Unauthenticated,
	fault.Forbidden:       codes.PermissionDenied,
	fault.Exhausted:       codes.ResourceExhausted,
	fault.Unavailable:     codes.Unavailable,
	fault.Unimplemented:   codes.Unimplemented,
}

// Status makes a gRPC error of err, with a FieldError in its details. What has no
// kind is logged here, and the caller learns no more than that.
func (s *Server) Status(err error) error {
	if err == nil {
		return nil
	}
	if _, done := status.FromError(err); done {
		return err
	}
	switch {
	case fault.KindOf(err) != fault.Internal: // a fault for users says more than what is behind it
	case errors.Is(err, context.Canceled):
		return status.Error(codes.Canceled, "the call was cancelled")
	case errors.Is(err, context.DeadlineExceeded):
		return status.Error(codes.DeadlineExceeded, "the call's deadline passed")
	}
	return withDetail(told.Of(s.Log, err))
}

func withDetail(e *fault.Error) error {
	st, err := status.New(kindCodes[e.Kind], e.Error()).WithDetails(fieldError(e))
	if err != nil {
		return status.Error(kindCodes[e.Kind], e.Error())
	}
	return st.Err()
}

func fieldError(e *fault.Error) *wire.FieldError {
	return &wire.FieldError{Field: e.Field, Kind: e.Kind.String(), Text: e.Text, RunId: uint64(e.Run)}
}

// itemError is the error of one item in an answer.
func (s *Server) itemError(err error) *wire.FieldError { return fieldError(told.Of(s.Log, err)) }

// recoverUnary keeps a panic in one call from ending the engine.
func (s *Server) recoverUnary(
	ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler,
) (answer any, err error) {
	defer s.recovered(info.FullMethod, &err)
	return next(ctx, req)
}

func (s *Server) recoverStream(
	srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler,
) (err error) {
	defer s.recovered(info.FullMethod, &err)
	return next(srv, stream)
}

func (s *Server) recovered(method string, err *error) {
	if p := recover(); p != nil {
		s.Log.Error("call panicked", "method", method, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		*err = status.Error(codes.Internal, "internal error: the engine's log says more")
	}
}
