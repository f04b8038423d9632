package guest

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// retried calls until it works, the engine refuses, or the tries are used up.
func retried(ctx context.Context, call func(context.Context) error) {
	for range reportTries {
		if err := call(ctx); err == nil || fatal(err) || ctx.Err() != nil {
			return
		}
		pause(ctx, reopenPause)
	}
}

// fatal tells whether an engine said no, rather than not answering.
func fatal(err error) bool {
	switch status.Code(err) {
	case codes.InvalidArgument, codes.NotFound, codes.Unauthenticated, codes.PermissionDenied, codes.Unimplemented:
		return true
	default:
		return false
	}
}

func pause(ctx context.Context, span time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(span):
	}
}
