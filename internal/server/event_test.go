package server_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/edge/admit"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// subscribe registers a workflow of one task that events start.
func (b *bundle) subscribe(t *testing.T, name string, triggers ...*wire.Trigger) {
	t.Helper()
	_, err := b.client.PutWorkflows(b.ctx, &wire.PutWorkflowsRequest{
		Workflows: []*wire.Workflow{{Name: name, Tasks: []*wire.Task{{}}, Triggers: triggers}},
	})
	require.NoError(t, err)
}

func (b *bundle) push(t *testing.T, events ...*wire.NewEvent) []*wire.PushedEvent {
	t.Helper()
	response, err := b.client.PushEvents(b.ctx, &wire.PushEventsRequest{Events: events})
	require.NoError(t, err)
	require.Len(t, response.Events, len(events))
	return response.Events
}

func TestAnEventStartsRunsThatSeeIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.subscribe(t, "greet", &wire.Trigger{Event: "user.*"})
	pushed := b.push(t,
		&wire.NewEvent{Key: "user.created", Payload: []byte(`{"n":1}`), Metadata: []byte(`{"from":"web"}`), Priority: 7, Scope: "eu"},
		&wire.NewEvent{Key: "order.paid", Payload: []byte(`2`)},
	)
	require.Len(t, pushed[0].RunIds, 1)
	require.Empty(t, pushed[1].RunIds)
	require.Less(t, pushed[0].EventId, pushed[1].EventId)

	a := b.work(t, b.ctx, "greet", 1).take(t, 1)[0]
	require.Equal(t, pushed[0].RunIds[0], a.RunId)
	require.Equal(t, `{"n":1}`, string(a.Input))
	require.Equal(t, `{"from":"web"}`, string(a.Metadata))
	require.Equal(t, pushed[0].EventId, a.Event.EventId)
	require.Equal(t, "user.created", a.Event.Key)
	require.Equal(t, "eu", a.Event.Scope)
	require.Empty(t, a.Event.Given)

	run := b.see(t, a.RunId, wire.Status_STATUS_RUNNING)
	require.Equal(t, pushed[0].EventId, run.EventId)
	require.EqualValues(t, 7, run.Priority)

	one, err := b.client.GetEvent(b.ctx, &wire.GetEventRequest{EventId: pushed[0].EventId, Payloads: true})
	require.NoError(t, err)
	require.Equal(t, `{"n":1}`, string(one.Event.Payload))
	require.Equal(t, `{"from":"web"}`, string(one.Event.Metadata))
	require.Len(t, one.Event.Runs, 1)
	require.Equal(t, "greet", one.Event.Runs[0].Workflow)
	require.Equal(t, wire.Status_STATUS_RUNNING, one.Event.Runs[0].Status)
}

func TestAGraphThatAnEventStartedSeesItInEachOfItsTasks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.client.PutWorkflows(b.ctx, &wire.PutWorkflowsRequest{Workflows: []*wire.Workflow{{
		Name: "g", Tasks: []*wire.Task{{Name: "a", Action: "act"}, {Name: "b", Action: "act", Parents: []string{"a"}}},
		Triggers: []*wire.Trigger{{Event: "e", Expression: "event > 1"}},
	}}})
	require.NoError(t, err)
	require.Empty(t, b.push(t, &wire.NewEvent{Key: "e", Payload: []byte(`1`)})[0].RunIds)
	pushed := b.push(t, &wire.NewEvent{Key: "e", Payload: []byte(`2`)})[0]
	w := b.work(t, b.ctx, "act", 1)
	for range 2 {
		a := w.take(t, 1)[0]
		require.Equal(t, pushed.RunIds[0], a.RunId)
		require.Equal(t, pushed.EventId, a.Event.EventId)
		require.Equal(t, "2", string(a.Input))
		w.report(t, completed(a, "3"))
	}
	b.await(t, b.ctx, pushed.RunIds...)
	one, err := b.client.GetEvent(b.ctx, &wire.GetEventRequest{EventId: pushed.EventId})
	require.NoError(t, err)
	require.Empty(t, one.Event.Payload)
	require.Equal(t, wire.Status_STATUS_SUCCEEDED, one.Event.Runs[0].Status)
}

func TestAFilterGivesItsPayloadToTheRunForEver(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.subscribe(t, "w", &wire.Trigger{Event: "e"})
	put, err := b.client.PutFilter(b.ctx, &wire.PutFilterRequest{Filter: &wire.Filter{
		Workflow: "w", Scope: "eu", Expression: "event >= filter.least", Payload: []byte(`{"least":5}`),
	}})
	require.NoError(t, err)
	listed, err := b.client.ListFilters(b.ctx, &wire.ListFiltersRequest{})
	require.NoError(t, err)
	require.Len(t, listed.Filters, 1)
	require.Equal(t, put.FilterId, listed.Filters[0].FilterId)
	require.Equal(t, `{"least":5}`, string(listed.Filters[0].Payload))

	require.Empty(t, b.push(t, &wire.NewEvent{Key: "e", Payload: []byte(`5`)})[0].RunIds)
	require.Empty(t, b.push(t, &wire.NewEvent{Key: "e", Payload: []byte(`4`), Scope: "eu"})[0].RunIds)
	pushed := b.push(t, &wire.NewEvent{Key: "e", Payload: []byte(`5`), Scope: "eu"})[0]
	require.Len(t, pushed.RunIds, 1)

	deleted, err := b.client.DeleteFilters(b.ctx, &wire.DeleteFiltersRequest{FilterIds: []uint64{put.FilterId, 9, put.FilterId}})
	require.NoError(t, err)
	require.Equal(t, []bool{true, false, true}, deleted.Deleted)
	w := b.work(t, b.ctx, "w", 1)
	a := w.take(t, 1)[0]
	require.Equal(t, `{"least":5}`, string(a.Event.Given))
	w.report(t, completed(a, "1"))
	b.await(t, b.ctx, a.RunId)

	// A replay reads all of it back.
	_, err = b.client.Replay(b.ctx, &wire.ReplayRequest{RunIds: pushed.RunIds})
	require.NoError(t, err)
	again := w.take(t, 1)[0]
	require.Equal(t, `{"least":5}`, string(again.Event.Given))
	require.Equal(t, "e", again.Event.Key)
	require.Equal(t, pushed.EventId, again.Event.EventId)

	// And what of it is left when the event is gone.
	w.report(t, completed(again, "1"))
	b.await(t, b.ctx, again.RunId)
	_, err = b.pool.Exec(b.ctx, "delete from adze.event where id = $1", pushed.EventId)
	require.NoError(t, err)
	_, err = b.client.Replay(b.ctx, &wire.ReplayRequest{RunIds: []uint64{again.RunId}})
	require.NoError(t, err)
	last := w.take(t, 1)[0]
	require.Equal(t, `{"least":5}`, string(last.Event.Given))
	require.Equal(t, pushed.EventId, last.Event.EventId)
	require.Empty(t, last.Event.Key)

	require.Len(t, b.push(t, &wire.NewEvent{Key: "e", Payload: []byte(`1`)})[0].RunIds, 1, "no filters at all")
}

func TestTriggersAndFiltersAreThereAfterARestart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.subscribe(t, "w", &wire.Trigger{Event: "e"})
	_, err := b.client.PutFilter(b.ctx, &wire.PutFilterRequest{Filter: &wire.Filter{Workflow: "w", Scope: "eu"}})
	require.NoError(t, err)
	last := b.push(t, &wire.NewEvent{Key: "other"})[0].EventId
	require.NoError(t, b.stop())

	b = setupOn(t, b.url)
	pushed := b.push(t, &wire.NewEvent{Key: "e", Scope: "eu"}, &wire.NewEvent{Key: "e"})
	require.Len(t, pushed[0].RunIds, 1)
	require.Empty(t, pushed[1].RunIds)
	require.Greater(t, pushed[0].EventId, last)
}

func TestEventsAreListedNewestFirstWithTheRunsTheyStarted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.subscribe(t, "w", &wire.Trigger{Event: "started"}, &wire.Trigger{Event: "bad", Expression: "event.n > 1"})
	var want []uint64
	for i := range 25 {
		key := "started"
		if i%2 == 0 {
			key = "unheard"
		}
		want = append([]uint64{b.push(t, &wire.NewEvent{Key: key})[0].EventId}, want...)
	}
	page := func(request *wire.ListEventsRequest) (ids []uint64) {
		for {
			response, err := b.client.ListEvents(b.ctx, request)
			require.NoError(t, err)
			for _, e := range response.Events {
				ids = append(ids, e.EventId)
				require.Len(t, e.Runs, map[string]int{"started": 1}[e.Key])
				for _, run := range e.Runs {
					require.Equal(t, wire.Status_STATUS_QUEUED, run.Status)
				}
			}
			if request.Before = response.NextBefore; request.Before == 0 {
				return ids
			}
		}
	}
	require.Equal(t, want, page(&wire.ListEventsRequest{Limit: 10}))
	require.Len(t, page(&wire.ListEventsRequest{Limit: 5, Key: "started"}), 12)
	require.Empty(t, page(&wire.ListEventsRequest{UntilMs: 1}))

	warned := b.push(t, &wire.NewEvent{Key: "bad", Payload: []byte(`{}`)})[0]
	require.Empty(t, warned.RunIds)
	require.Contains(t, warned.Warning, "no such key: n")
	list, err := b.client.ListEvents(b.ctx, &wire.ListEventsRequest{Limit: 1})
	require.NoError(t, err)
	require.Equal(t, warned.Warning, list.Events[0].Warning)

	other := b.as(t, b.token(t, "other", time.Hour))
	list, err = b.client.ListEvents(other, &wire.ListEventsRequest{})
	require.NoError(t, err)
	require.Empty(t, list.Events)
	_, err = b.client.GetEvent(other, &wire.GetEventRequest{EventId: want[0]})
	require.Equal(t, "not_found", fieldOf(t, err).Kind)
}

func TestAReplayOfEventsPushesThemAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.push(t, &wire.NewEvent{Key: "e", Payload: []byte(`1`), Scope: "s"}, &wire.NewEvent{Key: "f"})
	require.Empty(t, first[0].RunIds)
	b.subscribe(t, "w", &wire.Trigger{Event: "e"})
	again, err := b.client.ReplayEvents(b.ctx, &wire.ReplayEventsRequest{EventIds: []uint64{first[1].EventId, first[0].EventId}})
	require.NoError(t, err)
	require.Empty(t, again.Events[0].RunIds)
	require.Len(t, again.Events[1].RunIds, 1, "by the triggers of today")
	one, err := b.client.GetEvent(b.ctx, &wire.GetEventRequest{EventId: again.Events[1].EventId, Payloads: true})
	require.NoError(t, err)
	require.Equal(t, first[0].EventId, one.Event.ReplayOf)
	require.Equal(t, "1", string(one.Event.Payload))
	require.Equal(t, "s", one.Event.Scope)

	_, err = b.client.ReplayEvents(b.ctx, &wire.ReplayEventsRequest{EventIds: []uint64{first[0].EventId, 9}})
	require.Equal(t, "event_ids[1]", fieldOf(t, err).Field)
	require.Equal(t, "not_found", fieldOf(t, err).Kind)
	other := b.as(t, b.token(t, "other", time.Hour))
	_, err = b.client.ReplayEvents(other, &wire.ReplayEventsRequest{EventIds: []uint64{first[0].EventId}})
	require.Equal(t, "not_found", fieldOf(t, err).Kind)
}

func TestBadEventNamesItsFieldAndStoresNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	good := &wire.NewEvent{
		Key: strings.Repeat("k", admit.EventKeyBytesMax), Scope: strings.Repeat("s", admit.ScopeBytesMax),
		Payload: []byte(strings.Repeat("1", 1_000)),
	}
	for field, bad := range map[string]*wire.NewEvent{
		"key":      {},
		"key ":     {Key: strings.Repeat("k", admit.EventKeyBytesMax+1)},
		"key  ":    {Key: "a\nb"},
		"scope":    {Key: "k", Scope: strings.Repeat("s", admit.ScopeBytesMax+1)},
		"payload":  {Key: "k", Payload: []byte(strings.Repeat("1", 1_001))},
		"payload ": {Key: "k", Payload: []byte("{")},
		"metadata": {Key: "k", Metadata: []byte("1")},
		"priority": {Key: "k", Priority: 1_001},
	} {
		field = strings.TrimSpace(field)
		_, err := b.client.PushEvents(b.ctx, &wire.PushEventsRequest{Events: []*wire.NewEvent{good, bad}})
		require.Equal(t, "events[1]."+field, fieldOf(t, err).Field)
		require.Equal(t, "invalid", fieldOf(t, err).Kind)

		each, err := b.client.PushEvents(b.ctx, &wire.PushEventsRequest{Each: true, Events: []*wire.NewEvent{bad, good}})
		require.NoError(t, err)
		require.Equal(t, field, each.Events[0].Error.Field)
		require.Zero(t, each.Events[0].EventId)
		require.NotZero(t, each.Events[1].EventId)
	}
	var stored int
	require.NoError(t, b.pool.QueryRow(b.ctx, "select count(*) from adze.event").Scan(&stored))
	require.Equal(t, 8, stored)
}

func TestEventsOfACallAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	events := make([]*wire.NewEvent, admit.EventsMax+1)
	for i := range events {
		events[i] = &wire.NewEvent{Key: "e"}
	}
	b.push(t, events[:admit.EventsMax]...)
	_, err := b.client.PushEvents(b.ctx, &wire.PushEventsRequest{Events: events})
	require.Equal(t, "events", fieldOf(t, err).Field)
	_, err = b.client.PushEvents(b.ctx, &wire.PushEventsRequest{})
	require.Equal(t, "events", fieldOf(t, err).Field)

	for i := range 10 {
		b.subscribe(t, fmt.Sprintf("w%d", i), &wire.Trigger{Event: "*"})
	}
	for _, pushed := range b.push(t, events[:admit.EventsMax]...) { // 10,000 runs
		require.Len(t, pushed.RunIds, 10)
	}
	b.subscribe(t, "one-more", &wire.Trigger{Event: "e"})
	_, err = b.client.PushEvents(b.ctx, &wire.PushEventsRequest{Events: events[:admit.EventsMax]})
	require.Equal(t, "exhausted", fieldOf(t, err).Kind)
	require.Equal(t, "events[909]", fieldOf(t, err).Field)
	each, err := b.client.PushEvents(b.ctx, &wire.PushEventsRequest{Events: events[:admit.EventsMax], Each: true})
	require.NoError(t, err)
	for _, pushed := range each.Events {
		require.Len(t, pushed.RunIds, 11)
	}
}

func TestBadTriggerOrFilterNamesItsPlace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.define(t, b.ctx, "known")
	put := func(triggers ...*wire.Trigger) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := b.client.PutWorkflows(ctx, &wire.PutWorkflowsRequest{
				Workflows: []*wire.Workflow{{Name: "w", Tasks: []*wire.Task{{}}, Triggers: triggers}},
			})
			return err
		}
	}
	filter := func(f *wire.Filter) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := b.client.PutFilter(ctx, &wire.PutFilterRequest{Filter: f})
			return err
		}
	}
	many := make([]*wire.Trigger, admit.TriggersMax+1)
	for i := range many {
		many[i] = &wire.Trigger{Event: fmt.Sprint(i)}
	}
	require.NoError(t, put(many[1:]...)(b.ctx))
	for name, c := range map[string]struct {
		call        func(context.Context) error
		field, text string
	}{
		"no key":          {put(&wire.Trigger{}), "workflows[0].triggers[0].event", "is empty"},
		"long key":        {put(&wire.Trigger{Event: strings.Repeat("e", 256)}), "workflows[0].triggers[0].event", "255"},
		"bad CEL":         {put(&wire.Trigger{Event: "e"}, &wire.Trigger{Event: "e", Expression: "output > 1"}), "workflows[0].triggers[1].expression", "at column 1"},
		"no bool":         {put(&wire.Trigger{Event: "e", Expression: "key"}), "workflows[0].triggers[0].expression", "not true or false"},
		"too many":        {put(many...), "workflows[0].triggers", "100"},
		"no filter":       {filter(nil), "filter.workflow", "is empty"},
		"unknown":         {filter(&wire.Filter{Workflow: "nobody", Scope: "s"}), "filter.workflow", "nobody"},
		"no scope":        {filter(&wire.Filter{Workflow: "known"}), "filter.scope", "is empty"},
		"long scope":      {filter(&wire.Filter{Workflow: "known", Scope: strings.Repeat("s", 256)}), "filter.scope", "255"},
		"bad expression":  {filter(&wire.Filter{Workflow: "known", Scope: "s", Expression: "event >"}), "filter.expression", "at column"},
		"payload no JSON": {filter(&wire.Filter{Workflow: "known", Scope: "s", Payload: []byte("{")}), "filter.payload", "JSON"},
		"huge number":     {filter(&wire.Filter{Workflow: "known", Scope: "s", Payload: []byte("1e400")}), "filter.payload", "range"},
	} {
		err := c.call(b.ctx)
		require.Error(t, err, name)
		require.Equal(t, c.field, fieldOf(t, err).Field, name)
		require.Contains(t, fieldOf(t, err).Text, c.text, name)
	}
}
