package adze

import (
	"context"

	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

func (t *embeddedTransport) putSettings(ctx context.Context, changes []shard.SettingChange) error {
	if err := admit.Settings(changes); err != nil {
		return publicError(err)
	}
	return publicError(t.Shards.PutSettings(ctx, t.Tenant, changes))
}

func (t *embeddedTransport) settings(ctx context.Context, request *wire.ListSettingsRequest) (*wire.ListSettingsResponse, error) {
	response, err := t.Reader.ListSettings(ctx, t.Tenant, request)
	return response, publicError(err)
}
