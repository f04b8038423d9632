package journal

import (
	"cmp"
	"slices"

	"github.com/adzehq/adze/internal/base/bulk"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/lease"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/record/child"
	"github.com/adzehq/adze/internal/record/durable"
	"github.com/adzehq/adze/internal/record/event"
	"github.com/adzehq/adze/internal/record/flow"
	"github.com/adzehq/adze/internal/record/idempotency"
	"github.com/adzehq/adze/internal/record/moment"
	"github.com/adzehq/adze/internal/record/open"
	"github.com/adzehq/adze/internal/record/run"
	"github.com/adzehq/adze/internal/record/schedule"
	"github.com/adzehq/adze/internal/record/stream"
	"github.com/adzehq/adze/internal/record/task"
	"github.com/adzehq/adze/internal/record/worker"
)

// columns are the rows of a batch, encoded. Their buffers are kept from one
// batch to the next.
type columns struct {
	fence      lease.Fence
	tasks      task.Columns
	results    task.ResultColumns
	attempts   task.AttemptColumns
	moments    moment.Columns
	runs       run.Columns
	runResults run.ResultColumns
	events     event.Columns
	eventRuns  event.RunColumns
	open       open.Columns
	closed     open.ClosedColumns
	due        open.DueColumns
	openRuns   run.OpenColumns
	closedRuns run.ClosedColumns
	lines      stream.LineColumns
	chunks     stream.ChunkColumns
	schedules  schedule.Columns
	onceKeys   idempotency.Columns
	settings   flow.Columns
	rates      flow.RateColumns
	left       worker.LeftColumns
	paused     worker.PausedColumns
	lowWater   open.LowWaterColumns

	entries        durable.EntryColumns
	mets           durable.MetColumns
	replies        durable.ReplyColumns
	values         durable.ValueColumns
	waits          durable.WaitColumns
	closedWaits    durable.ClosedWaitColumns
	children       child.Columns
	closing        child.ClosingColumns
	closedChildren child.ClosedColumns

	states states
	owners []owner
	marks  []mark
}

type owner struct {
	shard int32
	epoch int64
}

type mark struct {
	shard int32
	id    id.ID
}

// encode makes one transaction of the items: the fence first, then a statement
// per table. Tasks and results are inserted as they come: each shard's tasks
// ascend, and nobody else writes the same ids, so order matters to no lock.
func (c *columns) encode(items []item, repeat bool) *bulk.Batch {
	c.owners, c.marks = c.owners[:0], c.marks[:0]
	for i := range items {
		c.add(&items[i])
	}
	c.addFence()
	c.addStates()
	c.addLowWater()
	var b bulk.Batch
	c.fence.Queue(&b)
	c.tasks.Queue(&b, repeat)
	c.results.Queue(&b, repeat)
	c.attempts.Queue(&b, repeat)
	c.moments.Queue(&b)
	c.runs.Queue(&b, repeat)
	c.runResults.Queue(&b, repeat)
	c.events.Queue(&b, repeat)
	c.eventRuns.Queue(&b, repeat)
	c.open.Queue(&b)
	c.closed.Queue(&b)
	c.due.Queue(&b)
	c.openRuns.Queue(&b)
	c.closedRuns.Queue(&b)
	c.lines.Queue(&b)
	c.chunks.Queue(&b)
	c.schedules.Queue(&b)
	c.onceKeys.Queue(&b)
	c.settings.Queue(&b)
	c.rates.Queue(&b)
	c.paused.Queue(&b)
	c.left.Queue(&b)
	c.queueDurable(&b, repeat)
	c.lowWater.Queue(&b)
	return &b
}

// queueDurable adds the statements of durable tasks, waits and children.
func (c *columns) queueDurable(b *bulk.Batch, repeat bool) {
	c.entries.Queue(b, repeat)
	c.mets.Queue(b, repeat)
	c.replies.Queue(b)
	c.values.Queue(b)
	c.waits.Queue(b)
	c.closedWaits.Queue(b)
	c.children.Queue(b, repeat)
	c.closing.Queue(b)
	c.closedChildren.Queue(b)
}

func (c *columns) add(it *item) {
	e := it.Effects
	if o := (owner{it.Shard, it.Epoch}); it.rows > 0 && !slices.Contains(c.owners, o) {
		c.owners = append(c.owners, o)
	}
	for i := range e.Tasks {
		c.tasks.Add(&e.Tasks[i])
	}
	for i := range e.Results {
		c.results.Add(&e.Results[i])
	}
	for i := range e.Attempts {
		c.attempts.Add(&e.Attempts[i])
	}
	for i := range e.Moments {
		c.moments.Add(&e.Moments[i])
	}
	for i := range e.Runs {
		c.runs.Add(&e.Runs[i])
	}
	for i := range e.RunResults {
		c.runResults.Add(&e.RunResults[i])
	}
	for i := range e.Events {
		c.events.Add(&e.Events[i])
	}
	for i := range e.EventRuns {
		c.eventRuns.Add(&e.EventRuns[i])
	}
	for i := range e.Lines {
		c.lines.Add(&e.Lines[i])
	}
	for i := range e.Chunks {
		c.chunks.Add(&e.Chunks[i])
	}
	c.addDurable(e)
	c.states.note(it.Shard, e)
	if e.LowWater != 0 {
		c.marks = append(c.marks, mark{it.Shard, e.LowWater})
	}
}

func (c *columns) addDurable(e *core.Effects) {
	for i := range e.Entries {
		c.entries.Add(&e.Entries[i])
	}
	for i := range e.Mets {
		c.mets.Add(&e.Mets[i])
	}
	for i := range e.Replies {
		c.replies.Add(&e.Replies[i])
	}
	for i := range e.Children {
		c.children.Add(&e.Children[i])
	}
}

func (c *columns) addFence() {
	slices.SortFunc(c.owners, func(a, b owner) int {
		return cmp.Or(cmp.Compare(a.shard, b.shard), cmp.Compare(a.epoch, b.epoch))
	})
	for _, o := range c.owners {
		c.fence.Add(o.shard, o.epoch)
	}
}

// addLowWater writes each shard's last mark.
func (c *columns) addLowWater() {
	slices.SortStableFunc(c.marks, func(a, b mark) int { return cmp.Compare(a.shard, b.shard) })
	for i, m := range c.marks {
		if i+1 == len(c.marks) || c.marks[i+1].shard != m.shard {
			c.lowWater.Add(m.shard, m.id)
		}
	}
}
