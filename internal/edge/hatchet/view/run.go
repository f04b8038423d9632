package view

import (
	"context"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/history"
	"github.com/adzehq/adze/internal/record/open"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// Reader reads runs. Use NewReader.
type Reader struct {
	DB     pg.DB
	Shards shard.Client

	versions versions
	chains   chains
}

// NewReader is a reader of what is committed in db and open in shards.
func NewReader(db pg.DB, shards shard.Client) *Reader { return &Reader{DB: db, Shards: shards} }

// Run is a run as this wire shows it.
type Run struct {
	history.Run          // of the newest replay, but for Tasks
	External    id.ID    // that of the first of its replays
	Version     *Version // of the newest
	Status      wire.RunStatus
	Evicted     bool   // one of its tasks is
	Tasks       []Task // of a run of one task, that one; else those that have begun, or ended without it

	chain    *Chain
	eventKey string // once NameEvents was asked
}

// TaskID is the id that a task of the run goes by, or will, by its place in the workflow.
func (r *Run) TaskID(place int) id.ID {
	if !r.Graph {
		return r.External
	}
	return r.chain.Task(r.Version.Tasks[place].Name, r.ID+1+id.ID(place))
}

// Done tells whether nothing of the run is open.
func (r *Run) Done() bool { return r.Run.Status != 0 }

// TaskOf is the id that a task of the run goes by, by its own.
func (r *Run) TaskOf(own id.ID) id.ID {
	if !r.Graph {
		return r.External
	}
	return r.TaskID(int(own - r.ID - 1))
}

// Task is a task of a Run.
type Task struct {
	history.TaskRun // its Attempt is the current one if it runs, 0 if it never did
	External        id.ID
	Status          wire.RunStatus
	Retries         int32 // the attempt's number on this wire, which goes on from replay to replay
	Evicted         bool
	Due             core.Time // of one that waits for a time: when that is
}

// HasBegun tells whether an attempt of the task was given to a worker, or it ended without.
func (t *Task) HasBegun() bool {
	return t.TaskRun.Status != 0 || t.Assigned != 0 || t.Attempt > 1 || t.Suspensions > 0
}

// Error is what the wire says of a task that failed; nil if it did not. One that was
// cancelled has an error, which is empty.
func (t *Task) Error() *string {
	text := ""
	switch t.Status {
	case wire.RunStatus_RUN_STATUS_FAILED:
		text = ErrorText(t.TaskRun.Error)
	case wire.RunStatus_RUN_STATUS_CANCELLED:
	default:
		return nil
	}
	return &text
}

// skippedOutput is what a task gave that was skipped.
var skippedOutput = []byte(`{"skipped":true}`)

// Output is what a completed task gave; nil if it is not.
func (t *Task) Output() []byte {
	switch t.TaskRun.Status {
	case core.Skipped:
		return skippedOutput
	case core.Succeeded:
		return t.TaskRun.Output
	}
	return nil
}

// Run reads the run that an id of the wire stands for, with its payloads if asked for, or
// fails with fault.NotFound. The id may be that of a task of it.
func (r *Reader) Run(ctx context.Context, tenant, external id.ID, payloads bool) (*Run, error) {
	at, err := r.Locate(ctx, tenant, external)
	if err != nil {
		return nil, err
	}
	return r.At(ctx, tenant, at, payloads)
}

// At reads the run of a place, also if it is replayed by now.
func (r *Reader) At(ctx context.Context, tenant id.ID, at Place, payloads bool) (*Run, error) {
	return r.run(ctx, tenant, at.Run, payloads)
}

// Itself reads a run by its own id, though it may have been replayed since.
func (r *Reader) Itself(ctx context.Context, tenant, run id.ID, payloads bool) (*Run, error) {
	return r.run(ctx, tenant, run, payloads)
}

// run reads a run by its own id.
func (r *Reader) run(ctx context.Context, tenant, run id.ID, payloads bool) (*Run, error) {
	stored, err := history.Get(ctx, r.DB, tenant, run, payloads)
	if err != nil {
		return nil, err
	}
	live := map[id.ID]core.Live{}
	if stored.Open() { // the shard is asked first, and Postgres after it: what ends in between has a result then
		if live, err = r.live(ctx, tenant, &stored); err != nil {
			return nil, err
		}
		if stored, err = history.Get(ctx, r.DB, tenant, run, payloads); err != nil {
			return nil, err
		}
	}
	if err := r.addStored(ctx, &stored, live); err != nil {
		return nil, err
	}
	version, err := r.Version(ctx, stored.Version)
	if err != nil {
		return nil, err
	}
	chain, err := r.Chain(ctx, tenant, stored.ReplayOf)
	if err != nil {
		return nil, err
	}
	return newRun(stored, version, chain, live), nil
}

// live asks the shard where the tasks of an open run stand.
func (r *Reader) live(ctx context.Context, tenant id.ID, stored *history.Run) (map[id.ID]core.Live, error) {
	asked := []id.ID{stored.ID}
	for i := range stored.Tasks {
		asked = append(asked, stored.Tasks[i].ID)
	}
	answers, err := r.Shards.Live(ctx, tenant, asked)
	if err != nil {
		return nil, err
	}
	live := make(map[id.ID]core.Live, len(asked))
	for i, one := range asked {
		live[one] = answers[i]
	}
	return live, nil
}

// addStored adds those to live that are open and in Postgres only.
func (r *Reader) addStored(ctx context.Context, stored *history.Run, live map[id.ID]core.Live) error {
	var elsewhere []id.ID
	for _, t := range tasksOf(stored, "") {
		if t.Status == 0 && live[t.ID].State == 0 {
			elsewhere = append(elsewhere, t.ID)
		}
	}
	return r.addRows(ctx, elsewhere, live)
}

func (r *Reader) addRows(ctx context.Context, elsewhere []id.ID, live map[id.ID]core.Live) error {
	if len(elsewhere) == 0 {
		return nil
	}
	rows, err := open.ByID(ctx, r.DB, elsewhere)
	for i := range rows {
		row := &rows[i]
		live[row.ID] = core.Live{
			State: row.State, Attempt: row.Attempt, Worker: row.Worker, Assigned: row.Assigned, Due: row.Due,
		}
	}
	return err
}

// tasksOf are the tasks of a run; of a run of one task it is its task, of that name.
func tasksOf(r *history.Run, name string) []history.TaskRun {
	if r.Graph {
		return r.Tasks
	}
	return []history.TaskRun{{
		ID: r.ID, Name: name, Begun: true,
		Status: r.Status, Attempt: r.Attempt, Suspensions: r.Suspensions, Worker: r.Worker,
		Assigned: r.Assigned, Started: r.Started, Finished: r.Finished,
		Error: r.Error, Output: r.Output,
	}}
}

func newRun(stored history.Run, version *Version, chain *Chain, live map[id.ID]core.Live) *Run {
	run := &Run{Run: stored, External: chain.External(stored.ID), Version: version, chain: chain}
	for _, t := range tasksOf(&stored, version.Tasks[0].Name) {
		if !t.Begun && t.Status == 0 {
			continue // waits for its parents
		}
		task := newTask(t, live[t.ID])
		task.External = chain.task(&task.TaskRun)
		task.Retries = chain.Retries(task.Name, task.Attempt)
		run.Evicted = run.Evicted || task.Evicted
		run.Tasks = append(run.Tasks, task)
	}
	run.Status = runStatus(run.Tasks)
	if !run.Done() && Final(run.Status) {
		run.Status = wire.RunStatus_RUN_STATUS_RUNNING // more is to come
	}
	return run
}

func newTask(stored history.TaskRun, live core.Live) Task {
	t := Task{TaskRun: stored}
	if stored.Status != 0 {
		t.Status = endStatus(stored.Status, stored.Error)
		return t
	}
	t.Status, t.Evicted = openStatus(live)
	t.Due = live.Due
	t.Attempt, t.Worker, t.Assigned, t.Started = live.Attempt, live.Worker, live.Assigned, live.Started
	t.Suspensions = live.Suspensions
	return t
}

// NameEvents reads the keys of the events that started runs, for ToldMetadata.
func (r *Reader) NameEvents(ctx context.Context, tenant id.ID, runs ...*Run) error {
	var events []id.ID
	for _, run := range runs {
		if run.Event != 0 {
			events = append(events, run.Event)
		}
	}
	keys, err := history.EventKeys(ctx, r.DB, tenant, events)
	if err != nil {
		return err
	}
	for _, run := range runs {
		run.eventKey = keys[run.Event]
	}
	return nil
}
