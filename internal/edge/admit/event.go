package admit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/adzehq/adze/internal/base/expr"
	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
)

// Bounds of events and of what waits for them.
const (
	EventsMax        = 1_000 // of one call
	EventKeyBytesMax = 255   // of an event, and of a trigger
	ScopeBytesMax    = 255   // of an event, and of a filter
	TriggersMax      = 100   // of a workflow
	FilterIDsMax     = 1_000 // of one call
	FilterPayloadMax = MetadataBytesMax

	FiltersDeclaredMax = 100 // of a workflow
)

// Event checks an event and fills in what was left out. The fields it names are those
// of the wire's NewEvent.
func (l Limits) Event(e *shard.NewEvent) (err error) {
	if err = EventKey("key", e.Key); err != nil {
		return err
	}
	if err = scope("scope", e.Scope); err != nil {
		return err
	}
	if e.Payload, err = payload("payload", e.Payload, l.inputBytesMax()); err != nil {
		return err
	}
	if e.Metadata, err = metadata("metadata", e.Metadata); err != nil {
		return err
	}
	return between("priority", int64(e.Priority), core.PriorityMin, core.PriorityMax)
}

// EventKey checks the key of an event.
func EventKey(field, key string) error {
	if key == "" {
		return invalid(field, "is empty; name what happened, like user.created")
	}
	return label(field, key, EventKeyBytesMax)
}

func scope(field, s string) error { return label(field, s, ScopeBytesMax) }

// label checks a short text that others are compared with: none that looks the same
// and is not, and none that breaks a line.
func label(field, s string, bytesMax int) error {
	if err := text(field, s, bytesMax); err != nil {
		return err
	}
	if at := strings.IndexFunc(s, unicode.IsControl); at >= 0 {
		r, _ := utf8.DecodeRuneInString(s[at:])
		return invalid(field, "has the control character %U at byte %d; remove it", r, at+1)
	}
	return nil
}

// Pusher stores events (shard.Client).
type Pusher interface {
	Push(ctx context.Context, tenant id.ID, events []shard.NewEvent, wait shard.Wait) ([]shard.Pushed, error)
}

// Pushed is what came of one event of a Push, or why it was refused.
type Pushed struct {
	shard.Pushed
	Err error
}

// Push checks events and has the good ones stored. Without each they are one transaction,
// and one that is refused refuses all; with each they stand for themselves, and are as
// few transactions as they fit in. The answers are in the order of events. An error says
// that nothing was stored. It changes events.
func (l Limits) Push(
	ctx context.Context, to Pusher, tenant id.ID, events []shard.NewEvent, each bool, wait shard.Wait,
) ([]Pushed, error) {
	if err := Count("events", len(events), EventsMax); err != nil {
		return nil, err
	}
	answers := make([]Pushed, len(events))
	good := make([]shard.NewEvent, 0, len(events))
	places := make([]*Pushed, 0, len(events))
	for i := range events {
		answers[i].Err = l.Event(&events[i])
		switch {
		case answers[i].Err == nil:
			good, places = append(good, events[i]), append(places, &answers[i])
		case !each:
			return nil, fault.At(eventPlace(i), answers[i].Err)
		}
	}
	for first := true; len(good) > 0; first = false {
		n, err := pushSome(ctx, to, tenant, good, places, each, wait)
		if err != nil && first {
			return nil, err
		}
		if err != nil { // those before are stored, and stay
			n = len(good)
			for _, place := range places {
				place.Err = err
			}
		}
		good, places = good[n:], places[n:]
	}
	return answers, nil
}

// pushSome stores the events, or with each the first of them if all start too many runs
// for one transaction, and tells how many are answered.
func pushSome(
	ctx context.Context, to Pusher, tenant id.ID, events []shard.NewEvent, places []*Pushed, each bool, wait shard.Wait,
) (int, error) {
	stored, err := to.Push(ctx, tenant, events, wait)
	at, tooMany := overfull(err)
	switch {
	case each && tooMany && at == 0: // it is too many by itself
		places[0].Err = err
		return 1, nil
	case each && tooMany:
		events = events[:at]
		stored, err = to.Push(ctx, tenant, events, wait)
	}
	if err != nil {
		return 0, err
	}
	for i := range stored {
		places[i].Pushed = stored[i]
	}
	return len(stored), nil
}

// overfull tells at which event err says that there are too many runs.
func overfull(err error) (at int, is bool) {
	var e *fault.Error
	if !errors.As(err, &e) || e.Kind != fault.Exhausted {
		return 0, false
	}
	_, scanErr := fmt.Sscanf(e.Field, "events[%d]", &at)
	return at, scanErr == nil
}

func eventPlace(i int) string { return fmt.Sprintf("events[%d]", i) }

// triggers checks those of a workflow.
func triggers(list []shard.Trigger) error {
	if len(list) > TriggersMax {
		return invalid("triggers", "has %d entries, at most %d are allowed; one with a * stands for many", len(list), TriggersMax)
	}
	for i, t := range list {
		place := fmt.Sprintf("triggers[%d]", i)
		if t.Event == "" {
			return invalid(place+".event", "is empty; name a key like user.created, or user.* for all that begin so")
		}
		if err := label(place+".event", t.Event, EventKeyBytesMax); err != nil {
			return err
		}
		if err := eventCondition(place+".expression", t.Expression); err != nil {
			return err
		}
	}
	return nil
}

// eventCondition checks a condition over an event; empty is always true.
func eventCondition(field, expression string) error {
	if expression == "" {
		return nil
	}
	if err := text(field, expression, expr.BytesMax); err != nil {
		return err
	}
	if _, err := expr.Event.Compile(expression); err != nil {
		return invalid(field, "%s", err)
	}
	return nil
}

// declaredFilters checks those of a workflow, and gives them as they are stored.
func declaredFilters(workflow string, list []shard.DeclaredFilter) ([]shard.DeclaredFilter, error) {
	if len(list) > FiltersDeclaredMax {
		return nil, invalid("filters", "has %d entries, at most %d are allowed; make filters at run time", len(list), FiltersDeclaredMax)
	}
	list = slices.Clone(list)
	for i := range list {
		f := shard.Filter{Workflow: workflow, Scope: list[i].Scope, Expression: list[i].Expression, Payload: list[i].Payload}
		if err := Filter(&f); err != nil {
			return nil, fault.At(fmt.Sprintf("filters[%d]", i), err)
		}
		list[i].Payload = compact(f.Payload)
	}
	return list, nil
}

// Filter checks a filter. The fields it names are those of the wire's Filter.
func Filter(f *shard.Filter) error {
	if err := name("workflow", f.Workflow); err != nil {
		return err
	}
	if f.Scope == "" {
		return invalid("scope", "is empty; a filter is asked for events that are pushed with its scope")
	}
	if err := scope("scope", f.Scope); err != nil {
		return err
	}
	if err := eventCondition("expression", f.Expression); err != nil {
		return err
	}
	if len(f.Payload) == 0 {
		f.Payload = nil
		return nil
	}
	if _, err := payload("payload", f.Payload, FilterPayloadMax); err != nil {
		return err
	}
	if _, err := expr.Parse(f.Payload); err != nil {
		return invalid("payload", "%s", err)
	}
	return nil
}
