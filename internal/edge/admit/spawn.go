package admit

import (
	"context"
	"strings"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
)

// Spawner stores children (shard.Client).
type Spawner interface {
	Spawn(ctx context.Context, tenant id.ID, parent shard.Parent, children []shard.NewRun, wait shard.Wait) ([]shard.Submitted, error)
}

// Spawn checks children of a running task and has them stored, all or none but
// for those whose idempotency key is held. The answers
// are in the order of children.
func (l Limits) Spawn(
	ctx context.Context, to Spawner, tenant id.ID, parent shard.Parent, children []shard.NewRun, wait shard.Wait,
) ([]Submitted, error) {
	if err := Count("runs", len(children), RunsMax); err != nil {
		return nil, err
	}
	for i := range children {
		if err := l.child(&children[i]); err != nil {
			return nil, fault.At(place(i), err)
		}
	}
	return to.Spawn(ctx, tenant, parent, children, wait)
}

// child checks a run that a task spawns.
func (l Limits) child(r *shard.NewRun) error {
	if err := l.Run(r); err != nil {
		return err
	}
	if r.Key == "" {
		return invalid("key", "is empty; a parent that is tried again finds its child by it")
	}
	if err := text("key", r.Key, ChildKeyBytesMax); err != nil {
		return err
	}
	if strings.HasPrefix(r.Key, core.LoggedKey) {
		return invalid("key", "begins with %s, as those do that logs give; begin with something else", core.LoggedKey)
	}
	return policy(r.Policy)
}
