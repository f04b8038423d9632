package history

import (
	"context"
	_ "embed"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/record/task"
)

var (
	//go:embed events.sql
	eventsSQL string
	//go:embed events_of_key.sql
	eventsOfKeySQL string
	//go:embed event.sql
	eventSQL string
	//go:embed event_keys.sql
	eventKeysSQL string
	//go:embed event_runs.sql
	eventRunsSQL string
)

// How many runs are told of an event.
const (
	EventRunsMax     = 1_000 // by GetEvent
	EventRunsListMax = 20    // of each, by Events
)

// Event is an event as it was pushed, with the runs that it started.
type Event struct {
	ID       id.ID // made when it was pushed: ID.UnixMilli
	ReplayOf id.ID // 0 if none
	Priority int32
	Key      string
	Scope    string
	Warning  string // why a run that it might have started was not

	// Only if asked for.
	Payload  []byte
	Metadata []byte

	Runs     []EventRun // ids ascending
	MoreRuns bool       // there are more than told
}

// EventRun is a run that an event started.
type EventRun struct {
	ID       id.ID
	Filter   id.ID // that chose it; 0 = the workflow had none
	Workflow string
	Status   core.Status // 0: it is open
}

// EventFilter chooses events. Its zero value chooses all.
type EventFilter struct {
	Key    string    // "" = all
	Since  core.Time // pushed at or after; 0 = ever
	Until  core.Time // pushed before; 0 = ever
	Before id.ID     // EventPage.Next of the page before; 0 = from the newest
	Limit  int       // 0 = PageDefault; at most PageMax
}

// EventPage is some events, newest first, without payloads.
type EventPage struct {
	Events []Event
	Next   id.ID // EventFilter.Before of the next page; 0 = no more
}

// Events reads a page of the tenant's events. Those that are addressed to a run are not
// among them.
func Events(ctx context.Context, db pg.DB, tenant id.ID, f EventFilter) (EventPage, error) {
	page, err := events(ctx, db, tenant, f)
	if err != nil {
		return EventPage{}, fmt.Errorf("list events: %w", err)
	}
	return page, nil
}

func events(ctx context.Context, db pg.DB, tenant id.ID, f EventFilter) (page EventPage, err error) {
	bounds := Filter{Since: f.Since, Until: f.Until, Before: f.Before, Limit: f.Limit}
	from, below := bounds.bounds()
	limit := bounds.limit()
	sql, arguments := eventsSQL, []any{tenant, below, from, limit}
	if f.Key != "" {
		sql, arguments = eventsOfKeySQL, append(arguments, f.Key)
	}
	rows, err := db.Query(ctx, sql, arguments...)
	if err != nil {
		return page, err
	}
	if page.Events, err = pgx.CollectRows(rows, scanEvent); err != nil {
		return page, err
	}
	if len(page.Events) == limit {
		page.Next = page.Events[limit-1].ID
	}
	return page, AddRuns(ctx, db, page.Events, EventRunsListMax)
}

// GetEvent reads an event of the tenant, with its payloads if asked for, or fails with
// fault.NotFound.
func GetEvent(ctx context.Context, db pg.DB, tenant, event id.ID, payloads bool) (Event, error) {
	rows, err := db.Query(ctx, eventSQL, tenant, event, payloads)
	if err != nil {
		return Event{}, fmt.Errorf("read event %s: %w", event, err)
	}
	e, err := pgx.CollectExactlyOneRow(rows, scanEvent)
	if errors.Is(err, pgx.ErrNoRows) {
		return Event{}, fault.New(fault.NotFound, "event_id", "no event %s", event)
	}
	if err != nil {
		return Event{}, fmt.Errorf("read event %s: %w", event, err)
	}
	one := []Event{e}
	err = AddRuns(ctx, db, one, EventRunsMax)
	return one[0], err
}

// EventKeys reads the keys of events of the tenant; ids without one are left out.
func EventKeys(ctx context.Context, db pg.DB, tenant id.ID, events []id.ID) (map[id.ID]string, error) {
	keys := map[id.ID]string{}
	if len(events) == 0 {
		return keys, nil
	}
	rows, err := db.Query(ctx, eventKeysSQL, tenant, events)
	if err != nil {
		return nil, fmt.Errorf("read keys of %d events: %w", len(events), err)
	}
	var event id.ID
	var key string
	_, err = pgx.ForEachRow(rows, []any{&event, &key}, func() error {
		keys[event] = key
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read keys of %d events: %w", len(events), err)
	}
	return keys, nil
}

func scanEvent(row pgx.CollectableRow) (e Event, err error) {
	err = row.Scan(&e.ID, &e.Key, &e.Scope, &e.Priority, &e.ReplayOf, &e.Warning, &e.Payload, &e.Metadata)
	return e, err
}

// AddRuns reads anew the runs that events started, at most limit of each.
func AddRuns(ctx context.Context, db pg.DB, events []Event, limit int) error {
	if len(events) == 0 {
		return nil
	}
	at := make(map[id.ID]*Event, len(events))
	ids := make([]id.ID, len(events))
	for i := range events {
		events[i].Runs, events[i].MoreRuns = nil, false
		ids[i], at[events[i].ID] = events[i].ID, &events[i]
	}
	rows, err := db.Query(ctx, eventRunsSQL, ids, limit+1)
	if err != nil {
		return fmt.Errorf("read runs of %d events: %w", len(events), err)
	}
	var event id.ID
	var run EventRun
	var status string
	_, err = pgx.ForEachRow(rows, []any{&event, &run.ID, &run.Filter, &run.Workflow, &status}, func() error {
		e := at[event]
		if len(e.Runs) == limit {
			e.MoreRuns = true
			return nil
		}
		run.Status = task.ParseStatus(status)
		e.Runs = append(e.Runs, run)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read runs of %d events: %w", len(events), err)
	}
	return nil
}
