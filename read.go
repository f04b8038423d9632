package adze

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"github.com/adzehq/adze/internal/base/id"
)

// listPage is how many runs List asks for at once.
const listPage = 200

// Status is where a run stands.
type Status string

// The statuses. The last four are ends, and never change.
const (
	Waiting   Status = "waiting" // for others, a time or an event; it takes up no slot
	Delayed   Status = "delayed" // waits for a time: its RunAt or Delay, or the pause before a retry
	Queued    Status = "queued"  // waits for a worker
	Running   Status = "running"
	Succeeded Status = "succeeded"
	Failed    Status = "failed"
	Cancelled Status = "cancelled"
	Skipped   Status = "skipped" // of a task of a Workflow
)

// Ended reports whether s is an end.
func (s Status) Ended() bool {
	return s == Succeeded || s == Failed || s == Cancelled || s == Skipped
}

// RunInfo is what is known of a run. A time that has not come is zero.
type RunInfo struct {
	ID       ID     `json:"id"`
	Task     string `json:"task"` // the name of the Task or Workflow
	Status   Status `json:"status"`
	Priority int    `json:"priority"`
	Attempt  int    `json:"attempt"` // the current or last attempt, 1-based; 0 if there was none

	SubmittedAt time.Time `json:"submitted_at"`
	RunAt       time.Time `json:"run_at,omitzero"`      // not before
	AssignedAt  time.Time `json:"assigned_at,omitzero"` // of the attempt: a worker was chosen
	StartedAt   time.Time `json:"started_at,omitzero"`  // of the attempt: its function was called; zero if it took almost no time
	FinishedAt  time.Time `json:"finished_at,omitzero"`

	ReplayOf ID     `json:"replay_of,omitzero"` // the run that this one repeats; 0 if none
	ParentID ID     `json:"parent_id,omitzero"` // the task that submitted it; 0 if none
	Event    ID     `json:"event,omitzero"`     // the event that started it; 0 if none
	Schedule ID     `json:"schedule,omitzero"`  // the schedule that started it, for the tick RunAt; 0 if none
	Error    string `json:"error,omitzero"`     // of a run that did not succeed

	// From Get only.
	Input    json.RawMessage `json:"input,omitempty"`
	Metadata json.RawMessage `json:"metadata,omitempty"`
	Output   json.RawMessage `json:"output,omitempty"`
	Once     string          `json:"once,omitempty"`     // the idempotency key that it holds; empty if none, or none any more
	OnceHeld time.Time       `json:"once_held,omitzero"` // until then; zero: until the run ends
	Attempts []AttemptInfo   `json:"attempts,omitempty"` // of a run of a Task
	Moments  []MomentInfo    `json:"moments,omitempty"`  // likewise: the newest 1,000, in the order in which they happened
	Tasks    []TaskInfo      `json:"tasks,omitempty"`    // of a run of a Workflow, in its order
	Log      []EntryInfo     `json:"log,omitempty"`      // of a run of a durable Task
	Children []ChildInfo     `json:"children,omitempty"` // that the Task submitted: the first 1,000, by key
}

// TaskInfo is what is known of a task of a run. A time that has not come is zero.
type TaskInfo struct {
	ID      ID       `json:"id"`
	Name    string   `json:"name"`
	Parents []string `json:"parents,omitempty"`
	Role    string   `json:"role,omitempty"` // of a handler: on_failure or on_success
	Status  Status   `json:"status"`
	Attempt int      `json:"attempt"` // the current or last attempt, 1-based; 0 if there was none

	AssignedAt time.Time `json:"assigned_at,omitzero"`
	StartedAt  time.Time `json:"started_at,omitzero"`
	FinishedAt time.Time `json:"finished_at,omitzero"`

	Error  string          `json:"error,omitzero"`
	Output json.RawMessage `json:"output,omitempty"`

	WaitsFor []WaitInfo `json:"waits_for,omitempty"` // of a task that is Waiting and whose parents have ended
}

// WaitInfo is one thing that a task waits for.
type WaitInfo struct {
	Group int       `json:"group"`          // of those in one group, one suffices
	Until time.Time `json:"until,omitzero"` // a time; or
	Event string    `json:"event,omitzero"` // the key of an event
	Scope string    `json:"scope,omitzero"` // of the event; empty: any, or none
	If    string    `json:"if,omitzero"`    // a condition over the event
}

// AttemptInfo is an attempt that ended without ending its run.
type AttemptInfo struct {
	Number     int       `json:"number"`  // 1-based
	Outcome    string    `json:"outcome"` // failed, timed_out, lost
	AssignedAt time.Time `json:"assigned_at,omitzero"`
	StartedAt  time.Time `json:"started_at,omitzero"`
	FinishedAt time.Time `json:"finished_at,omitzero"`
	RetryAt    time.Time `json:"retry_at,omitzero"` // when the next attempt was ready
	Error      string    `json:"error"`
}

// MomentInfo is something that happened to an attempt on its way.
type MomentInfo struct {
	Kind    MomentKind `json:"kind"`
	At      time.Time  `json:"at"`
	Attempt int        `json:"attempt"` // 1-based

	Deadline time.Time     `json:"deadline,omitzero"` // with MomentPostponed: where it is now
	By       time.Duration `json:"by,omitzero"`       // with MomentPostponed: how much later than before

	AssignedAt time.Time `json:"assigned_at,omitzero"` // with MomentSuspended: when a worker was given it
	StartedAt  time.Time `json:"started_at,omitzero"`  // with MomentSuspended: when its function was called
}

// MomentKind is what happened to an attempt.
type MomentKind string

// What can happen to an attempt on its way.
const (
	MomentPostponed MomentKind = "postponed" // its deadline was moved: RefreshTimeout
	MomentReleased  MomentKind = "released"  // it gave its slots back and went on: ReleaseSlots
	MomentSuspended MomentKind = "suspended" // it waits, and gave its worker back
)

// Filter says which runs List gives. Its zero value is all of them.
type Filter struct {
	Task     string   // all if empty
	Statuses []Status // all if empty
	Since    time.Time
	Until    time.Time // submitted before
}

// Get returns all that is known of a run, with its payloads and attempts. The run
// of nobody, or of another tenant, is ErrNotFound.
func (c *Client) Get(ctx context.Context, run ID) (*RunInfo, error) {
	info, err := c.transport.get(ctx, id.ID(run), "")
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", run, err)
	}
	return info, nil
}

// List gives the runs that filter asks for, newest first, reading them page by
// page as the loop goes on. An error ends it.
func (c *Client) List(ctx context.Context, filter Filter) iter.Seq2[RunInfo, error] {
	return pages(func(before id.ID) ([]RunInfo, id.ID, error) {
		page, next, err := c.transport.list(ctx, filter, before, listPage)
		if err != nil {
			return nil, 0, fmt.Errorf("list runs: %w", err)
		}
		return page, next, nil
	})
}

// pages gives the items of one page after the other; read gives a page and where the
// next one begins, which is zero if there is none.
func pages[Item any, Place comparable](read func(from Place) ([]Item, Place, error)) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		var start Place
		for from, more := start, true; more; more = from != start {
			page, next, err := read(from)
			if err != nil {
				var none Item
				yield(none, err)
				return
			}
			for _, item := range page {
				if !yield(item, nil) {
					return
				}
			}
			from = next
		}
	}
}

// timeOf is ms since the Unix epoch as a time; 0 is the zero time.
func timeOf(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// milli is the inverse of timeOf.
func milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
