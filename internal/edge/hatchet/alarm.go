package hatchet

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// alarm is a time that an invocation waits for.
type alarm struct {
	due core.Time
	of  *invocation
}

// alarmHeap has the next one first.
type alarmHeap []alarm

func (h alarmHeap) Len() int           { return len(h) }
func (h alarmHeap) Less(i, j int) bool { return h[i].due < h[j].due }
func (h alarmHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *alarmHeap) Push(a any)        { *h = append(*h, a.(alarm)) }

// Pop implements heap.Interface.
func (h *alarmHeap) Pop() any {
	last := len(*h) - 1
	a := (*h)[last]
	(*h)[last] = alarm{}
	*h = (*h)[:last]
	return a
}

// alarms are those of all workers: as many as there are waits for times of invocations
// that run, or ran when they began.
type alarms struct {
	changed chan struct{} // holds a token when the next one may be sooner

	mu   sync.Mutex
	heap alarmHeap
}

func (as *alarms) set(due core.Time, of *invocation) {
	as.mu.Lock()
	defer as.mu.Unlock()
	heap.Push(&as.heap, alarm{due, of})
	if as.heap[0].due == due {
		select {
		case as.changed <- struct{}{}:
		default:
		}
	}
}

// take takes those that are due, by tenant, and tells how long it is until the next.
func (as *alarms) take(now core.Time) (due map[id.ID][]id.ID, next time.Duration) {
	as.mu.Lock()
	defer as.mu.Unlock()
	due = map[id.ID][]id.ID{}
	for len(as.heap) > 0 {
		if left := as.heap[0].due - now; left > 0 {
			return due, time.Duration(left) * time.Millisecond
		}
		a := heap.Pop(&as.heap).(alarm).of.attempt
		if a.invocation.life.Err() == nil {
			due[a.Owner] = append(due[a.Owner], a.Task)
		}
	}
	return due, time.Hour
}

// ring has the shard look at the times that have come, until ctx ends.
func (s *Server) ring(ctx context.Context) {
	timer := s.Clock.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C():
		case <-s.roster.alarms.changed:
		}
		due, next := s.roster.alarms.take(core.Time(s.Clock.Now().UnixMilli()))
		for tenant, tasks := range due {
			if _, err := s.Shards.Wake(ctx, tenant, tasks); err != nil && ctx.Err() == nil {
				s.Log.Warn("times of durable tasks were not looked at", "tasks", len(tasks), "error", err)
			}
		}
		timer.Reset(next)
	}
}
