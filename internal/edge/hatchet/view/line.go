package view

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/history"
	"github.com/adzehq/adze/internal/record/stream"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

const (
	// linesPage is how many lines are read at once, linesScannedMax how many of a task are
	// looked at: more than an assignment may log.
	linesPage       = 1_000
	linesScannedMax = 100_000
)

// The levels of lines, as the core counts them.
var levels = []struct {
	name  string
	level int32
}{{"DEBUG", -4}, {"INFO", 0}, {"WARN", 4}, {"ERROR", 8}}

// ParseLevel reads the name of a level.
func ParseLevel(name string) (level int32, known bool) {
	for _, l := range levels {
		if l.name == name {
			return l.level, true
		}
	}
	return 0, false
}

// LevelName is the highest level that is not above another one.
func LevelName(level int32) string {
	name := levels[0].name
	for _, l := range levels {
		if level >= l.level {
			name = l.name
		}
	}
	return name
}

// LineFilter chooses lines of a log.
type LineFilter struct {
	Since       core.Time // 0 = ever
	Until       core.Time // 0 = ever
	Search      string    // is in the message
	Levels      []int32   // empty = all
	Attempt     int32     // on this wire, from 1; 0 = all
	NewestFirst bool
	Limit       int
}

// Line is a line of a task's log.
type Line struct {
	core.LogLine
	Name    string // of the task
	Retries int32
}

func (f *LineFilter) fits(l *Line) bool {
	return (f.Since == 0 || l.At >= f.Since) && (f.Until == 0 || l.At < f.Until) &&
		(f.Attempt == 0 || l.Retries+1 == f.Attempt) &&
		(len(f.Levels) == 0 || slices.ContainsFunc(f.Levels, func(level int32) bool { return LevelName(level) == LevelName(l.Level) })) &&
		strings.Contains(l.Message, f.Search)
}

// Lines are those that a task logged, in the order of time, in the runs before it too.
func (r *Reader) Lines(ctx context.Context, tenant, external id.ID, f LineFilter) ([]Line, error) {
	run, t, err := r.Task(ctx, tenant, external, 0)
	if err != nil {
		return nil, err
	}
	var lines []Line
	read := func(task id.ID, chain *Chain) error {
		found, err := r.linesOf(ctx, tenant, task)
		for i := range found {
			line := Line{LogLine: found[i], Name: t.Name, Retries: chain.Retries(t.Name, found[i].Attempt)}
			if f.fits(&line) {
				lines = append(lines, line)
			}
		}
		return err
	}
	if err := read(t.ID, run.chain); err != nil {
		return nil, err
	}
	for c := run.chain; c != nil; c = c.before {
		if task, there := c.last(t.Name); there {
			if err := read(task, c.before); err != nil {
				return nil, err
			}
		}
	}
	slices.SortStableFunc(lines, func(a, b Line) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Token, b.Token), cmp.Compare(a.Seq, b.Seq))
	})
	if f.NewestFirst {
		slices.Reverse(lines)
	}
	return lines[:min(len(lines), f.Limit)], nil
}

func (r *Reader) linesOf(ctx context.Context, tenant, task id.ID) (lines []core.LogLine, err error) {
	var after core.LogLine
	for len(lines) < linesScannedMax {
		page, err := stream.Lines(ctx, r.DB, tenant, task, after.Token, after.Seq, linesPage)
		if err != nil {
			return nil, err
		}
		lines = append(lines, page...)
		if len(page) < linesPage {
			break
		}
		after = page[len(page)-1]
	}
	return lines, nil
}

// Task reads a task with its run. With an attempt, counted on this wire from 1, it is the
// task as that one left it; 0 is the current one.
func (r *Reader) Task(ctx context.Context, tenant, external id.ID, attempt int) (*Run, *Task, error) {
	place, err := r.Locate(ctx, tenant, external)
	if err != nil {
		return nil, nil, err
	}
	run, err := r.run(ctx, tenant, place.Run, true)
	if err != nil {
		return nil, nil, err
	}
	for i := range run.Tasks {
		t := &run.Tasks[i]
		if t.ID != place.Task {
			continue
		}
		if attempt == 0 || int32(attempt) == t.Retries+1 {
			return run, t, nil
		}
		return r.earlier(ctx, tenant, run, t, int32(attempt))
	}
	return nil, nil, fault.New(fault.NotFound, "task", "no task %s", external)
}

// Attempt is the number of an attempt of a task as Adze counts it, by that of this wire; at
// least 1, for one of a run before.
func (r *Reader) Attempt(ctx context.Context, tenant id.ID, at Place, retries int32) (int32, error) {
	given, err := r.Shards.Given(ctx, tenant, at.Run)
	if err != nil || given.ReplayOf == 0 {
		return max(retries+1, 1), err
	}
	chain, err := r.Chain(ctx, tenant, given.ReplayOf)
	if err != nil {
		return 0, err
	}
	name := at.Name
	if name == "" {
		version, err := r.run(ctx, tenant, at.Run, false)
		if err != nil {
			return 0, err
		}
		name = version.Tasks[0].Name
	}
	return max(retries+1-chain.attempts(name), 1), nil
}

// earlier is a task as an attempt left it.
func (r *Reader) earlier(ctx context.Context, tenant id.ID, run *Run, t *Task, attempt int32) (*Run, *Task, error) {
	attempts, err := history.Attempts(ctx, r.DB, tenant, t.ID)
	if err != nil {
		return nil, nil, err
	}
	base := run.chain.attempts(t.Name)
	for i := range attempts {
		a := &attempts[i]
		if base+a.Number != attempt {
			continue
		}
		was := *t
		was.TaskRun = history.TaskRun{
			ID: t.ID, Name: t.Name, Parents: t.Parents, Role: t.Role, Begun: true, Status: core.Failed, Attempt: a.Number,
			Worker: a.Worker, Assigned: a.Assigned, Started: a.Started, Finished: a.Finished, Error: a.Error,
		}
		was.Status, was.Retries, was.Evicted = wire.RunStatus_RUN_STATUS_FAILED, attempt-1, false
		return run, &was, nil
	}
	return nil, nil, fault.New(fault.NotFound, "attempt", "task %s has no attempt %d", t.External, attempt)
}
