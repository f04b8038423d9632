package crash_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/adzehq/adze"
)

const (
	sagasPerSecond  = 12
	bossesPerSecond = 4
	deedsMax        = 10
	// promptMax is how long a saga's event or signal may come after its submit: some
	// come before it is waited for, some after.
	promptMax = time.Second
	// promptPause is before an event is sent again that may not have been stored.
	promptPause = 50 * time.Millisecond
)

// stage is the load of sagas and what the client was told of them.
type stage struct {
	stack   *stack
	cancel  context.CancelFunc
	parts   sync.WaitGroup // submitters
	prompts sync.WaitGroup // senders of what sagas wait for

	mu       sync.Mutex
	last     int64
	accepted map[adze.ID]saga
	refused  map[int64]string // by number, and why
}

// playSagas submits sagas until the stage is closed.
func (s *stack) playSagas() *stage {
	ctx, cancel := context.WithCancel(s.ctx)
	g := &stage{stack: s, cancel: cancel, accepted: map[adze.ID]saga{}, refused: map[int64]string{}}
	s.t.Cleanup(func() { g.close(); g.prompts.Wait() })
	for _, part := range []struct {
		task *adze.Task[saga, int64]
		pace rate.Limit
	}{{s.troupe.saga, sagasPerSecond}, {s.troupe.boss, bossesPerSecond}} {
		own, pace := rand.New(rand.NewPCG(s.random.Uint64(), 0)), rate.NewLimiter(part.pace, 1)
		g.parts.Go(func() {
			for pace.Wait(ctx) == nil {
				g.submit(part.task, g.draw(own), own)
			}
		})
	}
	return g
}

// close ends the submits.
func (g *stage) close() {
	g.cancel()
	g.parts.Wait()
}

func (g *stage) draw(random *rand.Rand) saga {
	g.mu.Lock()
	g.last++
	in := saga{N: g.last, Stumbles: random.IntN(5) == 0, Lodger: random.IntN(3) == 0}
	g.mu.Unlock()
	for range 1 + random.IntN(deedsMax) {
		d := deed{Kind: deedKind(random.IntN(int(deedKinds))), N: random.Int64N(1_000), MS: random.Int64N(50)}
		if random.IntN(4) == 0 { // long enough to be suspended, or to be in the checkpoint
			d.MS = 300 + random.Int64N(1_200)
		}
		in.Deeds = append(in.Deeds, d)
	}
	return in
}

func (g *stage) submit(task *adze.Task[saga, int64], in saga, random *rand.Rand) {
	ctx, cancel := context.WithTimeout(g.stack.ctx, submitPatience)
	defer cancel()
	run, err := task.Run(ctx, g.stack.client, in)
	g.mu.Lock()
	switch {
	case err == nil:
		g.accepted[run.ID] = in
	case !errors.Is(err, adze.ErrUnknown):
		g.refused[in.N] = err.Error()
	}
	g.mu.Unlock()
	if err == nil && task == g.stack.troupe.saga {
		g.prompt(run.ID, in, rand.New(rand.NewPCG(random.Uint64(), 0)))
	}
}

// prompt sends a saga all that it waits for, each at a time of its own.
func (g *stage) prompt(run adze.ID, in saga, random *rand.Rand) {
	for i, d := range in.Deeds {
		if d.Kind != takesEvent && d.Kind != takesSignal {
			continue
		}
		after := time.Duration(random.Int64N(int64(promptMax)))
		g.prompts.Go(func() {
			g.stack.pass(after)
			for !g.send(run, in, i, d) && g.stack.ctx.Err() == nil {
				g.stack.pass(promptPause)
			}
		})
	}
}

// send tells whether what a deed waits for is stored. It may be twice.
func (g *stage) send(run adze.ID, in saga, i int, d deed) bool {
	s := g.stack
	ctx, cancel := context.WithTimeout(s.ctx, submitPatience)
	defer cancel()
	var err error
	if d.Kind == takesEvent {
		_, err = s.client.Push(ctx, eventKey, d.N, adze.Scope(in.scope(i)))
	} else {
		err = s.client.Signal(ctx, run, place(i), d.N)
	}
	switch {
	case err == nil, errors.Is(err, adze.ErrConflict): // it has ended: what was sent before was enough
		return true
	case errors.Is(err, adze.ErrUnavailable), errors.Is(err, adze.ErrUnknown), errors.Is(err, context.DeadlineExceeded):
		return false
	}
	s.t.Errorf("send what %s of saga %s waits for: %v", place(i), run, err)
	return true
}

// staged is a saga as it is stored.
type staged struct {
	ID     adze.ID
	Input  []byte
	Status *string // nil: no result
	Error  string
	Output []byte
}

func (r staged) saga() (in saga) {
	_ = json.Unmarshal(r.Input, &in) // a saga of zeros is nobody's
	return in
}

func (r staged) String() string {
	if r.Status == nil {
		return "it has no result"
	}
	return fmt.Sprintf("it %s with %s, %q", *r.Status, r.Output, r.Error)
}

const stagedSQL = `
select t.id, t.input, r.status, coalesce(r.error, ''), r.output
from adze.task as t
join adze.workflow_version as v on v.id = t.version_id
join adze.workflow as w on w.id = v.workflow_id
left join adze.task_result as r on r.id = t.id
where w.name = $1`

// promptStrangers sends what those sagas wait for that were stored without an answer.
func (g *stage) promptStrangers() {
	g.prompts.Wait()
	for _, r := range collect[staged](g.stack, stagedSQL, "saga") {
		if _, known := g.accepted[r.ID]; !known {
			g.prompt(r.ID, r.saga(), g.stack.random)
		}
	}
	g.prompts.Wait()
}
