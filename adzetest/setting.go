package adzetest

import (
	"context"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/outline"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// writeSettings is called with mu held.
func (m *memory) writeSettings(e *core.Effects) {
	for _, s := range e.Settings {
		if s.Dropped {
			delete(m.settings, s.ID())
		} else {
			m.settings[s.ID()] = s
		}
	}
}

// ListSettings implements embed.Reader. All are on one page.
func (r *reader) ListSettings(_ context.Context, _ id.ID, request *wire.ListSettingsRequest) (*wire.ListSettingsResponse, error) {
	r.memory.mu.Lock()
	defer r.memory.mu.Unlock()
	var found []core.SettingKey
	for key := range r.memory.settings {
		if key.Kind == outline.SettingKind(request.Kind) && (request.Name == "" || key.Name == request.Name) {
			found = append(found, key)
		}
	}
	slices.SortFunc(found, core.SettingKey.Compare)
	response := &wire.ListSettingsResponse{}
	for _, key := range found {
		s := r.memory.settings[key]
		response.Settings = append(response.Settings, outline.SettingToWire(&s))
	}
	return response, nil
}
