package adze

import (
	"context"
	"fmt"
	"time"

	"github.com/adzehq/adze/internal/base/id"
)

// Explanation is why a run is not done yet.
type Explanation struct {
	Run      ID       `json:"run"`
	Workflow string   `json:"workflow,omitempty"`
	Ended    bool     `json:"ended"`             // it is
	Reasons  []Reason `json:"reasons,omitempty"` // of its tasks that have not ended
}

// Cause is what a task waits for.
type Cause string

// The causes.
const (
	CauseRunning   Cause = "running"   // nothing: a worker has it
	CauseStopping  Cause = "stopping"  // its worker, which was told to stop it
	CauseTime      Cause = "time"      // a time: run-at, or the pause before a retry
	CauseWaits     Cause = "waits"     // what it waits for itself: times, events, ends of runs
	CauseParents   Cause = "parents"   // other tasks of its run
	CauseLimit     Cause = "limit"     // a place in a concurrency limit
	CauseReturning Cause = "returning" // workers of before a restart, which may have its place
	CausePaused    Cause = "paused"    // its queue or workflow is paused, or all workers that may have it are
	CauseNoWorker  Cause = "no_worker" // a worker that runs its action
	CauseNoMatch   Cause = "no_match"  // a worker with the labels or slots that it needs
	CauseBusy      Cause = "busy"      // a free slot
	CauseRate      Cause = "rate"      // units of a rate limit
	CauseBatch     Cause = "batch"     // others of its batch
)

// Reason is why a task is not done yet. What its Cause has nothing to do with is zero.
type Reason struct {
	Task      string        `json:"task,omitempty"`       // its name in the workflow; empty of a workflow of one task
	TaskID    ID            `json:"task_id,omitempty"`    // 0: it has not begun
	Cause     Cause         `json:"cause"`                //
	Text      string        `json:"text"`                 // for people
	Attempt   int           `json:"attempt,omitempty"`    // current, or next
	Since     time.Time     `json:"since,omitzero"`       // it runs since then
	Until     time.Time     `json:"until,omitzero"`       // it goes on then
	Expires   time.Time     `json:"expires,omitzero"`     // it is given up then
	Parents   []string      `json:"parents,omitempty"`    //
	Queue     string        `json:"queue,omitempty"`      //
	Name      string        `json:"name,omitempty"`       // of the limit
	Key       string        `json:"key,omitempty"`        // of it in the limit, or its share of the queue
	Max       int           `json:"max,omitempty"`        // places of that key
	Held      int           `json:"held,omitempty"`       // of them, those that are taken
	Holders   []ID          `json:"holders,omitempty"`    // the runs and tasks that have them, 20 at most
	Ahead     int64         `json:"ahead"`                // how many of its line go before it
	OtherKeys int           `json:"other_keys,omitempty"` // that share the queue, and have something waiting
	Worker    ID            `json:"worker,omitempty"`     // that runs it, or that it is for
	Workers   int           `json:"workers,omitempty"`    // connected, that run its action
	Fitting   int           `json:"fitting,omitempty"`    // of them, those that it may be given to
	Slots     int           `json:"slots,omitempty"`      // these have in all, of the types that it takes up
	Tenants   int           `json:"tenants,omitempty"`    // where workers are shared: other tenants that wait for them
	Theirs    int           `json:"theirs,omitempty"`     // and how many tasks of others those workers have
	Estimate  time.Duration `json:"estimate,omitempty"`   // until it begins, by the last minute, in nanoseconds; 0 = nobody can say
}

// Why tells why a run is not done yet: of each of its tasks that has not ended, what it
// waits for. The part of the engine that decides is the one that answers. A run that is
// not this tenant's fails with [ErrNotFound].
func (c *Client) Why(ctx context.Context, run ID) (*Explanation, error) {
	e, err := c.transport.why(ctx, id.ID(run))
	if err != nil {
		return nil, fmt.Errorf("ask why %s waits: %w", run, err)
	}
	return e, nil
}

// Overview is where queues, concurrency limits and rate limits stand.
type Overview struct {
	Queues []QueueInfo `json:"queues"` // by name
	Limits []LimitInfo `json:"limits"` // by name
	Rates  []RateInfo  `json:"rates"`  // by name
}

// QueueInfo is where a queue stands.
type QueueInfo struct {
	Name         string        `json:"name"`
	Ready        int64         `json:"ready"`            // tasks that wait for a worker
	Keys         int           `json:"keys"`             // that have some
	Oldest       ID            `json:"oldest,omitempty"` // of those that are first of their keys; 0 = none is in memory
	Since        time.Time     `json:"since,omitzero"`   // when that was submitted
	InPerMinute  float64       `json:"in_per_minute"`    // by the last minute
	OutPerMinute float64       `json:"out_per_minute"`
	Drain        time.Duration `json:"drain,omitempty"` // until it is empty if it goes on so, in nanoseconds; 0 = it does not, or is empty
	Workers      int           `json:"workers"`         // connected, that run one of its actions
	Slots        int           `json:"slots"`
	SlotsUsed    int           `json:"slots_used"`
	Paused       bool          `json:"paused,omitempty"`
	Top          []KeyInfo     `json:"top,omitempty"` // the deepest keys, 20 at most
}

// LimitInfo is where a concurrency limit stands.
type LimitInfo struct {
	Name     string    `json:"name"`
	Max      int       `json:"max"`
	ByRun    bool      `json:"by_run,omitempty"` // as of [LimitSettingInfo]
	Strategy string    `json:"strategy"`
	Keys     int       `json:"keys"` // that have places taken, or somebody waiting
	Held     int64     `json:"held"`
	Waiting  int64     `json:"waiting"`
	Top      []KeyInfo `json:"top,omitempty"` // the deepest keys, 20 at most
}

// KeyInfo is a key of a queue or of a limit.
type KeyInfo struct {
	Key     string  `json:"key"`
	Waiting int64   `json:"waiting"`
	Held    int     `json:"held,omitempty"`   // of a limit: places that are taken
	Max     int     `json:"max,omitempty"`    // of a limit
	Weight  float64 `json:"weight,omitempty"` // of a queue
}

// Overview tells where the tenant's queues, concurrency limits and rate limits stand right now.
func (c *Client) Overview(ctx context.Context) (*Overview, error) {
	o, err := c.transport.overview(ctx)
	if err != nil {
		return nil, fmt.Errorf("read overview: %w", err)
	}
	return o, nil
}
