package history

import (
	"context"
	_ "embed"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
	"github.com/adzehq/adze/internal/core"
)

var (
	//go:embed window.sql
	windowSQL string
	//go:embed runs.sql
	runsSQL string
)

const (
	// PageMax is how many runs a page has at most, PageDefault if nobody says.
	PageMax     = 1_000
	PageDefault = 50

	// windowRunsMax is how many runs are looked at for one page, so that a filter
	// that fits nothing costs some 20 ms and not the whole history. The page then
	// has fewer runs than asked for, and says where to go on.
	windowRunsMax = 5_000
)

// Filter chooses runs. Its zero value chooses all.
type Filter struct {
	Workflow string        // "" = all
	IDs      []id.ID       // of workflows; empty = all
	Statuses []core.Status // ended so; with Open, or open; both empty = all
	Open     bool          // not ended
	Since    core.Time     // submitted at or after; 0 = ever
	Until    core.Time     // submitted before; 0 = ever
	EndedBy  core.Time     // ended by then, or open; 0 = whenever
	Before   id.ID         // Page.Next of the page before; 0 = from the newest
	Limit    int           // 0 = PageDefault; at most PageMax

	Parents  []id.ID // one of the tasks that spawned them; empty = any
	Event    id.ID   // that started them; 0 = any
	Metadata []Label // that they have,
	AnyLabel bool    // one of these suffices
	Newest   bool    // leaves out what was replayed
	Payloads bool    // with them
}

// Label is a key of a run's metadata with its value, as text.
type Label struct{ Key, Value string }

// labels are the filter's as runs.sql takes them.
func (f *Filter) labels() (keys, values []string) {
	keys, values = []string{}, []string{}
	for _, l := range f.Metadata {
		keys, values = append(keys, l.Key), append(values, l.Value)
	}
	return keys, values
}

// Page is some runs, newest first.
type Page struct {
	Runs []Run
	Next id.ID // Filter.Before of the next page; 0 = no more. A page with a Next may be empty.
}

// Runs reads a page of the tenant's runs, of one task and of graphs.
func Runs(ctx context.Context, db pg.DB, tenant id.ID, f Filter) (Page, error) {
	page, err := runs(ctx, db, tenant, f)
	if err != nil {
		return Page{}, fmt.Errorf("list runs: %w", err)
	}
	return page, nil
}

func runs(ctx context.Context, db pg.DB, tenant id.ID, f Filter) (Page, error) {
	from, below := f.bounds()
	var lowest id.ID
	var inWindow int
	err := db.QueryRow(ctx, windowSQL, tenant, below, from, windowRunsMax).Scan(&lowest, &inWindow)
	if err != nil || inWindow == 0 {
		return Page{}, err
	}
	limit := f.limit()
	keys, values := f.labels()
	rows, err := db.Query(ctx, runsSQL, tenant, below, lowest, f.Workflow, f.statuses(), limit, windowRunsMax,
		orNone(f.IDs), f.Payloads, f.Workflow == "" && len(f.IDs) == 0, orNone(f.Parents), f.Event,
		keys, values, f.AnyLabel, f.Newest, f.EndedBy)
	if err != nil {
		return Page{}, err
	}
	found, err := pgx.AppendRows(make([]Run, 0, limit), rows, scanRun)
	if err != nil {
		return Page{}, err
	}
	page := Page{Runs: found}
	switch {
	case len(found) == limit:
		page.Next = found[limit-1].ID
	case inWindow == windowRunsMax:
		page.Next = lowest
	}
	return page, nil
}

// bounds are the ids that the filter allows: from ≤ id < below.
func (f *Filter) bounds() (from, below id.ID) {
	below = math.MaxInt64
	if f.Until != 0 {
		below = id.First(time.UnixMilli(int64(f.Until)))
	}
	if f.Before != 0 {
		below = min(below, f.Before)
	}
	return id.First(time.UnixMilli(int64(f.Since))), below
}

func (f *Filter) limit() int {
	if f.Limit <= 0 {
		return PageDefault
	}
	return min(f.Limit, PageMax)
}

// statuses are the filter's as runs.sql knows them.
func (f *Filter) statuses() []string {
	all := len(f.Statuses) == 0 && !f.Open
	var names []string
	if f.Open || all {
		names = append(names, "open")
	}
	for s := core.Succeeded; s <= core.Cancelled; s++ {
		if all {
			names = append(names, s.String())
		}
	}
	for _, s := range f.Statuses {
		names = append(names, s.String())
	}
	return names
}

// orNone is list, never null.
func orNone[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
