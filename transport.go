package adze

import (
	"context"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/history"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// transport is how a Client reaches an engine: over gRPC, or in this process. It
// speaks the engine's own types, so that the one in this process translates
// nothing; its errors are *Error or a context's.
type transport interface {
	define(ctx context.Context, workflows []shard.Workflow) error
	workflow(ctx context.Context, name string) (*shard.Workflow, error)
	// submit stores runs and answers in their order: each for itself, or with whole
	// all or none. An error says that nothing was stored, unless it is KindUnknown.
	submit(ctx context.Context, runs []shard.NewRun, whole bool) ([]submitted, error)
	// push stores events and answers in their order, as submit does runs.
	push(ctx context.Context, events []shard.NewEvent, each bool) ([]pushed, error)
	replayEvents(ctx context.Context, ids []id.ID) ([]pushed, error)
	event(ctx context.Context, event id.ID) (*EventInfo, error)
	events(ctx context.Context, query EventQuery, before id.ID, limit int) (page []EventInfo, next id.ID, err error)
	putFilter(ctx context.Context, filter shard.Filter) (id.ID, error)
	filters(ctx context.Context, workflow string, after id.ID, limit int) (page []EventFilter, next id.ID, err error)
	deleteFilters(ctx context.Context, ids []id.ID) ([]bool, error)
	// spawn stores children of a running task, all or none.
	spawn(ctx context.Context, parent shard.Parent, children []shard.NewRun) ([]submitted, error)
	// putSchedules stores schedules, all or none, and answers in their order.
	putSchedules(ctx context.Context, list []core.Schedule) ([]id.ID, error)
	schedules(ctx context.Context, filter ScheduleFilter, after id.ID, limit int) (page []ScheduleInfo, next id.ID, err error)
	changeSchedules(ctx context.Context, ids []id.ID, change shard.ScheduleChange) error
	dropSchedules(ctx context.Context, ids []id.ID) ([]bool, error)
	triggerSchedules(ctx context.Context, ids []id.ID) ([]id.ID, error)
	// await opens a stream that lasts until it breaks or ctx ends.
	await(ctx context.Context) (outcomes, error)
	// attach opens a worker's session, whose life ends with ctx at the latest.
	attach(ctx context.Context, hello shard.Hello) (shard.Session, error)
	cancel(ctx context.Context, ids []id.ID, reason string, tree bool) ([]shard.Cancelled, error)
	replay(ctx context.Context, ids []id.ID, fromFailed bool) ([]id.ID, error)
	fork(ctx context.Context, run id.ID, index int32, input []byte) (id.ID, error)
	// value reads what a durable run published; nil if nothing.
	value(ctx context.Context, run id.ID, name string) ([]byte, error)
	refresh(ctx context.Context, task id.ID, token core.Token, byMS int64) (core.Time, error)
	// get tells of a run; of a run of several tasks, with the log of the task of that name.
	get(ctx context.Context, run id.ID, task string) (*RunInfo, error)
	list(ctx context.Context, filter Filter, before id.ID, limit int) (page []RunInfo, next id.ID, err error)
	// putSettings changes how queues and limits work, all or none.
	putSettings(ctx context.Context, changes []shard.SettingChange) error
	settings(ctx context.Context, request *wire.ListSettingsRequest) (*wire.ListSettingsResponse, error)
	failures(ctx context.Context, filter history.FailureFilter) (page []FailureGroup, next id.ID, err error)
	why(ctx context.Context, run id.ID) (*Explanation, error)
	overview(ctx context.Context) (*Overview, error)
	// redrive replays a step of what failed.
	redrive(ctx context.Context, want shard.Redrive) (shard.Redriven, error)
	// readStream and listLogs call take with what comes, until it fails, or all came.
	readStream(ctx context.Context, request *wire.ReadStreamRequest, take func(*wire.ReadStreamResponse) error) error
	listLogs(ctx context.Context, request *wire.ListLogsRequest, take func(*wire.ListLogsResponse) error) error
	workers(ctx context.Context) (*wire.ListWorkersResponse, error)
	pauseWorkers(ctx context.Context, ids []id.ID, paused bool) ([]bool, error)
	shareWorkers(ctx context.Context, request *wire.ShareWorkersRequest) error
	unshareWorkers(ctx context.Context, home string) error
	grants(ctx context.Context) (*wire.ListGrantsResponse, error)
	close() error
}

// submitted is what came of one run of a submit: an id or an error.
type submitted struct {
	id      id.ID
	existed bool // it was there before
	err     error
	parent  *attempt // that spawned it; nil = nobody
}

// pushed is what came of one event of a push.
type pushed struct {
	shard.Pushed
	err error
}

// outcomes is a stream of the results that were asked for, each once, in the order
// they come. ask is for one goroutine and recv for another one.
type outcomes interface {
	ask(ids []id.ID) error
	recv() ([]shard.Outcome, error)
	close()
}
