package journal

import (
	"context"
	"slices"
	"time"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// days are the days of the ids of rows that go to a partition, each by one id.
type days map[time.Time]id.ID

// ensurePartitions has the partitions made that the batch needs, day by day: a task may
// be as old as its longest sleep. If that fails, so does the next try, and asks again.
func (f *flusher) ensurePartitions(ctx context.Context) {
	if f.journal.config.EnsurePartitions == nil {
		return
	}
	d := days{}
	for i := range f.items {
		d.add(f.items[i].Effects)
	}
	for _, one := range d.sorted() {
		if err := f.journal.config.EnsurePartitions(ctx, one, one); err != nil {
			f.journal.log.Error("could not make partitions", "day", one.Time().UTC().Format(time.DateOnly), "error", err)
		}
	}
}

func (d days) sorted() []id.ID {
	ids := make([]id.ID, 0, len(d))
	for _, one := range d {
		ids = append(ids, one)
	}
	slices.Sort(ids)
	return ids
}

func (d days) add(e *core.Effects) {
	see(d, e.Tasks, func(t *core.NewTask) id.ID { return t.ID })
	see(d, e.Results, func(r *core.Result) id.ID { return r.Task })
	see(d, e.Attempts, func(a *core.Attempt) id.ID { return a.Task })
	see(d, e.Runs, func(r *core.NewTask) id.ID { return r.ID })
	see(d, e.RunResults, func(r *core.RunResult) id.ID { return r.Run })
	see(d, e.Events, func(e *core.NewEvent) id.ID { return e.ID })
	see(d, e.EventRuns, func(r *core.EventRun) id.ID { return r.Event })
	see(d, e.Lines, func(l *core.LogLine) id.ID { return l.Task })
	see(d, e.Chunks, func(c *core.Chunk) id.ID { return c.Task })
	see(d, e.Entries, func(e *core.Entry) id.ID { return e.Task })
	see(d, e.Mets, func(m *core.Met) id.ID { return m.Task })
	see(d, e.Replies, func(r *core.Reply) id.ID { return r.Event })
	see(d, e.Values, func(v *core.Value) id.ID { return v.Task })
	see(d, e.Children, func(c *core.Child) id.ID { return c.Parent })
}

// see notes the days of rows.
func see[Row any](d days, rows []Row, of func(*Row) id.ID) {
	for i := range rows {
		one := of(&rows[i])
		d[one.Time().UTC().Truncate(24*time.Hour)] = one
	}
}
