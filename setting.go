package adze

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"strings"
	"time"

	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/outline"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// LimitSetting is what [Client.SetLimit] changes; what is nil or empty stays as it is.
type LimitSetting struct {
	Key      string   // for this key only; then Max is given, and nothing else
	Max      *int     // so many places; with 0 nobody gets one
	Strategy Strategy // what becomes of those that find none
	// As that of [ConcurrencyLimit]; 0 makes priority strict, as it is where the strategy is
	// another one than [LimitQueue].
	Ageing *time.Duration
}

// SetLimit changes how a concurrency limit works from now on, whatever its workflows
// declare, until [Client.DropLimit]. Who has a place keeps it. A limit without a name is
// called by its task: "bill#1" is the first one of the task or workflow bill, and
// "order:charge#1" that of the task charge of the workflow order.
func (c *Client) SetLimit(ctx context.Context, name string, to LimitSetting) error {
	change := shard.SettingChange{Kind: core.SettingLimit, Name: name, Key: to.Key, Limit: &shard.LimitChange{}}
	if to.Max != nil {
		change.Limit.Max = new(clamp(*to.Max))
	}
	if to.Strategy != "" {
		strategy, known := core.ParseStrategy(string(to.Strategy))
		if !known {
			return fmt.Errorf("set limit %s: %w", name, &Error{Kind: KindInvalid, Field: "strategy", Text: "is none of the strategies"})
		}
		change.Limit.Strategy = &strategy
	}
	if to.Ageing != nil {
		change.Limit.AgeMS = new(wholeMS(*to.Ageing))
	}
	return c.putSetting(ctx, "set limit", change)
}

// DropLimit takes back what [Client.SetLimit] set, for a key or with an empty one for all:
// what is declared counts again.
func (c *Client) DropLimit(ctx context.Context, name, key string) error {
	return c.putSetting(ctx, "drop limit", shard.SettingChange{Kind: core.SettingLimit, Name: name, Key: key, Drop: true})
}

// QueueSetting is what [Client.SetQueue] changes; what is nil stays as it is.
type QueueSetting struct {
	Key    string         // for this key only; then Weight is given, and nothing else
	Weight *float64       // its share beside other keys, 0.001 to 1,000; 1 if it is not set
	ByCost *bool          // as [ByCost]
	Ageing *time.Duration // as [Ageing]; 0 makes priority strict
	Spread *int           // each key is dealt so many workers, 0–1,000; 0 = all
	Paused *bool          // no task of it begins
	// What has waited so long while it is paused is cancelled; 0 = never.
	PausedTTL *time.Duration
}

// SetQueue changes how a queue works from now on, whatever its workflows declare, until
// [Client.DropQueue]. A queue without a name has that of its task's action: "bill", or
// "order:charge" of a task of a workflow.
func (c *Client) SetQueue(ctx context.Context, name string, to QueueSetting) error {
	q := &shard.QueueChange{ByCost: to.ByCost, Paused: to.Paused}
	if to.Weight != nil {
		q.Weight = new(clamp(int(math.Round(*to.Weight * core.WeightDefault))))
	}
	if to.Spread != nil {
		q.Spread = new(clamp(*to.Spread))
	}
	if to.PausedTTL != nil {
		q.PausedTTLMS = new(wholeMS(*to.PausedTTL))
	}
	if to.Ageing != nil {
		q.AgeMS = new(wholeMS(*to.Ageing))
	}
	return c.putSetting(ctx, "set queue", shard.SettingChange{Kind: core.SettingQueue, Name: name, Key: to.Key, Queue: q})
}

// PauseWorkflow has no task of a task or workflow begin until [Client.ResumeWorkflow]; what
// runs goes on, and runs may be submitted. What has waited for longer than ttl while it is
// paused is cancelled; with 0 it waits. What waits holds no place in any limit.
func (c *Client) PauseWorkflow(ctx context.Context, name string, ttl time.Duration) error {
	q := &shard.QueueChange{Paused: new(true), PausedTTLMS: new(wholeMS(ttl))}
	return c.putSetting(ctx, "pause workflow", shard.SettingChange{Kind: core.SettingWorkflow, Name: name, Queue: q})
}

// ResumeWorkflow has a paused workflow go on.
func (c *Client) ResumeWorkflow(ctx context.Context, name string) error {
	q := &shard.QueueChange{Paused: new(false)}
	return c.putSetting(ctx, "resume workflow", shard.SettingChange{Kind: core.SettingWorkflow, Name: name, Queue: q})
}

// DropQueue takes back what [Client.SetQueue] set, for a key or with an empty one for all.
func (c *Client) DropQueue(ctx context.Context, name, key string) error {
	return c.putSetting(ctx, "drop queue", shard.SettingChange{Kind: core.SettingQueue, Name: name, Key: key, Drop: true})
}

// putSetting names fields as those of the one change that there is.
func (c *Client) putSetting(ctx context.Context, what string, change shard.SettingChange) error {
	if err := c.transport.putSettings(ctx, []shard.SettingChange{change}); err != nil {
		var e *Error
		if errors.As(err, &e) {
			e.Field = strings.TrimPrefix(e.Field, "settings[0].")
		}
		return fmt.Errorf("%s %s: %w", what, change.Name, err)
	}
	return nil
}

// LimitSettingInfo is how a concurrency limit works, as a workflow declares it or as it was set:
// of both, the latter counts.
type LimitSettingInfo struct {
	Name     string `json:"name"`
	Key      string `json:"key,omitempty"` // for this key only
	Declared bool   `json:"declared"`
	Max      int    `json:"max"`
	// ByRun says that each run says how many places its key has, by an expression: Max is
	// for keys of which none has.
	ByRun    bool          `json:"by_run,omitempty"`
	Strategy Strategy      `json:"strategy,omitempty"` // not of a key
	Ageing   time.Duration `json:"ageing,omitempty"`   // in nanoseconds; not of a key
}

// LimitSettings gives how concurrency limits work, by name, reading them page by page as the loop
// goes on. An error ends it.
func (c *Client) LimitSettings(ctx context.Context) iter.Seq2[LimitSettingInfo, error] {
	return listSettings(ctx, c, "limits", wire.SettingName_KIND_LIMIT, func(s *wire.Setting) LimitSettingInfo {
		l := LimitSettingInfo{
			Name: s.Name, Key: s.Key, Declared: s.Declared, Max: int(s.GetLimit().GetMax()),
			ByRun: s.GetLimit().GetByRun(), Ageing: durationOf(s.GetLimit().GetAgeMs()),
		}
		if s.Key == "" {
			l.Strategy = Strategy(outline.StrategyFromWire(s.GetLimit().GetStrategy()))
		}
		return l
	})
}

// QueueSettingInfo is how a queue works, as a workflow declares it or as it was set: of both, the
// latter counts.
type QueueSettingInfo struct {
	Name     string        `json:"name"`
	Key      string        `json:"key,omitempty"` // for this key only
	Declared bool          `json:"declared"`
	Weight   float64       `json:"weight,omitempty"` // of a key
	ByCost   bool          `json:"by_cost"`
	Ageing   time.Duration `json:"ageing,omitempty"` // in nanoseconds
	Spread   int           `json:"spread,omitempty"` // workers that each key is dealt; 0 = all
	Paused   bool          `json:"paused"`
	// PausedTTL is how long something waits at most while the queue is paused; 0 = for ever.
	PausedTTL time.Duration `json:"paused_ttl,omitempty"` // in nanoseconds
}

// QueueSettings gives how queues work of which something was declared or set, as
// [Client.LimitSettings] does limits.
func (c *Client) QueueSettings(ctx context.Context) iter.Seq2[QueueSettingInfo, error] {
	return listSettings(ctx, c, "queues", wire.SettingName_KIND_QUEUE, func(s *wire.Setting) QueueSettingInfo {
		q := s.GetQueue()
		return QueueSettingInfo{
			Name: s.Name, Key: s.Key, Declared: s.Declared, Weight: float64(q.GetWeight()) / core.WeightDefault,
			ByCost: q.GetByCost(), Ageing: durationOf(q.GetAgeMs()),
			Spread: int(q.GetSpread()), Paused: q.GetPaused(), PausedTTL: durationOf(q.GetPausedTtlMs()),
		}
	})
}

// listSettings reads those of a kind page by page.
func listSettings[T any](
	ctx context.Context, c *Client, what string, kind wire.SettingName_Kind, as func(*wire.Setting) T,
) iter.Seq2[T, error] {
	return pages(func(after *wire.Setting) ([]T, *wire.Setting, error) {
		page, err := c.transport.settings(ctx, &wire.ListSettingsRequest{Kind: kind, Limit: listPage, After: after})
		if err != nil {
			return nil, nil, fmt.Errorf("list %s: %w", what, err)
		}
		all := make([]T, len(page.Settings))
		for i, s := range page.Settings {
			all[i] = as(s)
		}
		return all, page.Next, nil
	})
}
