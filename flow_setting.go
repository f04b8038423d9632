package adze

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// BatchSetting is what [Client.SetBatch] changes; what is nil stays as it is, and what is 0
// is as the task declares it.
type BatchSetting struct {
	Key         string         // for batches of this [BatchKey] only
	Size        *int           // as [BatchSize]
	Bytes       *int           // as [BatchBytes]
	Interval    *time.Duration // as [BatchInterval]
	Concurrency *int           // as [BatchConcurrency]
}

// SetBatch changes when batches of a task go from now on, of runs that wait too, whatever
// the task declares, until [Client.DropBatch]. The name is the task's: "send", or
// "order:send" of a task of a workflow.
func (c *Client) SetBatch(ctx context.Context, task string, to BatchSetting) error {
	b := &shard.BatchChange{}
	if to.Size != nil {
		b.SizeMax = new(clamp(*to.Size))
	}
	if to.Bytes != nil {
		b.BytesMax = new(int64(*to.Bytes))
	}
	if to.Interval != nil {
		b.IntervalMS = new(wholeMS(*to.Interval))
	}
	if to.Concurrency != nil {
		b.RunningMax = new(clamp(*to.Concurrency))
	}
	return c.putSetting(ctx, "set batches of", shard.SettingChange{Kind: core.SettingBatch, Name: task, Key: to.Key, Batch: b})
}

// DropBatch takes back what [Client.SetBatch] set, for a key or with an empty one for all.
func (c *Client) DropBatch(ctx context.Context, task, key string) error {
	return c.putSetting(ctx, "drop batches of", shard.SettingChange{Kind: core.SettingBatch, Name: task, Key: key, Drop: true})
}

// BatchSettingInfo is what was set of the batches of a task; what is 0 is as declared.
type BatchSettingInfo struct {
	Task        string        `json:"task"`
	Key         string        `json:"key,omitempty"` // for this key only
	Size        int           `json:"size,omitempty"`
	Bytes       int           `json:"bytes,omitempty"`
	Interval    time.Duration `json:"interval,omitempty"` // in nanoseconds
	Concurrency int           `json:"concurrency,omitempty"`
}

// BatchSettings gives what was set of batches, as [Client.LimitSettings] does limits.
func (c *Client) BatchSettings(ctx context.Context) iter.Seq2[BatchSettingInfo, error] {
	return listSettings(ctx, c, "batches", wire.SettingName_KIND_BATCH, func(s *wire.Setting) BatchSettingInfo {
		b := s.GetBatch()
		return BatchSettingInfo{
			Task: s.Name, Key: s.Key, Size: int(b.GetSizeMax()), Bytes: int(b.GetBytesMax()),
			Interval: durationOf(b.GetIntervalMs()), Concurrency: int(b.GetRunningMax()),
		}
	})
}

// OnceSetting is what [Client.SetOnce] changes; what is nil or empty stays as it is, and what
// is 0 is as declared.
type OnceSetting struct {
	Key         string         // for this key only, as the expression gives it
	Held        *time.Duration // how long a key is held; with [HeldUntilEnd]: at most so long
	Period      *time.Duration // of a [Debounce]: the pause that ends a burst
	Longest     *time.Duration // of a [Debounce]: its longest delay
	OnCollision string         // "reject", "existing" or "replace"; not of a [Debounce]
}

// SetOnce changes the keys that a task or workflow declares by [OnceBy], [Singleton] or
// [Debounce], for runs that are submitted from now on, until [Client.DropOnce]. Keys that
// are held stay so as they were taken.
func (c *Client) SetOnce(ctx context.Context, workflow string, to OnceSetting) error {
	o := &shard.OnceChange{}
	for _, period := range []*time.Duration{to.Held, to.Period} {
		if period != nil {
			o.TTLMS = new(wholeMS(*period))
		}
	}
	if to.Held != nil && to.Period != nil {
		return fmt.Errorf("set once %s: %w", workflow, &Error{Kind: KindInvalid, Field: "period", Text: "stands beside held; give the one that the workflow has"})
	}
	if to.Longest != nil {
		o.MaxDelayMS = new(wholeMS(*to.Longest))
	}
	if to.OnCollision != "" {
		taken, known := shard.Collisions[to.OnCollision]
		if !known {
			return fmt.Errorf("set once %s: %w", workflow, &Error{Kind: KindInvalid, Field: "on_collision", Text: "is unknown; use reject, existing or replace"})
		}
		o.Taken = &taken
	}
	return c.putSetting(ctx, "set once", shard.SettingChange{Kind: core.SettingOnce, Name: workflow, Key: to.Key, Once: o})
}

// DropOnce takes back what [Client.SetOnce] set, for a key or with an empty one for all.
func (c *Client) DropOnce(ctx context.Context, workflow, key string) error {
	return c.putSetting(ctx, "drop once", shard.SettingChange{Kind: core.SettingOnce, Name: workflow, Key: key, Drop: true})
}

// OnceSettingInfo is what was set of the keys of a workflow; what is 0 or empty is as
// declared.
type OnceSettingInfo struct {
	Workflow    string        `json:"workflow"`
	Key         string        `json:"key,omitempty"`  // for this key only
	Held        time.Duration `json:"held,omitempty"` // or the period of a debounce; in nanoseconds
	Longest     time.Duration `json:"longest,omitempty"`
	OnCollision string        `json:"on_collision,omitempty"`
}

// OnceSettings gives what was set of keys, as [Client.LimitSettings] does limits.
func (c *Client) OnceSettings(ctx context.Context) iter.Seq2[OnceSettingInfo, error] {
	return listSettings(ctx, c, "once keys", wire.SettingName_KIND_ONCE, func(s *wire.Setting) OnceSettingInfo {
		o := s.GetOnce()
		return OnceSettingInfo{
			Workflow: s.Name, Key: s.Key, Held: durationOf(o.GetTtlMs()), Longest: durationOf(o.GetMaxDelayMs()), OnCollision: o.GetOnCollision(),
		}
	})
}
