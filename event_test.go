package adze_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
)

type signup struct {
	Name string `json:"name"`
	Plan string `json:"plan"`
}

// seen is what a task saw of the event that started it.
type seen struct {
	Event adze.ID `json:",omitzero"`
	Key   string
	Scope string
	Team  string // of the filter's payload
	Name  string
}

func see(ctx context.Context, in signup) (seen, error) {
	e := adze.EventOf(ctx)
	if e == nil {
		return seen{Name: in.Name}, nil
	}
	var given struct{ Team string }
	_, err := e.FilterPayload(&given)
	return seen{e.ID, e.Key, e.Scope, given.Team, in.Name}, err
}

func TestAnEventStartsTheTasksAndWorkflowsThatAskForIt(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		greet := adze.NewTask("greet", see, adze.On("user.created", adze.If(`event.plan == "pro"`)), adze.On("user.upgraded"))
		audit := adze.NewWorkflow[signup]("audit", adze.On("user.*"))
		note := adze.AddTask(audit, "note", see)
		adze.AddTask(audit, "check", see, adze.After(note))
		work(t, c, greet, audit)
		_, err := audit.Call(ctx, c, signup{}) // from now on it is known, and greet too
		require.NoError(t, err)

		free, err := c.Push(ctx, "user.created", signup{"Bob", "free"})
		require.NoError(t, err)
		require.Len(t, free.Runs, 1, "the audit")
		pro, err := c.Push(ctx, "user.created", signup{"Ada", "pro"}, adze.Scope("eu"), adze.Priority(3), adze.Metadata(map[string]int{"n": 1}))
		require.NoError(t, err)
		require.Len(t, pro.Runs, 2)
		want := seen{pro.ID, "user.created", "eu", "", "Ada"}

		runs := map[string]adze.ID{}
		event, err := c.GetEvent(ctx, pro.ID)
		require.NoError(t, err)
		for _, run := range event.Runs {
			runs[run.Task] = run.ID
		}
		info, err := c.Get(ctx, runs["greet"])
		require.NoError(t, err)
		require.Equal(t, pro.ID, info.Event)
		require.Equal(t, 3, info.Priority)
		require.JSONEq(t, `{"n":1}`, string(info.Metadata))
		out, err := greet.Lookup(c, runs["greet"]).Result(ctx)
		require.NoError(t, err)
		require.Equal(t, want, out)
		results, err := audit.Lookup(c, runs["audit"]).Result(ctx)
		require.NoError(t, err)
		for _, task := range []string{"note", "check"} {
			var out seen
			require.NoError(t, json.Unmarshal(results[task], &out))
			require.Equal(t, want, out)
		}

		plain, err := greet.Call(ctx, c, signup{Name: "Eve"})
		require.NoError(t, err)
		require.Equal(t, seen{Name: "Eve"}, plain, "no event started it")
	})
}

func TestPushesOfManyCallersAllStartTheirRunsOnce(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		counted := adze.NewTask("count", see, adze.On("count"))
		work(t, c, counted, adze.Slots(50))
		_, err := counted.Call(ctx, c, signup{})
		require.NoError(t, err)
		var callers sync.WaitGroup
		var mu sync.Mutex
		runs := map[adze.ID]bool{}
		for caller := range 50 {
			callers.Go(func() {
				for i := range 10 {
					p, err := c.Push(ctx, "count", signup{Name: fmt.Sprint(caller, i)})
					if err != nil || len(p.Runs) != 1 {
						t.Errorf("push %d of caller %d: %v, %v", i, caller, p, err)
						return
					}
					mu.Lock()
					runs[p.Runs[0]] = true
					mu.Unlock()
				}
			})
		}
		callers.Wait()
		require.Len(t, runs, 500)
	})
}

func TestEventsArePushedTogetherListedAndReplayed(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		many, err := c.PushMany(ctx,
			adze.NewEvent{Key: "a", Payload: 1, Options: []adze.EventOption{adze.Scope("s")}},
			adze.NewEvent{Key: "b"}, adze.NewEvent{Key: "a"})
		require.NoError(t, err)
		require.Len(t, many, 3)
		var ids []adze.ID
		for e, err := range c.Events(ctx, adze.EventQuery{Key: "a"}) {
			require.NoError(t, err)
			require.Equal(t, "a", e.Key)
			ids = append(ids, e.ID)
		}
		require.Equal(t, []adze.ID{many[2].ID, many[0].ID}, ids)

		again, err := c.ReplayEvents(ctx, many[0].ID)
		require.NoError(t, err)
		info, err := c.GetEvent(ctx, again[0].ID)
		require.NoError(t, err)
		require.Equal(t, many[0].ID, info.ReplayOf)
		require.Equal(t, "s", info.Scope)
		require.Equal(t, "1", string(info.Payload))
		require.WithinDuration(t, time.Now(), info.PushedAt, patience)

		_, err = c.PushMany(ctx, adze.NewEvent{Key: "c"}, adze.NewEvent{})
		require.ErrorIs(t, err, adze.ErrInvalid)
		require.ErrorContains(t, err, "event 1: key: is empty")
		for range c.Events(ctx, adze.EventQuery{Key: "c"}) {
			t.Error("none of them was stored")
		}
		_, err = c.Push(ctx, "", nil)
		require.ErrorContains(t, err, "key: is empty")
		_, err = c.Push(ctx, "c", nil, adze.Delay(time.Hour))
		require.ErrorIs(t, err, adze.ErrInvalid)
		_, err = c.Push(ctx, "c", func() {})
		require.ErrorContains(t, err, "payload")
		_, err = c.GetEvent(ctx, 9)
		require.ErrorIs(t, err, adze.ErrNotFound)
	})
}

func TestFiltersDecideWhichEventsOfAScopeStartRuns(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		greet := adze.NewTask("greet", see, adze.On("user.created"))
		work(t, c, greet)
		_, err := greet.Call(ctx, c, signup{})
		require.NoError(t, err)
		filter := adze.EventFilter{
			Task: "greet", Scope: "eu", If: `event.plan == filter.plan`,
			Payload: map[string]string{"plan": "pro", "team": "blue"},
		}
		blue, err := c.PutFilter(ctx, filter)
		require.NoError(t, err)
		for f, err := range c.Filters(ctx, "greet") {
			require.NoError(t, err)
			require.Equal(t, blue, f.ID)
			require.JSONEq(t, `{"plan":"pro","team":"blue"}`, string(f.Payload.(json.RawMessage)))
			require.NotZero(t, f.CreatedAt)
		}
		none, err := c.Push(ctx, "user.created", signup{"Bob", "pro"})
		require.NoError(t, err)
		require.Empty(t, none.Runs)
		one, err := c.Push(ctx, "user.created", signup{"Ada", "pro"}, adze.Scope("eu"))
		require.NoError(t, err)
		require.NoError(t, c.DeleteFilter(ctx, blue))
		out, err := greet.Lookup(c, one.Runs[0]).Result(ctx)
		require.NoError(t, err)
		require.Equal(t, seen{one.ID, "user.created", "eu", "blue", "Ada"}, out)
		require.ErrorIs(t, c.DeleteFilter(ctx, blue), adze.ErrNotFound)

		filter.If = "nonsense"
		_, err = c.PutFilter(ctx, filter)
		require.ErrorContains(t, err, "filter.expression: at column 1")
		filter.Task = "nobody"
		filter.If = ""
		_, err = c.PutFilter(ctx, filter)
		require.ErrorIs(t, err, adze.ErrNotFound)
	})
}
