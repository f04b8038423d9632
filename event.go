package adze

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/shard"
)

// On starts a run of the task or workflow for each event with this key, whose payload
// is the input of the run. In the key, 1–255 bytes, * stands for any characters, and
// for none: "user.*". Of several triggers, at most 100, one that fits starts one run.
//
// Given to [AddTask] it is the whole workflow's.
func On(key string, options ...TriggerOption) TaskOption {
	return func(w *workflow) {
		t := shard.Trigger{Event: key}
		for _, o := range options {
			o.applyTrigger(&t)
		}
		w.Triggers = append(w.Triggers, t)
	}
}

// TriggerOption is an option of [On]: [If].
type TriggerOption interface{ applyTrigger(*shard.Trigger) }

// If takes only events for which a condition holds: a CEL expression over the event's
// payload (event), its metadata, key and scope, like `event.plan == "pro"`. A trigger
// starts runs for these only; an event for which it cannot be evaluated starts none, and
// has a Warning. [WaitEvent] and [OnEvent] wait for one of these, and pass others over.
func If(condition string) Expression { return Expression(condition) }

// Expression is a condition over events, see [If].
type Expression string

func (e Expression) applyTrigger(t *shard.Trigger) { t.Expression = string(e) }

func (e Expression) applyWait(w *wanted) { w.filter = string(e) }

// NewEvent is an event to be pushed.
type NewEvent struct {
	Key     string // what happened, 1–255 bytes: "user.created"
	Payload any    // anything that encoding/json writes: the input of the runs
	Options []EventOption
}

// EventOption is an option of an event: [Scope], [Metadata] or [Priority]. The latter
// two are those of the runs.
type EventOption interface {
	applyEvent(*shard.NewEvent) error
}

// Scope narrows down whom an event concerns, to a customer say; at most 255 bytes, none if
// it is not given. Of an event that is pushed it says which filters are asked whether it
// starts runs, see [Client.PutFilter]; [WaitEvent] and [OnEvent] take events of this scope
// only.
func Scope(scope string) EventScope { return EventScope(scope) }

// EventScope is an option of events, see [Scope].
type EventScope string

func (s EventScope) applyWait(w *wanted) { w.scope, w.scoped = string(s), true }

func (s EventScope) applyEvent(e *shard.NewEvent) error {
	e.Scope = string(s)
	return nil
}

// applyEvent makes options of a run options of the event that starts it.
func (o RunOption) applyEvent(e *shard.NewEvent) error {
	r := newRun{NewRun: shard.NewRun{Metadata: e.Metadata, Priority: e.Priority}}
	if err := o(&r); err != nil {
		return err
	}
	if r.DelayMS != 0 || r.RunAt != 0 {
		return &Error{Kind: KindInvalid, Field: "options", Text: "an event happens now; Delay and RunAt are for runs"}
	}
	if r.NewRun.Key != "" || r.Policy != 0 || r.detached {
		return &Error{Kind: KindInvalid, Field: "options", Text: "an event has no parent; Key, CancelWithParent and Detached are for children"}
	}
	e.Metadata, e.Priority = r.Metadata, r.Priority
	return nil
}

// Pushed is an event that was stored.
type Pushed struct {
	ID   ID
	Runs []ID // that it started
	// Warning is why a run that it might have started was not: a condition that could
	// not be evaluated. Empty if all is well.
	Warning string
}

// Push stores an event and starts the runs of all tasks and workflows that have a
// trigger for it (see [On]). It returns once the event is stored, with all its runs or
// not at all, and waits and gives up as [Task.Run] does.
func (c *Client) Push(ctx context.Context, key string, payload any, options ...EventOption) (*Pushed, error) {
	event, err := newEvent(NewEvent{key, payload, options})
	if err != nil {
		return nil, fmt.Errorf("push %s: %w", key, err)
	}
	answer, err := c.pushes.do(ctx, event)
	if err == nil {
		err = answer.err
	}
	if err != nil {
		return nil, fmt.Errorf("push %s: %w", key, ofOneRun(err))
	}
	one := pushedOf(&answer.Pushed)
	return &one, nil
}

// PushMany stores up to 1,000 events in one transaction, all or none, with the runs
// that they start, at most 10,000, and answers in their order.
func (c *Client) PushMany(ctx context.Context, events ...NewEvent) ([]Pushed, error) {
	news := make([]shard.NewEvent, len(events))
	for i, e := range events {
		var err error
		if news[i], err = newEvent(e); err != nil {
			return nil, fmt.Errorf("push event %d: %w", i, err)
		}
	}
	answers, err := c.transport.push(ctx, news, false)
	if at, err := placed(err); at >= 0 {
		return nil, fmt.Errorf("push event %d: %w", at, err)
	}
	if err != nil {
		return nil, fmt.Errorf("push %d events: %w", len(events), err)
	}
	return allPushed(answers), nil
}

// ReplayEvents pushes up to 1,000 events again, as new ones with the same key, scope
// and payload, and answers in order. They start what the triggers and filters of today
// say; the runs of the old ones stay as they are. One that does not exist is
// ErrNotFound, and nothing is pushed.
func (c *Client) ReplayEvents(ctx context.Context, events ...ID) ([]Pushed, error) {
	answers, err := c.transport.replayEvents(ctx, idsOf(events))
	if err != nil {
		return nil, fmt.Errorf("replay %d events: %w", len(events), err)
	}
	return allPushed(answers), nil
}

func newEvent(from NewEvent) (shard.NewEvent, error) {
	payload, err := json.Marshal(from.Payload)
	if err != nil {
		return shard.NewEvent{}, &Error{Kind: KindInvalid, Field: "payload", Text: err.Error(), cause: err}
	}
	e := shard.NewEvent{Key: from.Key, Payload: payload}
	for _, o := range from.Options {
		if err := o.applyEvent(&e); err != nil {
			return shard.NewEvent{}, err
		}
	}
	return e, nil
}

func eventWeight(e *shard.NewEvent) int {
	return len(e.Payload) + len(e.Metadata) + len(e.Key) + len(e.Scope) + itemOverheadBytes
}

func allPushed(answers []pushed) []Pushed {
	all := make([]Pushed, len(answers))
	for i := range answers {
		all[i] = pushedOf(&answers[i].Pushed)
	}
	return all
}

func pushedOf(p *shard.Pushed) Pushed {
	one := Pushed{ID: ID(p.ID), Warning: p.Warning}
	for _, run := range p.Runs {
		one.Runs = append(one.Runs, ID(run))
	}
	return one
}

func idsOf(ids []ID) []id.ID {
	all := make([]id.ID, len(ids))
	for i, one := range ids {
		all[i] = id.ID(one)
	}
	return all
}

// Event is the event that started a run, as its tasks see it. Its payload is the run's
// input.
type Event struct {
	ID    ID
	Key   string // empty if the event was deleted since
	Scope string // empty if it has none
	given []byte
}

// EventOf is the event that started the run whose task runs with ctx; nil if none did.
// A replayed run has that of the first one.
func EventOf(ctx context.Context) *Event {
	g := givenTo(ctx)
	if g == nil || g.event == nil {
		return nil
	}
	return &Event{ID: ID(g.event.ID), Key: g.event.Key, Scope: g.event.Scope, given: g.event.Given}
}

// FilterPayload decodes the payload of the filter that let the event start the run, as
// it was then, into v. It tells whether there was one.
func (e *Event) FilterPayload(v any) (bool, error) {
	if e.given == nil {
		return false, nil
	}
	if err := json.Unmarshal(e.given, v); err != nil {
		return true, fmt.Errorf("decode payload of filter: %w", err)
	}
	return true, nil
}

// EventInfo is what is known of an event.
type EventInfo struct {
	ID       ID         `json:"id"`
	Key      string     `json:"key"`
	Scope    string     `json:"scope,omitzero"`
	Priority int        `json:"priority"`
	PushedAt time.Time  `json:"pushed_at"`
	ReplayOf ID         `json:"replay_of,omitzero"` // the event that this one repeats; 0 if none
	Warning  string     `json:"warning,omitzero"`   // why a run that it might have started was not
	Runs     []EventRun `json:"runs"`               // that it started: the first 20, or 1,000 with GetEvent
	MoreRuns bool       `json:"more_runs,omitzero"` // there are more than those

	// From GetEvent only.
	Payload  json.RawMessage `json:"payload,omitempty"`
	Metadata json.RawMessage `json:"metadata,omitempty"`
}

// EventRun is a run that an event started.
type EventRun struct {
	ID     ID     `json:"id"`
	Task   string `json:"task"` // the name of the Task or Workflow
	Status Status `json:"status"`
	Filter ID     `json:"filter,omitzero"` // that let it start; 0 if there were none
}

// EventQuery says which events Events gives. Its zero value is all of them.
type EventQuery struct {
	Key   string // all if empty
	Since time.Time
	Until time.Time // pushed before
}

// GetEvent returns all that is known of an event, with its payloads. The event of
// nobody, or of another tenant, is ErrNotFound.
func (c *Client) GetEvent(ctx context.Context, event ID) (*EventInfo, error) {
	info, err := c.transport.event(ctx, id.ID(event))
	if err != nil {
		return nil, fmt.Errorf("get event %s: %w", event, err)
	}
	return info, nil
}

// Events gives the events that query asks for, newest first, reading them page by page
// as the loop goes on. An error ends it.
func (c *Client) Events(ctx context.Context, query EventQuery) iter.Seq2[EventInfo, error] {
	return pages(func(before id.ID) ([]EventInfo, id.ID, error) {
		page, next, err := c.transport.events(ctx, query, before, listPage)
		if err != nil {
			return nil, 0, fmt.Errorf("list events: %w", err)
		}
		return page, next, nil
	})
}

// EventFilter says which events of a scope start runs of a task or workflow, see
// [Client.PutFilter].
type EventFilter struct {
	ID    ID     `json:"id"` // of the engine's
	Task  string `json:"task"`
	Scope string `json:"scope"` // 1–255 bytes
	// If is a condition like that of the option [If], where filter is the Payload
	// besides. Empty is always.
	If        string    `json:"if,omitzero"`
	Payload   any       `json:"payload,omitempty"` // of at most 64 KiB, for the runs: Event.FilterPayload; read back, a json.RawMessage
	CreatedAt time.Time `json:"created_at"`        // the engine's
}

// PutFilter adds a filter. As soon as a task or workflow has one, an event that fits one
// of its triggers no longer starts one run, but one for each filter of the event's
// [Scope] whose condition holds: none without a scope, and none with one that no filter
// has. A tenant has at most 10,000. A filter never changes: delete it and put another.
func (c *Client) PutFilter(ctx context.Context, filter EventFilter) (ID, error) {
	f := shard.Filter{Workflow: filter.Task, Scope: filter.Scope, Expression: filter.If}
	if filter.Payload != nil {
		var err error
		if f.Payload, err = json.Marshal(filter.Payload); err != nil {
			return 0, &Error{Kind: KindInvalid, Field: "payload", Text: err.Error(), cause: err}
		}
	}
	number, err := c.transport.putFilter(ctx, f)
	if err != nil {
		return 0, fmt.Errorf("put filter of %s: %w", filter.Task, err)
	}
	return ID(number), nil
}

// Filters gives the filters of a task or workflow, or all (""), the oldest first. An
// error ends it.
func (c *Client) Filters(ctx context.Context, task string) iter.Seq2[EventFilter, error] {
	return pages(func(after id.ID) ([]EventFilter, id.ID, error) {
		page, next, err := c.transport.filters(ctx, task, after, listPage)
		if err != nil {
			return nil, 0, fmt.Errorf("list filters: %w", err)
		}
		return page, next, nil
	})
}

// DeleteFilter takes a filter away. Runs that it let start keep its payload. One that
// does not exist is ErrNotFound.
func (c *Client) DeleteFilter(ctx context.Context, filter ID) error {
	deleted, err := c.transport.deleteFilters(ctx, []id.ID{id.ID(filter)})
	if err == nil && (len(deleted) != 1 || !deleted[0]) {
		err = &Error{Kind: KindNotFound, Field: "id", Text: "no filter " + filter.String()}
	}
	if err != nil {
		return fmt.Errorf("delete filter %s: %w", filter, err)
	}
	return nil
}
