package compat_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hatchet-dev/hatchet/pkg/client/rest"
	"github.com/hatchet-dev/hatchet/pkg/client/types"
	hatchet "github.com/hatchet-dev/hatchet/sdks/go"
	"github.com/hatchet-dev/hatchet/sdks/go/features"
	"github.com/stretchr/testify/require"
)

// gauge counts how many of a key run at once.
type gauge struct {
	mu   sync.Mutex
	now  map[string]int
	most map[string]int
}

func newGauge() *gauge { return &gauge{now: map[string]int{}, most: map[string]int{}} }

func (g *gauge) add(key string, n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now[key] += n
	g.most[key] = max(g.most[key], g.now[key])
}

// keyed is the input of tasks that are limited by a key.
type keyed struct {
	Key string `json:"key"`
}

// during is a task that takes a moment, in which it counts.
func (g *gauge) during(_ hatchet.Context, in keyed) (object, error) {
	g.add(in.Key, 1)
	defer g.add(in.Key, -1)
	time.Sleep(50 * time.Millisecond) // what is counted
	return object{}, nil
}

func limit(expression string, most int32, strategy types.WorkflowConcurrencyLimitStrategy) types.Concurrency {
	return types.Concurrency{Expression: expression, MaxRuns: &most, LimitStrategy: &strategy}
}

func TestAKeyRunsAsManyAsItMay(t *testing.T) {
	s := begin(t)
	g := newGauge()
	task := s.sdk.NewStandaloneTask(s.name("keyed"), g.during, hatchet.WithWorkflowConcurrency(limit("input.key", 2, types.GroupRoundRobin)))
	s.know(task)
	var refs []*hatchet.WorkflowRunRef
	for range 8 {
		refs = append(refs, s.start(s.name("keyed"), keyed{"a"}), s.start(s.name("keyed"), keyed{"b"}))
	}
	s.work(task) // all wait by now, so as many run as may
	for _, ref := range refs {
		_, err := s.ended(ref)
		require.NoError(t, err)
	}
	require.Equal(t, map[string]int{"a": 2, "b": 2}, g.most)
}

func TestTheNewestIsCancelledWhileTheKeyIsBusy(t *testing.T) {
	s := begin(t)
	started, letGo := make(chan string, 2), make(chan struct{})
	s.work(s.sdk.NewStandaloneTask(s.name("newest"), holding(started, letGo),
		hatchet.WithWorkflowConcurrency(limit("input.key", 1, types.CancelNewest))))
	first := s.start(s.name("newest"), keyed{"a"})
	took(s, started)
	second := s.start(s.name("newest"), keyed{"a"})
	s.becomes(second.RunId, "CANCELLED")
	close(letGo)
	_, err := s.ended(first)
	require.NoError(t, err)
}

func TestTheRunningIsCancelledForTheNewest(t *testing.T) {
	s := begin(t)
	started, letGo := make(chan string, 2), make(chan struct{})
	s.work(s.sdk.NewStandaloneTask(s.name("oldest"), holding(started, letGo),
		hatchet.WithWorkflowConcurrency(limit("input.key", 1, types.CancelInProgress))))
	first := s.start(s.name("oldest"), keyed{"a"})
	took(s, started)
	second := s.start(s.name("oldest"), keyed{"a"})
	s.becomes(first.RunId, "CANCELLED")
	close(letGo)
	_, err := s.ended(second)
	require.NoError(t, err)
}

func TestAWorkflowsKeyCoversTheWholeRun(t *testing.T) {
	s := begin(t)
	g := newGauge()
	flow := s.sdk.NewWorkflow(s.name("whole"), hatchet.WithWorkflowConcurrency(limit("input.key", 1, types.GroupRoundRobin)))
	a := flow.NewTask("a", g.during)
	flow.NewTask("b", g.during, hatchet.WithParents(a))
	s.work(flow)
	var refs []*hatchet.WorkflowRunRef
	for range 4 {
		refs = append(refs, s.start(s.name("whole"), keyed{"a"}))
	}
	for _, ref := range refs {
		_, err := s.ended(ref)
		require.NoError(t, err)
	}
	require.Equal(t, map[string]int{"a": 1}, g.most)
}

func TestATasksKeysAreAllHeld(t *testing.T) {
	s := begin(t)
	g := newGauge()
	one, two := limit("input.key", 2, types.GroupRoundRobin), limit("'all'", 3, types.GroupRoundRobin)
	s.work(s.sdk.NewStandaloneTask(s.name("both"), g.during, hatchet.WithConcurrency(&one, &two)))
	var refs []*hatchet.WorkflowRunRef
	for range 6 {
		refs = append(refs, s.start(s.name("both"), keyed{"a"}), s.start(s.name("both"), keyed{"b"}))
	}
	for _, ref := range refs {
		_, err := s.ended(ref)
		require.NoError(t, err)
	}
	require.LessOrEqual(t, g.most["a"], 2)
	require.LessOrEqual(t, g.most["b"], 2)
}

func TestAKeyThatIsNoTextFailsTheRun(t *testing.T) {
	s := begin(t)
	s.work(s.sdk.NewStandaloneTask(s.name("nokey"), echo, hatchet.WithWorkflowConcurrency(limit("input.key", 1, types.GroupRoundRobin))))
	require.Contains(t, s.fails(s.start(s.name("nokey"), object{})), "failed to parse step expression (input.key)")
}

func TestARateLimitSpreadsTasksOut(t *testing.T) {
	slow(t)
	s := begin(t)
	key := s.name("rate")
	require.NoError(t, s.sdk.RateLimits().Upsert(features.CreateRatelimitOpts{Key: key, Limit: 2, Duration: types.Second}))
	units := 1
	s.work(s.sdk.NewStandaloneTask(s.name("rated"), echo, hatchet.WithRateLimits(&types.RateLimit{Key: key, Units: &units})))
	began := time.Now()
	var refs []*hatchet.WorkflowRunRef
	for range 6 {
		refs = append(refs, s.start(s.name("rated"), object{}))
	}
	for _, ref := range refs {
		_, err := s.ended(ref)
		require.NoError(t, err)
	}
	require.GreaterOrEqual(t, time.Since(began), 1500*time.Millisecond)
	list, err := s.sdk.RateLimits().List(s.ctx, &rest.RateLimitListParams{Search: &key})
	require.NoError(t, err)
	require.Len(t, *list.Rows, 1)
	require.Equal(t, 2, (*list.Rows)[0].LimitValue)
}

func TestARateLimitOfTheInputHasKeysOfItsOwn(t *testing.T) {
	s := begin(t)
	expression, one, hour := "'"+s.prefix+"' + input.key", "1", types.Hour
	s.work(s.sdk.NewStandaloneTask(s.name("dynamic"), echo, hatchet.WithScheduleTimeout(5*time.Second), hatchet.WithRateLimits(&types.RateLimit{
		KeyExpr: &expression, UnitsExpr: &one, LimitValueExpr: &one, Duration: &hour,
	})))
	for _, key := range []string{"a", "b"} {
		_, err := s.ended(s.start(s.name("dynamic"), keyed{key}))
		require.NoError(t, err)
	}
	s.becomes(s.start(s.name("dynamic"), keyed{"a"}).RunId, "CANCELLED") // its hour is used up
}

func TestHigherPriorityGoesFirst(t *testing.T) {
	s := begin(t)
	order := make(chan int, 16)
	task := s.sdk.NewStandaloneTask(s.name("first"), func(_ hatchet.Context, in number) (object, error) {
		order <- in.N
		return object{}, nil
	})
	s.know(task)
	for _, n := range []int{1, 3, 2, 3, 1} {
		s.start(s.name("first"), number{n}, hatchet.WithRunPriority(hatchet.RunPriority(n)))
	}
	s.worker(hatchet.WithWorkflows(task), hatchet.WithSlots(1))
	for _, n := range []int{3, 3, 2, 1, 1} {
		require.Equal(t, n, took(s, order))
	}
}

func TestAWorkflowHasADefaultPriority(t *testing.T) {
	s := begin(t)
	s.work(s.sdk.NewStandaloneTask(s.name("default"), func(ctx hatchet.Context, _ object) (number, error) {
		return number{int(ctx.Priority())}, nil
	}, hatchet.WithWorkflowDefaultPriority(hatchet.RunPriority(3))))
	var out number
	s.output(s.start(s.name("default"), object{}), s.name("default"), &out)
	require.Equal(t, 3, out.N)
}

func TestSlotsBoundWhatAWorkerRuns(t *testing.T) {
	s := begin(t)
	g := newGauge()
	task := s.sdk.NewStandaloneTask(s.name("slots"), g.during)
	s.know(task)
	var refs []*hatchet.WorkflowRunRef
	for range 12 {
		refs = append(refs, s.start(s.name("slots"), keyed{"a"}))
	}
	s.worker(hatchet.WithWorkflows(task), hatchet.WithSlots(3)) // all wait by now, so as many run as may
	for _, ref := range refs {
		_, err := s.ended(ref)
		require.NoError(t, err)
	}
	require.Equal(t, 3, g.most["a"])
}

func TestAReleasedSlotIsUsedByAnother(t *testing.T) {
	s := begin(t)
	var released atomic.Bool
	letGo := make(chan struct{})
	task := s.sdk.NewStandaloneTask(s.name("release"), func(ctx hatchet.Context, _ object) (object, error) {
		if released.Load() {
			return object{}, nil
		}
		if err := ctx.ReleaseSlot(); err != nil {
			return nil, err
		}
		released.Store(true)
		<-letGo
		return object{"first": true}, nil
	})
	s.worker(hatchet.WithWorkflows(task), hatchet.WithSlots(1))
	first := s.start(s.name("release"), object{})
	s.eventually("it has released", released.Load)
	_, err := s.ended(s.start(s.name("release"), object{}))
	require.NoError(t, err)
	close(letGo)
	var out object
	s.output(first, s.name("release"), &out)
	require.Equal(t, object{"first": true}, out)
	require.Equal(t, 1, count(s.details(first.RunId), rest.V1TaskEventTypeSLOTRELEASED))
}
