package journal

import (
	"cmp"
	"slices"

	"github.com/adzehq/adze/internal/base/bulk"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/lease"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/record/event"
	"github.com/adzehq/adze/internal/record/open"
	"github.com/adzehq/adze/internal/record/run"
	"github.com/adzehq/adze/internal/record/schedule"
	"github.com/adzehq/adze/internal/record/stream"
	"github.com/adzehq/adze/internal/record/task"
)

// columns are the rows of a batch, encoded. Their buffers are kept from one
// batch to the next.
type columns struct {
	fence      lease.Fence
	tasks      task.Columns
	results    task.ResultColumns
	attempts   task.AttemptColumns
	runs       run.Columns
	runResults run.ResultColumns
	events     event.Columns
	eventRuns  event.RunColumns
	open       open.Columns
	closed     open.ClosedColumns
	openRuns   run.OpenColumns
	closedRuns run.ClosedColumns
	lines      stream.LineColumns
	chunks     stream.ChunkColumns
	schedules  schedule.Columns
	lowWater   open.LowWaterColumns

	owners         []owner
	checkpoint     []checkpoint[core.OpenTask]
	checkpointRuns []checkpoint[core.OpenRun]
	marks          []mark
	definitions    []checkpoint[core.Schedule]
	states         []checkpoint[core.ScheduleState]
}

type owner struct {
	shard int32
	epoch int64
}

type mark struct {
	shard int32
	id    id.ID
}

// checkpoint is what the batch makes of a row of the checkpoint: the row, or nil for
// none.
type checkpoint[Row any] struct {
	id  id.ID
	row *Row
}

// encode makes one transaction of the items: the fence first, then a statement
// per table. Tasks and results are inserted as they come: each shard's tasks
// ascend, and nobody else writes the same ids, so order matters to no lock.
func (c *columns) encode(items []item, repeat bool) *bulk.Batch {
	c.owners, c.marks = c.owners[:0], c.marks[:0]
	c.checkpoint, c.checkpointRuns = c.checkpoint[:0], c.checkpointRuns[:0]
	c.definitions, c.states = c.definitions[:0], c.states[:0]
	for i := range items {
		c.add(&items[i])
	}
	c.addFence()
	c.addCheckpoint()
	c.addSchedules()
	c.addLowWater()
	var b bulk.Batch
	c.fence.Queue(&b)
	c.tasks.Queue(&b, repeat)
	c.results.Queue(&b, repeat)
	c.attempts.Queue(&b, repeat)
	c.runs.Queue(&b, repeat)
	c.runResults.Queue(&b, repeat)
	c.events.Queue(&b, repeat)
	c.eventRuns.Queue(&b, repeat)
	c.open.Queue(&b)
	c.closed.Queue(&b)
	c.openRuns.Queue(&b)
	c.closedRuns.Queue(&b)
	c.lines.Queue(&b)
	c.chunks.Queue(&b)
	c.schedules.Queue(&b)
	c.lowWater.Queue(&b)
	return &b
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
	c.noteCheckpoint(e)
	c.noteSchedules(e)
	if e.LowWater != 0 {
		c.marks = append(c.marks, mark{it.Shard, e.LowWater})
	}
}

// noteCheckpoint lists what e makes of the checkpoint's rows, for addCheckpoint.
func (c *columns) noteCheckpoint(e *core.Effects) {
	for i := range e.Open {
		c.checkpoint = append(c.checkpoint, checkpoint[core.OpenTask]{e.Open[i].ID, &e.Open[i]})
	}
	for _, closed := range e.Closed {
		c.checkpoint = append(c.checkpoint, checkpoint[core.OpenTask]{closed, nil})
	}
	for i := range e.OpenRuns {
		c.checkpointRuns = append(c.checkpointRuns, checkpoint[core.OpenRun]{e.OpenRuns[i].ID, &e.OpenRuns[i]})
	}
	for _, closed := range e.ClosedRuns {
		c.checkpointRuns = append(c.checkpointRuns, checkpoint[core.OpenRun]{closed, nil})
	}
}

// noteSchedules lists what e makes of schedules, for addSchedules.
func (c *columns) noteSchedules(e *core.Effects) {
	for i := range e.Schedules {
		c.definitions = append(c.definitions, checkpoint[core.Schedule]{e.Schedules[i].ID, &e.Schedules[i]})
	}
	for i := range e.ScheduleStates {
		c.states = append(c.states, checkpoint[core.ScheduleState]{e.ScheduleStates[i].ID, &e.ScheduleStates[i]})
	}
	for _, closed := range e.ClosedSchedules {
		c.definitions = append(c.definitions, checkpoint[core.Schedule]{closed, nil})
		c.states = append(c.states, checkpoint[core.ScheduleState]{closed, nil})
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

// addCheckpoint writes of each row of the checkpoint only what the batch leaves of it.
// A row that is closed is deleted even if it was new: an earlier batch may have
// written it.
func (c *columns) addCheckpoint() {
	for _, p := range coalesce(c.checkpoint) {
		if p.row != nil {
			c.open.Add(p.row)
		} else {
			c.closed.Add(p.id)
		}
	}
	for _, p := range coalesce(c.checkpointRuns) {
		if p.row != nil {
			c.openRuns.Add(p.row)
		} else {
			c.closedRuns.Add(p.id)
		}
	}
	clear(c.checkpoint) // lets go of the effects
	clear(c.checkpointRuns)
}

// addSchedules is addCheckpoint for schedules. A schedule that is closed has both rows
// deleted.
func (c *columns) addSchedules() {
	for _, p := range coalesce(c.definitions) {
		if p.row != nil {
			c.schedules.Add(p.row)
		} else {
			c.schedules.Close(p.id)
		}
	}
	for _, p := range coalesce(c.states) {
		if p.row != nil {
			c.schedules.AddState(p.row)
		}
	}
	clear(c.definitions)
	clear(c.states)
}

// coalesce keeps the last of each id, ids ascending, in the room of all.
func coalesce[Row any](all []checkpoint[Row]) []checkpoint[Row] {
	slices.SortStableFunc(all, func(a, b checkpoint[Row]) int { return cmp.Compare(a.id, b.id) })
	last := all[:0]
	for i, p := range all {
		if i+1 == len(all) || all[i+1].id != p.id {
			last = append(last, p)
		}
	}
	return last
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

// idRange is the smallest and the largest id of a row that goes to a partition.
func idRange(items []item) (first, last id.ID) {
	see := func(i id.ID) {
		if first == 0 || i < first {
			first = i
		}
		last = max(last, i)
	}
	for _, it := range items {
		for i := range it.Effects.Tasks {
			see(it.Effects.Tasks[i].ID)
		}
		for i := range it.Effects.Results {
			see(it.Effects.Results[i].Task)
		}
		for i := range it.Effects.Attempts {
			see(it.Effects.Attempts[i].Task)
		}
		for i := range it.Effects.Runs {
			see(it.Effects.Runs[i].ID)
		}
		for i := range it.Effects.RunResults {
			see(it.Effects.RunResults[i].Run)
		}
		for i := range it.Effects.Events {
			see(it.Effects.Events[i].ID)
		}
		for i := range it.Effects.Lines {
			see(it.Effects.Lines[i].Task)
		}
		for i := range it.Effects.Chunks {
			see(it.Effects.Chunks[i].Task)
		}
	}
	return first, last
}
