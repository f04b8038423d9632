// Package tail reads what the tasks of a run write, streams and logs, for all edges.
//
// It owns the joint between what is stored and what comes: the cursor. It promises
// that a reader gets each chunk and line once, in order, whenever it comes and however
// often it comes back; that it hears of nothing that is not stored; and that a slow
// one holds up nobody, for it falls back to the table.
package tail

import (
	"context"
	"errors"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
)

// Source reads what is stored.
type Source interface {
	// Tasks are those of the tenant's run, in the order of its workflow; a run of one
	// task is its own. It fails with fault.NotFound.
	Tasks(ctx context.Context, tenant, run id.ID) ([]Task, error)
	// Lines and Chunks read at most limit rows of a task that come after a place.
	Lines(ctx context.Context, tenant, task id.ID, after Place, limit int) ([]core.LogLine, error)
	Chunks(ctx context.Context, tenant, task id.ID, after Place, limit int) ([]core.Chunk, error)
}

// Task is a task of a run.
type Task struct {
	ID   id.ID
	Name string
}

// Reader reads streams and logs.
type Reader struct {
	Source Source
	Shards shard.Client
}

// Steps tells of the tasks of a run how they begin and end. It is for one goroutine.
type Steps interface {
	// Look finds out which tasks have begun and ended by now.
	Look(ctx context.Context) error
	// Come takes what did so since.
	Come([]shard.Outcome)
	// Tell tells what was found out, or came, and was not told. What these tasks wrote has
	// been sent.
	Tell() error
}

// rows is how one of the two kinds of rows is read.
type rows[Row any] struct {
	written shard.Written
	page    int // how many are read at once
	read    func(ctx context.Context, tenant, task id.ID, after Place, limit int) ([]Row, error)
	live    func(shard.Rows) []Row
	place   func(*Row) (id.ID, Place)
}

// tail is one reader of a run.
type tail[Row any] struct {
	rows[Row]
	shards shard.Client
	tenant id.ID
	run    id.ID
	tasks  []Task // those that are read
	cursor *cursor
	steps  Steps // nil: nobody wants to know
	// send takes rows in order; before is the place in its task where the reader was.
	send func(rows []placed[Row]) error
}

// placed is a row with what a reader is told of its place.
type placed[Row any] struct {
	row       *Row
	task      string
	restarted bool // an assignment begins after another one
	cursor    string
}

// stored sends all that is in the table.
func (t *tail[Row]) stored(ctx context.Context) error {
	for i := range t.tasks {
		task := t.tasks[i].ID
		for more := true; more; {
			page, err := t.read(ctx, t.tenant, task, t.cursor.at(task), t.page)
			if err != nil {
				return err
			}
			more = len(page) == t.page
			if err := t.pass(page); err != nil {
				return err
			}
		}
	}
	return nil
}

// follow sends what is stored and then what comes, until the run has ended and all of
// it was sent.
func (t *tail[Row]) follow(ctx context.Context) error {
	ids := make([]id.ID, len(t.tasks))
	for i := range t.tasks {
		ids[i] = t.tasks[i].ID
	}
	// From here on nothing is missed: what is committed by now is read, what comes is
	// told. Some is both, and is known by its place.
	kinds := []shard.Written{t.written}
	if t.steps != nil {
		kinds = append(kinds, shard.WrittenSteps)
	}
	follower, err := t.shards.Follow(ctx, t.tenant, ids, kinds...)
	if err != nil {
		return err
	}
	defer follower.Close()
	open, end := context.WithCancelCause(ctx)
	defer end(nil)
	err = t.shards.Await(open, t.tenant, []id.ID{t.run}, func(shard.Outcome) { end(errEnded) })
	if err != nil && !errors.Is(context.Cause(open), errEnded) { // the end may be told while Await still looks
		return err
	}
	if err := t.all(ctx); err != nil {
		return err
	}
	for {
		came, lost, err := follower.Next(open)
		switch {
		case errors.Is(context.Cause(open), errEnded):
			return t.all(ctx) // an end is told after all that was written before it
		case err != nil:
			return err
		case lost:
			err = t.all(ctx)
		default:
			err = t.some(came)
		}
		if err != nil {
			return err
		}
	}
}

// all sends all that is committed: what tasks wrote before how they ended.
func (t *tail[Row]) all(ctx context.Context) error {
	if t.steps == nil {
		return t.stored(ctx)
	}
	if err := t.steps.Look(ctx); err != nil {
		return err
	}
	if err := t.stored(ctx); err != nil {
		return err
	}
	return t.steps.Tell()
}

// some sends what came, in that order.
func (t *tail[Row]) some(came shard.Rows) error {
	if t.steps != nil {
		t.steps.Come(came.Steps)
	}
	if err := t.pass(t.live(came)); err != nil || t.steps == nil {
		return err
	}
	return t.steps.Tell()
}

// errEnded is why a reader waits no longer.
var errEnded = errors.New("tail: the run has ended")

// pass sends those of the rows that were not sent before.
func (t *tail[Row]) pass(list []Row) error {
	fresh := make([]placed[Row], 0, len(list))
	for i := range list {
		task, place := t.place(&list[i])
		before := t.cursor.at(task)
		if !before.before(place) {
			continue
		}
		t.cursor.move(task, place)
		fresh = append(fresh, placed[Row]{
			row: &list[i], task: t.name(task),
			restarted: before.Token != 0 && before.Token != place.Token,
			cursor:    t.cursor.String(),
		})
	}
	if len(fresh) == 0 {
		return nil
	}
	return t.send(fresh)
}

func (t *tail[Row]) name(task id.ID) string {
	for i := range t.tasks {
		if t.tasks[i].ID == task {
			return t.tasks[i].Name
		}
	}
	return ""
}

// newTail makes a reader of a run, or of one of its tasks.
func newTail[Row any](ctx context.Context, r *Reader, how rows[Row], tenant, run id.ID, task, after string) (*tail[Row], error) {
	tasks, err := r.Source.Tasks(ctx, tenant, run)
	if err != nil {
		return nil, err
	}
	cursor, err := parseCursor(tasks, after)
	if err != nil {
		return nil, err
	}
	t := &tail[Row]{rows: how, shards: r.Shards, tenant: tenant, run: run, tasks: tasks, cursor: cursor}
	if task == "" {
		return t, nil
	}
	for _, one := range tasks {
		if one.Name == task {
			t.tasks = []Task{one}
			return t, nil
		}
	}
	return nil, fault.New(fault.NotFound, "task", "run %s has no task %q", run, task)
}
