package view

import (
	"context"
	"slices"
	"strings"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/history"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

const (
	// ListMax is how many rows one list has at most.
	ListMax = history.PageMax

	// scannedPagesMax is how many pages of history are looked at for one list: a filter
	// that fits little costs a second, and not the whole history.
	scannedPagesMax = 20
)

// Filter chooses runs for a list. On this wire a run that was replayed was submitted when
// the first of its replays was.
type Filter struct {
	history.Filter
	Statuses []wire.RunStatus // empty = all
	Worker   id.ID            // that runs or ran one of its tasks; 0 = any
	OnceKeys []string         // idempotency keys that their inputs give; empty = any
	Evicted  *bool            // nil = either
	Offset   int
	Limit    int // 0 = history.PageDefault; at most ListMax
}

// ParseStatus reads a status as REST writes it.
func ParseStatus(field, name string) (wire.RunStatus, error) {
	at := slices.Index(statusNames[:], name)
	if at < 0 {
		return 0, fault.New(fault.Invalid, field, "has %q; there are %s", name, strings.Join(statusNames[:], ", "))
	}
	return wire.RunStatus(at), nil
}

// Labels reads filters of metadata, key:value each.
func Labels(field string, from []string) (list []history.Label, err error) {
	for _, text := range from {
		key, value, found := strings.Cut(text, ":")
		if !found {
			return nil, fault.New(fault.Invalid, field, "has %q; write key:value", text)
		}
		list = append(list, history.Label{Key: key, Value: value})
	}
	return list, nil
}

// List are runs as a filter says, newest first, and whether there may be more.
func (r *Reader) List(ctx context.Context, tenant id.ID, f Filter) (runs []*Run, more bool, err error) {
	want := f.Limit
	if want == 0 {
		want = history.PageDefault
	}
	skip := f.Offset
	whole, err := r.each(ctx, tenant, f, max(want+f.Offset, history.PageDefault), scannedPagesMax, func(run *Run) bool {
		switch {
		case skip > 0:
			skip--
		case len(runs) == want:
			return false
		default:
			runs = append(runs, run)
		}
		return true
	})
	return runs, !whole, err
}

// each has runs be taken as a filter says, newest first, until one is not wanted or so many
// pages were looked at. It tells whether these were all.
func (r *Reader) each(ctx context.Context, tenant id.ID, f Filter, limit, pages int, take func(*Run) bool) (whole bool, err error) {
	page := f.history(limit)
	for range pages {
		found, next, err := r.page(ctx, tenant, page)
		if err != nil {
			return false, err
		}
		for _, run := range found {
			if f.fits(run) && !take(run) {
				return false, nil
			}
		}
		if next == 0 {
			return true, nil
		}
		page.Before = next
	}
	return false, nil
}

// history is the part of the filter that Postgres can tell, for pages of limit runs.
func (f *Filter) history(limit int) history.Filter {
	page := f.Filter
	page.Newest, page.Payloads, page.Limit = true, true, min(limit, ListMax)
	if f.Worker != 0 || f.Evicted != nil || len(f.OnceKeys) > 0 {
		page.Limit = ListMax // most of them may not fit
	}
	ended := map[core.Status]bool{}
	for _, s := range f.Statuses {
		switch s {
		case wire.RunStatus_RUN_STATUS_COMPLETED:
			ended[core.Succeeded] = true
		case wire.RunStatus_RUN_STATUS_FAILED, wire.RunStatus_RUN_STATUS_CANCELLED:
			ended[core.Failed], ended[core.Cancelled] = true, true // what waited too long is told later
		default:
			page.Open = true
		}
	}
	for s := core.Succeeded; s <= core.Cancelled; s++ {
		if ended[s] {
			page.Statuses = append(page.Statuses, s)
		}
	}
	return page
}

// By chooses what had ended by a moment, and what was submitted by then and is open.
func (f *Filter) By(at core.Time) { f.Until, f.EndedBy = at+1, at }

// fits tells what Postgres could not.
func (f *Filter) fits(run *Run) bool {
	if run.External.UnixMilli() < int64(f.Since) {
		return false
	}
	if len(f.Statuses) > 0 && !slices.Contains(f.Statuses, run.Status) {
		return false
	}
	if f.Evicted != nil && *f.Evicted != run.Evicted {
		return false
	}
	if len(f.OnceKeys) > 0 && !slices.Contains(f.OnceKeys, run.OnceKey()) {
		return false
	}
	return f.Worker == 0 || slices.ContainsFunc(run.Tasks, func(t Task) bool { return t.Worker == f.Worker })
}

// page is a page of runs with all that is told of them.
func (r *Reader) page(ctx context.Context, tenant id.ID, f history.Filter) (runs []*Run, next id.ID, err error) {
	page, live, err := r.pageLive(ctx, tenant, f)
	if err != nil {
		return nil, 0, err
	}
	runs = make([]*Run, len(page.Runs))
	numbers := make([]id.ID, len(page.Runs))
	for i := range page.Runs {
		numbers[i] = page.Runs[i].Version
	}
	versions, err := r.Versions(ctx, numbers)
	if err != nil {
		return nil, 0, err
	}
	for i := range page.Runs {
		stored := &page.Runs[i]
		if stored.Graph {
			runs[i], err = r.run(ctx, tenant, stored.ID, f.Payloads)
		} else {
			runs[i], err = r.listed(ctx, tenant, stored, versions[stored.Version], live)
		}
		if err != nil {
			return nil, 0, err
		}
	}
	return runs, page.Next, nil
}

// listed is a run of one task.
func (r *Reader) listed(ctx context.Context, tenant id.ID, stored *history.Run, version *Version, live map[id.ID]core.Live) (*Run, error) {
	chain, err := r.Chain(ctx, tenant, stored.ReplayOf)
	if err != nil {
		return nil, err
	}
	return newRun(*stored, version, chain, live), nil
}

// pageLive reads a page, and where those of its runs stand that are open. If there are
// some, Postgres is asked again, after the shard: what ended in between has a result then.
func (r *Reader) pageLive(ctx context.Context, tenant id.ID, f history.Filter) (history.Page, map[id.ID]core.Live, error) {
	live := map[id.ID]core.Live{}
	page, err := history.Runs(ctx, r.DB, tenant, f)
	if err != nil {
		return page, nil, err
	}
	asked := openOf(&page)
	if len(asked) == 0 {
		return page, live, nil
	}
	answers, err := r.Shards.Live(ctx, tenant, asked)
	if err != nil {
		return page, nil, err
	}
	for i, run := range asked {
		live[run] = answers[i]
	}
	f.Before = page.Runs[0].ID + 1 // the same page, without what came since
	if page, err = history.Runs(ctx, r.DB, tenant, f); err != nil {
		return page, nil, err
	}
	var elsewhere []id.ID
	for _, run := range openOf(&page) {
		if live[run].State == 0 {
			elsewhere = append(elsewhere, run)
		}
	}
	return page, live, r.addRows(ctx, elsewhere, live)
}

// openOf are the runs of a page that are of one task, and open.
func openOf(page *history.Page) (open []id.ID) {
	for i := range page.Runs {
		if run := &page.Runs[i]; run.Open() && !run.Graph {
			open = append(open, run.ID)
		}
	}
	return open
}

const (
	// AllMax is how many runs a filter may choose for something to be done to them.
	AllMax = 10_000

	// allPagesMax is how many pages of history are looked at for them: a filter that fits
	// little may look at a million runs.
	allPagesMax = 1_000
)

// All are all runs that a filter chooses, newest first, or fails with fault.Exhausted.
func (r *Reader) All(ctx context.Context, tenant id.ID, f Filter) (runs []*Run, err error) {
	whole, err := r.each(ctx, tenant, f, ListMax, allPagesMax, func(run *Run) bool {
		if len(runs) == AllMax {
			return false
		}
		runs = append(runs, run)
		return true
	})
	if err == nil && !whole {
		err = fault.New(fault.Exhausted, "filter", "chooses too many runs, at most %d; narrow it down by since and until", AllMax)
	}
	if err != nil {
		return nil, err
	}
	return runs, nil
}
