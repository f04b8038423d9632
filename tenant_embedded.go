package adze

import (
	"context"

	"github.com/adzehq/adze/internal/base/id"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// bearer is whose call it is: the client's, or that of the task's tenant where a task of
// another tenant makes it for itself.
func (t *embeddedTransport) bearer(ctx context.Context) (id.ID, error) {
	a := attemptOf(ctx)
	if !a.guest() {
		return t.Tenant, nil
	}
	tenant, err := t.Shards.Bearer(ctx, t.Tenant, a.Task, a.Token)
	if err == nil && tenant == 0 {
		err = &Error{Kind: KindConflict, Text: "this attempt is not the current one of task " + a.Task.String()}
	}
	return tenant, publicError(err)
}

func (t *embeddedTransport) shareWorkers(ctx context.Context, request *wire.ShareWorkersRequest) error {
	return publicError(t.Reader.Share(ctx, t.Tenant, request.Home, request.Weight))
}

func (t *embeddedTransport) unshareWorkers(ctx context.Context, home string) error {
	return publicError(t.Reader.Unshare(ctx, t.Tenant, home))
}

func (t *embeddedTransport) grants(ctx context.Context) (*wire.ListGrantsResponse, error) {
	response, err := t.Reader.ListGrants(ctx, t.Tenant)
	return response, publicError(err)
}
