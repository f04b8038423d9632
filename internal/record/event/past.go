package event

import (
	"context"
	_ "embed"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
	"github.com/adzehq/adze/internal/core"
)

var (
	//go:embed past.sql
	pastSQL string
	//go:embed past_newest.sql
	pastNewestSQL string
	//go:embed past_signals.sql
	pastSignalsSQL string
	//go:embed requests.sql
	requestsSQL string
)

// Page is a part of the past: some events, and how far it goes.
type Page struct {
	Events []core.NewEvent // those that fit, in the order that they were looked at
	Last   id.ID           // the last one that was looked at
	Looked int             // how many were looked at; fewer than the limit: there are no more
}

// Past looks at no more than limit events of the key of look, or to its target, that
// are later than after. Those fit that its condition is about, but for its filter.
func Past(ctx context.Context, db pg.DB, look *core.Lookback, after id.ID, limit int) (Page, error) {
	c := &look.Condition
	var scope *string
	if c.Scoped {
		scope = &c.Scope
	}
	sql, args := pastSQL, []any{look.Tenant, c.Key, after, limit, scope}
	if c.Signal {
		sql, args = pastSignalsSQL, append(args, look.Target)
	}
	page, err := readPage(ctx, db, look, sql, args)
	if err != nil {
		return Page{}, fmt.Errorf("look back at events %s: %w", c.Key, err)
	}
	return page, nil
}

// PastNewest is Past from the newest event on, or the newest before another one, and not of
// signals.
func PastNewest(ctx context.Context, db pg.DB, look *core.Lookback, before id.ID, limit int) (Page, error) {
	c := &look.Condition
	var scope *string
	if c.Scoped {
		scope = &c.Scope
	}
	if before == 0 {
		before = math.MaxInt64
	}
	page, err := readPage(ctx, db, look, pastNewestSQL, []any{look.Tenant, c.Key, c.After, limit, scope, before})
	if err != nil {
		return Page{}, fmt.Errorf("look back at the newest events %s: %w", c.Key, err)
	}
	return page, nil
}

func readPage(ctx context.Context, db pg.DB, look *core.Lookback, sql string, args []any) (page Page, err error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return Page{}, err
	}
	var fits bool
	var scope string
	var payload, metadata []byte
	_, err = pgx.ForEachRow(rows, []any{&page.Last, &fits, &scope, &payload, &metadata}, func() error {
		page.Looked++
		if fits {
			page.Events = append(page.Events, core.NewEvent{
				ID: page.Last, Tenant: look.Tenant, Target: look.Target, Key: look.Condition.Key, Scope: scope,
				Payload: payload, Metadata: metadata,
			})
		}
		return nil
	})
	return page, err
}

// Requests tells which ids are of events that are addressed to a run, with their
// tenants, in any order.
func Requests(ctx context.Context, db pg.DB, ids []id.ID) ([]core.NewTask, error) {
	rows, err := db.Query(ctx, requestsSQL, ids)
	if err != nil {
		return nil, fmt.Errorf("look up %d requests: %w", len(ids), err)
	}
	requests, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r core.NewTask, err error) {
		err = row.Scan(&r.ID, &r.Tenant)
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("look up %d requests: %w", len(ids), err)
	}
	return requests, nil
}
