package adze

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
)

// Key names a run among the children of the task that submits it: a second run of that
// key is the first one, which is how a task that is tried again finds what it submitted
// before. If it is not given, the name of the child's task and how many of them were
// submitted by the attempt before it: give keys where a task submits from several
// goroutines, or not in the same order each time. 1–255 bytes.
func Key(key string) RunOption {
	return func(r *newRun) error { r.NewRun.Key = key; return nil }
}

// CancelWithParent cancels the run when the task ends that submitted it, however it does.
// Without it the run goes on.
func CancelWithParent() RunOption {
	return func(r *newRun) error { r.Policy = core.CloseCancel; return nil }
}

// Detached makes the run nobody's child, wherever it is submitted.
func Detached() RunOption {
	return func(r *newRun) error { r.detached = true; return nil }
}

// brood is what an attempt has submitted, or a step of it: how many children of each name.
type brood struct {
	prefix string // of the keys

	mu    sync.Mutex
	names map[string]int
}

type broodKey struct{}

// withBrood lets what is submitted with the context have keys of its own: a step that is
// not run again must not count.
func withBrood(ctx context.Context, prefix string) context.Context {
	return context.WithValue(ctx, broodKey{}, &brood{prefix: prefix})
}

func broodOf(ctx context.Context, a *attempt) *brood {
	if b, is := ctx.Value(broodKey{}).(*brood); is {
		return b
	}
	return &a.brood
}

// key is that of the next child of a name.
func (b *brood) key(name string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.names == nil {
		b.names = map[string]int{}
	}
	b.names[name]++
	return b.prefix + name + "#" + strconv.Itoa(b.names[name])
}

// parentOf is the attempt whose child a run is that is submitted to c with ctx; nil if it
// is nobody's.
func parentOf(ctx context.Context, c *Client, r *newRun) (*attempt, error) {
	if a := attemptOf(ctx); a != nil && a.worker.client == c && !r.detached {
		return a, nil
	}
	if r.NewRun.Key != "" || r.Policy != core.CloseLeave {
		return nil, &Error{Kind: KindInvalid, Field: "options", Text: "have Key or CancelWithParent, but this run is nobody's child"}
	}
	return nil, nil
}

// spawn submits children of a running task, in transactions of as many as fit. With an
// error, the answers are those of the transactions before.
func (t *Task[In, Out]) spawn(ctx context.Context, c *Client, parent *attempt, runs []newRun) ([]submitted, error) {
	children := make([]shard.NewRun, len(runs))
	given := runs[0].NewRun.Key
	for i := range runs {
		children[i] = runs[i].NewRun
		switch {
		case given == "":
			children[i].Key = broodOf(ctx, parent).key(t.Name())
		case len(runs) > 1:
			children[i].Key = given + "#" + strconv.Itoa(i+1)
		}
	}
	all := make([]submitted, 0, len(runs))
	defined := false
	for len(children) > 0 {
		n := fitting(children)
		fresh, err := c.transport.spawn(ctx, shard.Parent{Task: parent.Task, Token: parent.Token}, children[:n])
		if errors.Is(err, ErrNotFound) && t.definition.runsHere() && !defined {
			if err, defined = c.define(ctx, t.definition), true; err == nil {
				continue
			}
		}
		if at, err := placed(err); at >= 0 {
			return all, fmt.Errorf("input %d: %w", len(all)+at, err)
		}
		if err != nil {
			return all, err
		}
		for i := range fresh {
			fresh[i].parent = parent
		}
		all, children = append(all, fresh...), children[n:]
	}
	return all, nil
}
