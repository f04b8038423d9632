package adze

import (
	"context"

	"github.com/adzehq/adze/internal/edge/outline"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// putSettings sets and drops in a call each: nobody does both at once.
func (t *grpcTransport) putSettings(ctx context.Context, changes []shard.SettingChange) error {
	puts, drops := &wire.PutSettingsRequest{}, &wire.DropSettingsRequest{}
	for i := range changes {
		if c := &changes[i]; c.Drop {
			drops.Settings = append(drops.Settings, outline.DropToWire(c))
		} else {
			puts.Settings = append(puts.Settings, outline.ChangeToWire(c))
		}
	}
	var err error
	if len(puts.Settings) > 0 {
		_, err = t.engine.PutSettings(ctx, puts)
	}
	if err == nil && len(drops.Settings) > 0 {
		_, err = t.engine.DropSettings(ctx, drops)
	}
	return received(err) // to set again is harmless
}

func (t *grpcTransport) settings(ctx context.Context, request *wire.ListSettingsRequest) (*wire.ListSettingsResponse, error) {
	response, err := t.engine.ListSettings(ctx, request)
	return response, received(err)
}
