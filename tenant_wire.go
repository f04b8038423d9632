package adze

import (
	"context"

	"google.golang.org/grpc/metadata"

	"github.com/adzehq/adze/internal/edge/outline"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// borne is ctx for a call that a task of another tenant makes for itself.
func borne(ctx context.Context) context.Context {
	a := attemptOf(ctx)
	if !a.guest() {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, outline.BearerKey, outline.BearerToWire(a.Task, a.Token))
}

func (t *grpcTransport) shareWorkers(ctx context.Context, request *wire.ShareWorkersRequest) error {
	_, err := t.engine.ShareWorkers(ctx, request)
	return received(err) // to share again is harmless
}

func (t *grpcTransport) unshareWorkers(ctx context.Context, home string) error {
	_, err := t.engine.UnshareWorkers(ctx, &wire.UnshareWorkersRequest{Home: home})
	return received(err)
}

func (t *grpcTransport) grants(ctx context.Context) (*wire.ListGrantsResponse, error) {
	response, err := t.engine.ListGrants(ctx, &wire.ListGrantsRequest{})
	return response, received(err)
}
