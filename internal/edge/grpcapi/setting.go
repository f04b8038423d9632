package grpcapi

import (
	"context"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/outline"
	"github.com/adzehq/adze/internal/record/flow"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// PutSettings implements the service.
func (s *Server) PutSettings(ctx context.Context, req *wire.PutSettingsRequest) (*wire.PutSettingsResponse, error) {
	return &wire.PutSettingsResponse{}, s.Status(s.changeSettings(ctx, outline.SettingsFromWire(req.Settings)))
}

// DropSettings implements the service.
func (s *Server) DropSettings(ctx context.Context, req *wire.DropSettingsRequest) (*wire.DropSettingsResponse, error) {
	return &wire.DropSettingsResponse{}, s.Status(s.changeSettings(ctx, outline.DropsFromWire(req.Settings)))
}

func (s *Server) changeSettings(ctx context.Context, changes []shard.SettingChange) error {
	if err := admit.Settings(changes); err != nil {
		return err
	}
	return s.Shards.PutSettings(ctx, auth.Tenant(ctx), changes)
}

// ListSettings implements the service.
func (s *Server) ListSettings(ctx context.Context, req *wire.ListSettingsRequest) (*wire.ListSettingsResponse, error) {
	response, err := s.Reader.ListSettings(ctx, auth.Tenant(ctx), req)
	return response, s.Status(err)
}

// The settings of a page.
const (
	settingsDefault = 100
	settingsMax     = 1_000
)

// ListSettings reads a page of the tenant's settings.
func (r *Reader) ListSettings(ctx context.Context, tenant id.ID, req *wire.ListSettingsRequest) (*wire.ListSettingsResponse, error) {
	kind := outline.SettingKind(req.Kind)
	if kind == 0 {
		return nil, fault.New(fault.Invalid, "kind", "is unknown; say what settings to list: of queues, limits, rates or workflows")
	}
	if req.Limit < 0 || req.Limit > settingsMax {
		return nil, fault.New(fault.Invalid, "limit", "is %d, allowed is 1 to %d", req.Limit, settingsMax)
	}
	limit := int(req.Limit)
	if limit == 0 {
		limit = settingsDefault
	}
	after := core.SettingKey{
		Tenant: tenant, Name: req.After.GetName(), Key: req.After.GetKey(), Declared: req.After.GetDeclared(),
	}
	settings, err := flow.OfTenant(ctx, r.DB, kind, req.Name, after, limit)
	if err != nil {
		return nil, err
	}
	response := &wire.ListSettingsResponse{Settings: make([]*wire.Setting, len(settings))}
	for i := range settings {
		response.Settings[i] = outline.SettingToWire(&settings[i])
	}
	if len(settings) == limit {
		last := &settings[limit-1]
		response.Next = &wire.Setting{Name: last.Name, Key: last.Key, Declared: last.Declared}
	}
	return response, nil
}
