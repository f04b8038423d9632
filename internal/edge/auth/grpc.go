package auth

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// UnaryInterceptor lets calls with a good token pass, with the caller in their
// context. convert makes an error of ours one of gRPC.
func (v *Verifier) UnaryInterceptor(convert func(error) error) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		caller, err := v.Bearer(ctx, bearer(ctx))
		if err != nil {
			return nil, convert(err)
		}
		return next(WithCaller(ctx, caller), req)
	}
}

// StreamInterceptor is UnaryInterceptor for streams, which end with their token.
func (v *Verifier) StreamInterceptor(convert func(error) error) grpc.StreamServerInterceptor {
	return func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
		ctx, release, err := v.Stream(stream.Context(), bearer(stream.Context()))
		if err != nil {
			return convert(err)
		}
		defer release()
		err = next(srv, &tenantStream{ServerStream: stream, ctx: ctx, convert: convert})
		if err != nil && ctx.Err() != nil && stream.Context().Err() == nil {
			err = convert(context.Cause(ctx)) // whatever broke of it first
		}
		return err
	}
}

// bearer is the authorization that a call came with; empty if it has none.
func bearer(ctx context.Context) string {
	if values := metadata.ValueFromIncomingContext(ctx, "authorization"); len(values) > 0 {
		return values[0]
	}
	return ""
}

// tenantStream is a stream whose context knows the tenant, and ends with the token. After
// that nothing more passes, whatever the handler does.
type tenantStream struct {
	grpc.ServerStream
	ctx     context.Context
	convert func(error) error
}

func (s *tenantStream) Context() context.Context { return s.ctx }

// SendMsg implements grpc.ServerStream.
func (s *tenantStream) SendMsg(m any) error {
	if s.ctx.Err() != nil {
		return s.convert(context.Cause(s.ctx))
	}
	return s.ServerStream.SendMsg(m)
}

// RecvMsg implements grpc.ServerStream.
func (s *tenantStream) RecvMsg(m any) error {
	err := s.ServerStream.RecvMsg(m)
	if err == nil && s.ctx.Err() != nil { // it came while the reader waited
		return s.convert(context.Cause(s.ctx))
	}
	return err
}
