package shard

import (
	"context"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/history"
	"github.com/adzehq/adze/internal/journal"
)

// Journal makes effects durable, in the order of Append (journal.Journal).
type Journal interface {
	Append(journal.Entry)
}

// Store reads what is committed, and writes what is not the core's to decide.
type Store interface {
	// Restore reads the state that the owner with epoch starts from.
	Restore(ctx context.Context, shard int32, epoch int64) (*core.Restore, error)
	// Definitions are all versions known to the tenants of the shard.
	Definitions(ctx context.Context, shard int32) ([]StoredDefinition, error)
	// Define stores definitions, all or none; a new version takes its id from next.
	Define(ctx context.Context, tenant id.ID, definitions []Definition, next func() id.ID) ([]Defined, error)
	// DropWorkflow leaves a workflow without a current version, and tells whether it had one.
	DropWorkflow(ctx context.Context, tenant id.ID, name string) (bool, error)
	// SchedulesOf reads which schedules start runs of a workflow, ids ascending.
	SchedulesOf(ctx context.Context, tenant id.ID, workflow string) ([]id.ID, error)
	// LoadLanes answers lane loads, which have one Limit and one ByID, in their order.
	LoadLanes(ctx context.Context, shard int32, loads []core.Load) ([]*core.Loaded, error)
	// Load answers a core.Load.
	Load(ctx context.Context, shard int32, load core.Load) (*core.Loaded, error)
	// Inputs reads task rows; ids without one are left out.
	Inputs(ctx context.Context, ids []id.ID) ([]core.NewTask, error)
	// Payloads reads of task rows what workers are told; ids without one are left out.
	Payloads(ctx context.Context, ids []id.ID) ([]core.NewTask, error)
	// Outcomes reads results with their outputs; ids without one are left out.
	Outcomes(ctx context.Context, tenant id.ID, ids []id.ID) ([]Outcome, error)
	// RunOutcomes reads how runs of graphs ended; ids that have not, or are no such run,
	// are left out.
	RunOutcomes(ctx context.Context, tenant id.ID, ids []id.ID) ([]core.RunResult, error)
	// Runs reads rows of runs of graphs; ids without one are left out.
	Runs(ctx context.Context, ids []id.ID) ([]core.NewTask, error)
	// Results reads what the tasks of a run gave that have a result, by ascending id:
	// ids from first to last.
	Results(ctx context.Context, tenant, first, last id.ID) ([]Outcome, error)
	// Logs reads what durable tasks did, and what was met; of each task by index and by
	// order.
	Logs(ctx context.Context, tasks []id.ID) ([]core.Entry, []core.Met, error)
	// Failed reads which runs failed as a filter says, newest first: at most limit, and
	// where to go on (history.Failed).
	Failed(ctx context.Context, tenant id.ID, f history.FailureFilter, limit int) ([]id.ID, id.ID, error)
	// Replayed reads which runs, of one task or of several, some run replays, and the newest
	// that does.
	Replayed(ctx context.Context, ids []id.ID) (map[id.ID]id.ID, error)
	// Replies reads what requests were answered with; ids without an answer are left out.
	Replies(ctx context.Context, tenant id.ID, events []id.ID) ([]core.Reply, error)
	// Requests reads which ids are of requests, which are events addressed to a run: their
	// id and tenant.
	Requests(ctx context.Context, ids []id.ID) ([]core.NewTask, error)
	// Value reads what a durable task published; Task is 0 if nothing.
	Value(ctx context.Context, task id.ID, name string) (core.Value, error)
	// Events reads events with their payloads, in any order; ids without one are left out.
	Events(ctx context.Context, ids []id.ID) ([]core.NewEvent, error)
	// Filters are those of all tenants of the shard.
	Filters(ctx context.Context, shard int32) ([]StoredFilter, error)
	// PutFilters stores filters, new ones and changed ones, and deletes others, all at once.
	PutFilters(ctx context.Context, tenant id.ID, filters []Filter, drops []id.ID) error
	// DeleteFilters deletes filters of the tenant, and tells which of the ids were some.
	DeleteFilters(ctx context.Context, tenant id.ID, ids []id.ID) ([]id.ID, error)
	// Schedules reads schedules by id, in any order; ids without one are left out.
	Schedules(ctx context.Context, ids []id.ID) ([]core.Schedule, error)
	// SchedulesNamed reads those of a tenant that have one of the names, in any order.
	SchedulesNamed(ctx context.Context, tenant id.ID, names []string) ([]core.Schedule, error)
	// SchedulesDeclared reads those that workflows declare, in any order.
	SchedulesDeclared(ctx context.Context, tenant id.ID, workflows []string) ([]core.Schedule, error)
	// Joined records a worker's session, and tells whether the worker is paused.
	Joined(ctx context.Context, worker, tenant id.ID, hello Hello) (paused bool, err error)
	// Introduced records what a worker says of itself, without a session.
	Introduced(ctx context.Context, worker, tenant id.ID, hello Hello) error
	// PausedAway notes that workers of the tenant are to be given nothing new when they
	// come, or something again, and tells which of them are known.
	PausedAway(ctx context.Context, tenant id.ID, workers []id.ID, paused bool) ([]id.ID, error)
}

// StoredDefinition is a definition as it was stored.
type StoredDefinition struct {
	ID id.ID // of the workflow
	core.Definition
	Graph    *Graph // of a workflow of several tasks; then Definition has Version, Tenant and Workflow only
	Triggers []Trigger
	Flow     *Flow
	Keyed
	Current bool // new runs of the workflow get it
}

// StoredFilter is a filter as it was stored.
type StoredFilter struct {
	Filter
	Tenant id.ID
}
