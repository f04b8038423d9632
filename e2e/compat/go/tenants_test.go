package compat_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/hatchet-dev/hatchet/pkg/client"
	"github.com/hatchet-dev/hatchet/pkg/client/rest"
	hatchet "github.com/hatchet-dev/hatchet/sdks/go"
	"github.com/stretchr/testify/require"
)

// guest is the scenario as another tenant plays it, which shares the workers of this one.
func (s *scene) guest(name string) *scene {
	s.Helper()
	do := func(arguments ...string) string {
		out, err := s.engine.operator(arguments...)
		require.NoError(s, err)
		return out
	}
	do("tenant", "create", name, "--beside", "default")
	do("tenant", "share", name, "--with", "default")
	own, engine := *s, *s.engine
	engine.token = do("token", "create", "--tenant", name, "--address", engine.grpc, "--http-url", "http://"+engine.http)
	own.engine = &engine
	sdk, err := hatchet.NewClient(client.WithToken(engine.token))
	require.NoError(s, err)
	own.sdk = sdk
	return &own
}

// everything is a task that asks for all that a task may ask for, and its child.
func (s *scene) everything() (parent, child *hatchet.StandaloneTask) {
	child = s.sdk.NewStandaloneTask(s.name("child"), func(ctx hatchet.Context, in number) (number, error) {
		ctx.Log("child " + strconv.Itoa(in.N))
		return number{in.N * 2}, nil
	})
	parent = s.sdk.NewStandaloneTask(s.name("parent"), func(ctx hatchet.Context, in number) (out number, err error) {
		if err := ctx.RefreshTimeout("30s"); err != nil {
			return out, err
		}
		if err := ctx.ReleaseSlot(); err != nil {
			return out, err
		}
		ctx.Log("parent")
		ctx.PutStream("piece")
		for n := range 3 {
			result, err := child.Run(ctx, number{n})
			if err != nil {
				return out, err
			}
			var one number
			if err := result.Into(&one); err != nil {
				return out, err
			}
			out.N += one.N
		}
		ctx.Log("parent ends")
		return out, nil
	}, hatchet.WithExecutionTimeout(time.Minute))
	return parent, child
}

// lines are what a run of one task has logged.
func (s *scene) lines(run string) (lines []string) {
	s.Helper()
	var list rest.V1LogLineList
	require.Equal(s, 200, s.call("GET", "/api/v1/stable/tasks/"+run+"/logs", nil, &list))
	for _, line := range *list.Rows {
		lines = append(lines, line.Message)
	}
	return lines
}

// TestWhatAGuestsTaskAsksForIsTheGuests: a worker runs the task of another tenant, which has
// granted that, with the token of its own.
func TestWhatAGuestsTaskAsksForIsTheGuests(t *testing.T) {
	s := alone(t)
	g := s.guest("guest")
	g.know(all(g.everything())...)
	s.work(all(s.everything())...)

	ref := g.start(s.name("parent"), number{})
	stream := g.sdk.Runs().SubscribeToStream(g.ctx, ref.RunId)
	var out number
	g.output(ref, s.name("parent"), &out)
	require.Equal(t, 6, out.N)
	require.Equal(t, "piece", <-stream)
	g.eventually("all lines are there", func() bool { return len(g.lines(ref.RunId)) == 2 })
	require.Equal(t, []string{"parent", "parent ends"}, g.lines(ref.RunId))

	of := func(side *scene) []rest.V1TaskSummary {
		list, err := side.sdk.Runs().List(s.ctx, rest.V1WorkflowRunListParams{Since: time.Now().Add(-time.Hour)})
		require.NoError(t, err)
		return list.Rows
	}
	require.Len(t, of(g), 4, "the run and its children")
	require.Empty(t, of(s), "the home has none of them")
	require.Equal(t, 3, g.details(ref.RunId).Tasks[0].NumSpawnedChildren)

	s.output(s.start(s.name("parent"), number{}), s.name("parent"), &out)
	require.Len(t, of(s), 4, "the home's own")
	require.Len(t, of(g), 4)
}

// TestAGuestsDurableTaskGoesOnAfterTheEnginesDeath: with its log, its children and its waits.
func TestAGuestsDurableTaskGoesOnAfterTheEnginesDeath(t *testing.T) {
	s := alone(t)
	g := s.guest("guest")
	durable := func(side *scene) []hatchet.WorkflowBase {
		child := side.sdk.NewStandaloneTask(side.name("child"), func(_ hatchet.Context, in number) (number, error) { return number{in.N + 1}, nil })
		parent := side.sdk.NewStandaloneDurableTask(side.name("parent"), func(ctx hatchet.DurableContext, _ object) (out number, err error) {
			for range 2 {
				result, err := child.Run(ctx, out)
				if err != nil {
					return out, err
				}
				if err := result.Into(&out); err != nil {
					return out, err
				}
				if _, err := ctx.SleepFor(2 * time.Second); err != nil {
					return out, err
				}
			}
			return out, nil
		})
		return []hatchet.WorkflowBase{parent, child}
	}
	g.know(durable(g)...)
	s.work(durable(s)...)
	ref := g.start(s.name("parent"), object{})
	g.eventually("its first child is there", func() bool { return g.details(ref.RunId).Tasks[0].NumSpawnedChildren == 1 })
	s.engine.crash(t)
	var out number
	g.output(ref, s.name("parent"), &out)
	require.Equal(t, 2, out.N)
	require.Equal(t, 2, g.details(ref.RunId).Tasks[0].NumSpawnedChildren)
}

// TestATaskThatIsNobodysGuestAsksInVain: a program cannot speak for another tenant's task that
// no worker of its own has.
func TestATaskThatIsNobodysGuestAsksInVain(t *testing.T) {
	s := alone(t)
	g := s.guest("guest")
	started, letGo := make(chan string, 1), make(chan struct{})
	held := g.sdk.NewStandaloneTask(s.name("held"), holding(started, letGo))
	g.work(held)
	ref := g.start(s.name("held"), object{})
	took(s, started)
	_, err := s.sdk.Runs().Get(s.ctx, ref.RunId)
	require.Error(t, err, "it runs at the guest's own worker")
	require.Equal(t, 404, s.call("GET", "/api/v1/stable/tasks/"+ref.RunId+"/logs", nil, nil))
	close(letGo)
	_, err = g.ended(ref)
	require.NoError(t, err)
}

func all(tasks ...*hatchet.StandaloneTask) (workflows []hatchet.WorkflowBase) {
	for _, task := range tasks {
		workflows = append(workflows, task)
	}
	return workflows
}
