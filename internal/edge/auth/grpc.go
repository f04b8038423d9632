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
		ctx, err := v.authenticate(ctx)
		if err != nil {
			return nil, convert(err)
		}
		return next(ctx, req)
	}
}

// StreamInterceptor is UnaryInterceptor for streams. The token is checked when the
// stream begins; a stream does not end with its token.
func (v *Verifier) StreamInterceptor(convert func(error) error) grpc.StreamServerInterceptor {
	return func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
		ctx, err := v.authenticate(stream.Context())
		if err != nil {
			return convert(err)
		}
		return next(srv, &tenantStream{ServerStream: stream, ctx: ctx})
	}
}

func (v *Verifier) authenticate(ctx context.Context) (context.Context, error) {
	var header string
	if values := metadata.ValueFromIncomingContext(ctx, "authorization"); len(values) > 0 {
		header = values[0]
	}
	caller, err := v.Bearer(ctx, header)
	if err != nil {
		return nil, err
	}
	return WithCaller(ctx, caller), nil
}

// tenantStream is a stream whose context knows the tenant.
type tenantStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s *tenantStream) Context() context.Context { return s.ctx }
