package history

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
	"github.com/adzehq/adze/internal/core"
)

//go:embed events_matching.sql
var eventsMatchingSQL string

const (
	// eventsSeenMax is how many events are looked at for a list of those that match, the
	// newest: whoever looks for older ones says until when.
	eventsSeenMax = 20_000

	// EventsMatchingMax is how many events MatchingEvents returns at most.
	EventsMatchingMax = 1_000
)

// EventMatch chooses events: those that match all that is said. Its zero value chooses all.
type EventMatch struct {
	Since    core.Time // pushed at or after; 0 = ever
	Until    core.Time // pushed before; 0 = ever
	Keys     []string  // one of these; likewise below
	Scopes   []string
	IDs      []id.ID
	Metadata map[string]string // keys of the metadata and their values, as texts: all of these
}

// MatchingEvents reads the newest events of the tenant that match, EventsMatchingMax at
// most, with their payloads and without their runs.
func MatchingEvents(ctx context.Context, db pg.DB, tenant id.ID, m EventMatch) ([]Event, error) {
	from, below := (&Filter{Since: m.Since, Until: m.Until}).bounds()
	keys, values := make([]string, 0, len(m.Metadata)), make([]string, 0, len(m.Metadata))
	for key, value := range m.Metadata {
		keys, values = append(keys, key), append(values, value)
	}
	rows, err := db.Query(ctx, eventsMatchingSQL, tenant, below, from,
		orNone(m.Keys), orNone(m.Scopes), orNone(m.IDs), keys, values, eventsSeenMax, EventsMatchingMax)
	if err != nil {
		return nil, fmt.Errorf("list events that match: %w", err)
	}
	events, err := pgx.CollectRows(rows, scanEvent)
	if err != nil {
		return nil, fmt.Errorf("list events that match: %w", err)
	}
	return events, nil
}
