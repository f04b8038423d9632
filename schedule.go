package adze

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/adzehq/adze/internal/base/cron"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
)

// Cron starts a run of the task or workflow by itself, at the times that an expression
// says: five fields (minute hour day month weekday), six with seconds in front, or
// @hourly, @daily, @weekly, @monthly, @yearly, or a pause like @every 5m. Of what clocks
// do when they are moved, see docs/guides/schedules.md.
//
// It is registered with the task, when a worker starts. What was declared before and is
// no longer is ended; schedules made by [Task.Cron] are not touched. At most 100. The
// input of the runs is null unless [Input] gives one.
//
// Given to [AddTask] it is the whole workflow's.
func Cron(expression string, options ...CronOption) TaskOption {
	return func(w *workflow) {
		c := shard.Cron{Expression: expression}
		for _, o := range options {
			if err := o.applyCron(&c); err != nil {
				c.Metadata, _ = json.Marshal(err.Error()) // not an object: refused when it is registered
			}
		}
		w.Crons = append(w.Crons, c)
	}
}

// CronOption is an option of [Cron] and [Task.Cron]: one of those below, or [Priority]
// or [Metadata] of the runs.
type CronOption interface{ applyCron(*shard.Cron) error }

type cronOption func(*shard.Cron) error

func (o cronOption) applyCron(c *shard.Cron) error { return o(c) }

// applyCron makes options of a run options of the cron that starts it.
func (o RunOption) applyCron(c *shard.Cron) error {
	r := newRun{NewRun: shard.NewRun{Metadata: c.Metadata, Priority: c.Priority}}
	if err := o(&r); err != nil {
		return err
	}
	if err := r.schedulable(); err != nil {
		return err
	}
	c.Metadata, c.Priority = r.Metadata, r.Priority
	return nil
}

// schedulable refuses what a schedule says itself, or has not.
func (r *newRun) schedulable() error {
	switch {
	case r.DelayMS != 0 || r.RunAt != 0:
		return &Error{Kind: KindInvalid, Field: "options", Text: "a schedule says itself when its runs start; Delay and RunAt are for runs"}
	case r.NewRun.Key != "" || r.Policy != 0 || r.detached:
		return &Error{Kind: KindInvalid, Field: "options", Text: "a schedule is nobody's child; Key, CancelWithParent and Detached are for children"}
	}
	return nil
}

// In is the time zone of the expression, an IANA name like "Europe/Berlin". UTC if it
// is not given.
func In(zone string) CronOption {
	return cronOption(func(c *shard.Cron) error { c.Zone = zone; return nil })
}

// Jitter lets each tick start its run up to d later, at most an hour, so that many
// schedules of the same minute do not start at the same instant. A tick is always as
// late.
func Jitter(d time.Duration) CronOption {
	return cronOption(func(c *shard.Cron) error { c.JitterMS = wholeMS(d); return nil })
}

// Named is the name of a declared cron, unique among all schedules. If it is not given,
// the task's name, with :2 and so on for those after the first.
func Named(name string) CronOption {
	return cronOption(func(c *shard.Cron) error { c.Name = name; return nil })
}

// Input is the input of the runs of a declared cron: anything that encoding/json writes
// in at most 64 KiB.
func Input(in any) CronOption {
	return cronOption(func(c *shard.Cron) (err error) {
		if c.Input, err = json.Marshal(in); err != nil {
			return &Error{Kind: KindInvalid, Field: "input", Text: err.Error(), cause: err}
		}
		return nil
	})
}

// SkipWhileRunning lets a tick start nothing while the run of the one before has not
// ended. Without it, and the two below, it starts a run besides.
func SkipWhileRunning() CronOption { return overlap(core.OverlapSkip) }

// QueueWhileRunning lets one run wait until the run of the tick before has ended; more
// are skipped.
func QueueWhileRunning() CronOption { return overlap(core.OverlapQueue) }

// CancelRunning cancels the run of the tick before, if it has not ended, and starts the
// new one as soon as it has.
func CancelRunning() CronOption { return overlap(core.OverlapCancelOld) }

func overlap(policy core.Overlap) CronOption {
	return cronOption(func(c *shard.Cron) error { c.Overlap = policy.String(); return nil })
}

// CatchUpNone lets ticks that were missed, because no engine was there, start nothing.
// Without it, and CatchUpAll, the last one starts a run.
func CatchUpNone() CronOption {
	return cronOption(func(c *shard.Cron) error { c.CatchUp = core.CatchUpNone.String(); return nil })
}

// CatchUpAll lets each tick that was missed start a run; of more than atMost, 1–1,000,
// the last ones.
func CatchUpAll(atMost int) CronOption {
	return cronOption(func(c *shard.Cron) error {
		c.CatchUp, c.CatchUpMax = core.CatchUpAll.String(), clamp(atMost)
		return nil
	})
}

// Schedule starts a run of the task at a time, once, and returns the schedule's ID: it
// can be moved and deleted until then. A time that is over means at once; what fell due
// while no engine was there starts when one is. Options are [Priority] and [Metadata].
//
// The run is of the task as it is registered then.
func (t *Task[In, Out]) Schedule(ctx context.Context, c *Client, at time.Time, in In, options ...RunOption) (ID, error) {
	ids, err := t.ScheduleMany(ctx, c, []At[In]{{at, in}}, options...)
	if err != nil {
		return 0, err
	}
	return ids[0], nil
}

// At is a time and the input of a run that starts then.
type At[In any] struct {
	Time  time.Time
	Input In
}

// ScheduleMany is Schedule of up to 1,000 runs, all or none, with the same options. It
// answers in order.
func (t *Task[In, Out]) ScheduleMany(ctx context.Context, c *Client, times []At[In], options ...RunOption) ([]ID, error) {
	list := make([]core.Schedule, len(times))
	for i, one := range times {
		r, err := t.newRun(one.Input, options)
		if err == nil {
			err = r.schedulable()
		}
		if err != nil {
			return nil, fmt.Errorf("schedule %s: %w", t.Name(), err)
		}
		list[i] = core.Schedule{
			Workflow: t.Name(), At: core.Time(one.Time.UnixMilli()), Priority: r.Priority, Input: r.Input, Metadata: r.Metadata,
		}
	}
	return t.putSchedules(ctx, c, list)
}

// Cron makes a schedule by an expression at run time, see [Cron]; its name is unique
// among all schedules. One of that name that was made before is changed to be so. It
// returns the schedule's ID.
func (t *Task[In, Out]) Cron(ctx context.Context, c *Client, name, expression string, in In, options ...CronOption) (ID, error) {
	ids, err := t.CronMany(ctx, c, []NewCron[In]{{name, expression, in, options}})
	if err != nil {
		return 0, err
	}
	return ids[0], nil
}

// NewCron is a schedule to be made by [Task.CronMany].
type NewCron[In any] struct {
	Name       string
	Expression string
	Input      In
	Options    []CronOption
}

// CronMany is Cron of up to 1,000 schedules, all or none. It answers in order.
func (t *Task[In, Out]) CronMany(ctx context.Context, c *Client, crons []NewCron[In]) ([]ID, error) {
	list := make([]core.Schedule, len(crons))
	for i, from := range crons {
		input, err := json.Marshal(from.Input)
		if err != nil {
			return nil, fmt.Errorf("schedule %s: %w", t.Name(), &Error{Kind: KindInvalid, Field: "input", Text: err.Error(), cause: err})
		}
		one := shard.Cron{Name: from.Name, Expression: from.Expression, Input: input}
		for _, o := range from.Options {
			if err := o.applyCron(&one); err != nil {
				return nil, fmt.Errorf("schedule %s: %w", t.Name(), err)
			}
		}
		list[i] = one.Schedule(t.Name())
	}
	return t.putSchedules(ctx, c, list)
}

func (t *Task[In, Out]) putSchedules(ctx context.Context, c *Client, list []core.Schedule) ([]ID, error) {
	stored, err := c.transport.putSchedules(ctx, list)
	if errors.Is(err, ErrNotFound) && t.definition.runsHere() {
		// Nobody registered it yet: the first worker may still be starting.
		if err = c.define(ctx, t.definition); err == nil {
			stored, err = c.transport.putSchedules(ctx, list)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("schedule %s: %w", t.Name(), err)
	}
	return publicIDs(stored), nil
}

// Schedule starts a run of the workflow at a time, as [Task.Schedule] does of a task.
func (w *Workflow[In]) Schedule(ctx context.Context, c *Client, at time.Time, in In, options ...RunOption) (ID, error) {
	return w.task.Schedule(ctx, c, at, in, options...)
}

// ScheduleMany is Schedule of up to 1,000 runs, as [Task.ScheduleMany] is of a task.
func (w *Workflow[In]) ScheduleMany(ctx context.Context, c *Client, times []At[In], options ...RunOption) ([]ID, error) {
	return w.task.ScheduleMany(ctx, c, times, options...)
}

// Cron makes a schedule of the workflow by an expression, as [Task.Cron] does of a task.
func (w *Workflow[In]) Cron(ctx context.Context, c *Client, name, expression string, in In, options ...CronOption) (ID, error) {
	return w.task.Cron(ctx, c, name, expression, in, options...)
}

// CronMany is Cron of up to 1,000 schedules, as [Task.CronMany] is of a task.
func (w *Workflow[In]) CronMany(ctx context.Context, c *Client, crons []NewCron[In]) ([]ID, error) {
	return w.task.CronMany(ctx, c, crons)
}

// ScheduleInfo is what is known of a schedule. A time that there is not is zero.
type ScheduleInfo struct {
	ID         ID              `json:"id"`
	Task       string          `json:"task"` // the name of the Task or Workflow
	Name       string          `json:"name,omitempty"`
	At         time.Time       `json:"at,omitzero"` // of a one-off
	Expression string          `json:"expression,omitempty"`
	Zone       string          `json:"zone,omitempty"`
	Jitter     time.Duration   `json:"jitter,omitempty"`
	Overlap    string          `json:"overlap,omitempty"`  // allow, skip, queue, cancel_old
	CatchUp    string          `json:"catch_up,omitempty"` // last, none, all
	CatchUpMax int             `json:"catch_up_max,omitempty"`
	Priority   int             `json:"priority"`
	Input      json.RawMessage `json:"input,omitempty"`
	Metadata   json.RawMessage `json:"metadata,omitempty"`
	Declared   bool            `json:"declared"` // in code, by Cron
	Paused     bool            `json:"paused"`

	Due     time.Time `json:"due,omitzero"` // when it starts the next run
	LastRun ID        `json:"last_run,omitzero"`
	Running ID        `json:"running,omitzero"` // the open run that keeps it from starting another one
	Queued  time.Time `json:"queued,omitzero"`  // the tick whose run waits for that
	Skipped int64     `json:"skipped"`          // ticks that started nothing
}

// ScheduleFilter says which schedules Schedules gives. Its zero value is all of them.
type ScheduleFilter struct {
	Task string // all if empty
	Name string // all if empty
}

// Schedules gives the schedules that filter asks for, oldest first, reading them page by
// page as the loop goes on. An error ends it.
func (c *Client) Schedules(ctx context.Context, filter ScheduleFilter) iter.Seq2[ScheduleInfo, error] {
	return pages(func(after id.ID) ([]ScheduleInfo, id.ID, error) {
		page, next, err := c.transport.schedules(ctx, filter, after, listPage)
		if err != nil {
			return nil, 0, fmt.Errorf("list schedules: %w", err)
		}
		return page, next, nil
	})
}

// MoveSchedule lets a schedule of [Task.Schedule] start its run at another time. One
// that does not exist, or started its run, is ErrNotFound; a cron is ErrConflict.
func (c *Client) MoveSchedule(ctx context.Context, schedule ID, at time.Time) error {
	to := core.Time(at.UnixMilli())
	return c.changeSchedules(ctx, "move", []ID{schedule}, shard.ScheduleChange{At: &to})
}

// PauseSchedules keeps up to 1,000 schedules from starting runs, all or none. Ticks that
// pass meanwhile are not made up for; a one-off waits.
func (c *Client) PauseSchedules(ctx context.Context, schedules ...ID) error {
	paused := true
	return c.changeSchedules(ctx, "pause", schedules, shard.ScheduleChange{Paused: &paused})
}

// ResumeSchedules is the end of PauseSchedules.
func (c *Client) ResumeSchedules(ctx context.Context, schedules ...ID) error {
	paused := false
	return c.changeSchedules(ctx, "resume", schedules, shard.ScheduleChange{Paused: &paused})
}

func (c *Client) changeSchedules(ctx context.Context, what string, schedules []ID, change shard.ScheduleChange) error {
	if err := c.transport.changeSchedules(ctx, idsOf(schedules), change); err != nil {
		return fmt.Errorf("%s %s: %w", what, someSchedules(len(schedules)), err)
	}
	return nil
}

// DeleteSchedules ends up to 1,000 schedules; the runs that they started go on. It tells
// in order which there were. A declared one comes back when a worker starts that
// declares it; pause it instead.
func (c *Client) DeleteSchedules(ctx context.Context, schedules ...ID) ([]bool, error) {
	deleted, err := c.transport.dropSchedules(ctx, idsOf(schedules))
	if err != nil {
		return nil, fmt.Errorf("delete %s: %w", someSchedules(len(schedules)), err)
	}
	return deleted, nil
}

// RunSchedules starts a run of each of up to 1,000 schedules now, whatever else of them
// runs, and returns the runs' IDs in order. The ticks of a cron go on as before; a
// one-off has started its run then, and is gone. One that does not exist is ErrNotFound,
// and nothing starts.
func (c *Client) RunSchedules(ctx context.Context, schedules ...ID) ([]ID, error) {
	runs, err := c.transport.triggerSchedules(ctx, idsOf(schedules))
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", someSchedules(len(schedules)), err)
	}
	return publicIDs(runs), nil
}

func someSchedules(n int) string {
	if n == 1 {
		return "schedule"
	}
	return fmt.Sprintf("%d schedules", n)
}

// PreviewCron tells the next n times, at most 100, at which an expression in a zone
// (empty for UTC) starts runs, after an instant.
func PreviewCron(expression, zone string, after time.Time, n int) ([]time.Time, error) {
	parsed, err := cron.Parse(expression, zone)
	if err != nil {
		return nil, fmt.Errorf("preview cron: %w", publicError(err))
	}
	return parsed.Preview(after, max(n, 0)), nil
}

func publicIDs(ids []id.ID) []ID {
	all := make([]ID, len(ids))
	for i, one := range ids {
		all[i] = ID(one)
	}
	return all
}
