package view

import (
	"context"
	"maps"
	"sync"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/history"
)

// chainsMax bounds the chains that are kept. When there are more it begins anew.
const chainsMax = 10_000

// Chain are the runs that a run repeats, the one before it, and the one before that, up
// to the first. All have ended, so it never changes. A run that repeats none has nil.
type Chain struct {
	Origin id.ID            // the first: on this wire all go by its id
	Last   id.ID            // the one before
	Tries  map[string]int32 // how many attempts tasks had so far, by name
	Rests  map[string]int32 // how often tasks were suspended so far, likewise

	before *Chain           // without the last; nil: that is the first
	tasks  map[string]id.ID // those of the last; nil: it is of one task
}

// External is the id that a run goes by that is the next of the chain.
func (c *Chain) External(run id.ID) id.ID {
	if c == nil {
		return run
	}
	return c.Origin
}

// task is the id that a task goes by.
func (c *Chain) task(t *history.TaskRun) id.ID {
	if c == nil {
		return t.ID
	}
	return c.Task(t.Name, t.ID)
}

// Task is the id that a task of that name goes by; its own is known as native.
func (c *Chain) Task(name string, native id.ID) id.ID {
	if c == nil {
		return native
	}
	first := c
	for first.before != nil {
		first = first.before
	}
	if first.tasks == nil {
		return c.Origin
	}
	if own, there := first.tasks[name]; there {
		return own
	}
	return native // the workflow has it since a replay
}

// Earlier are the tasks of that name of the runs of the chain, the newest first.
func (c *Chain) Earlier(name string) (tasks []id.ID) {
	for ; c != nil; c = c.before {
		if own, there := c.last(name); there {
			tasks = append(tasks, own)
		}
	}
	return tasks
}

// last is the task of that name of the last run.
func (c *Chain) last(name string) (task id.ID, there bool) {
	if c.tasks == nil {
		return c.Last, true
	}
	task, there = c.tasks[name]
	return task, there
}

// attempts are how many a task had before, by its name.
func (c *Chain) attempts(name string) int32 {
	if c == nil {
		return 0
	}
	return c.Tries[name]
}

// Retries is the number on this wire of a task's attempt, which Adze counts from 1.
func (c *Chain) Retries(name string, attempt int32) int32 {
	return max(attempt-1, 0) + c.attempts(name)
}

// chains are those that were read before, by the run that they end with.
type chains struct {
	mu sync.Mutex
	of map[id.ID]*Chain
}

// Chain reads the runs that one repeats that is a replay of last; nil if last is 0. What
// is gone by now is left out.
func (r *Reader) Chain(ctx context.Context, tenant, last id.ID) (*Chain, error) {
	var runs []history.Run // the newest first
	var chain *Chain
	for run := last; run != 0 && chain == nil; {
		if chain = r.chains.get(run); chain != nil {
			break
		}
		stored, err := history.Get(ctx, r.DB, tenant, run, false)
		if err != nil {
			if len(runs) == 0 || !gone(err) {
				return nil, err
			}
			break
		}
		runs = append(runs, stored)
		run = stored.ReplayOf
	}
	for i := len(runs) - 1; i >= 0; i-- {
		version, err := r.Version(ctx, runs[i].Version)
		if err != nil {
			return nil, err
		}
		chain = chain.and(&runs[i], version)
		r.chains.put(chain)
	}
	return chain, nil
}

// and is the chain with a run more.
func (c *Chain) and(run *history.Run, version *Version) *Chain {
	longer := &Chain{Origin: c.External(run.ID), Last: run.ID, Tries: map[string]int32{}, Rests: map[string]int32{}, before: c}
	if c != nil {
		maps.Copy(longer.Tries, c.Tries)
		maps.Copy(longer.Rests, c.Rests)
	}
	if run.Graph {
		longer.tasks = map[string]id.ID{}
	}
	for _, t := range tasksOf(run, version.Tasks[0].Name) {
		longer.Tries[t.Name] += max(t.Attempt, 1)
		longer.Rests[t.Name] += t.Suspensions
		if run.Graph {
			longer.tasks[t.Name] = t.ID
		}
	}
	return longer
}

func (c *chains) get(last id.ID) *Chain {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.of[last]
}

func (c *chains) put(chain *Chain) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil || len(c.of) >= chainsMax {
		c.of = map[id.ID]*Chain{}
	}
	c.of[chain.Last] = chain
}
