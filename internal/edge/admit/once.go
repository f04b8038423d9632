package admit

import (
	"github.com/adzehq/adze/internal/base/expr"
	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
)

// OnceKeyBytesMax is how long an idempotency key may be.
const OnceKeyBytesMax = shard.OnceKeyBytesMax

// once checks the idempotency key of a run.
func once(o *shard.Once) error {
	if o == nil {
		return nil
	}
	if o.Key == "" {
		return invalid("key", "is empty; name what must happen once, like order-17")
	}
	if err := label("key", o.Key, OnceKeyBytesMax); err != nil {
		return err
	}
	if o.Taken > core.OnceReplace {
		return invalid("on_collision", "is not known; give reject, existing or replace")
	}
	return hold(o.Hold, o.TTLMS)
}

// hold checks how long a key is held.
func hold(h core.OnceHold, ttlMS int64) error {
	switch {
	case h != core.OnceTTL && h != core.OnceRun:
		return invalid("hold", "is not known; give ttl or run")
	case h == core.OnceTTL && ttlMS == 0:
		return invalid("ttl_ms", "is empty; say how long the key is held, or give hold run")
	}
	return duration("ttl_ms", ttlMS)
}

// declaredKeys checks what a workflow declares about the keys of its runs, and gives it
// with its defaults.
func declaredKeys(workflow string, k shard.Keyed) (shard.Keyed, error) {
	var err error
	if k.Idempotency != nil && k.Debounce != nil {
		return k, invalid("debounce", "stands beside idempotency; a run has one key, declare one of them")
	}
	if k.Idempotency != nil {
		k.Idempotency, err = idempotency(workflow, *k.Idempotency)
		return k, fault.At("idempotency", err)
	}
	if k.Debounce != nil {
		k.Debounce, err = debounce(*k.Debounce)
		return k, fault.At("debounce", err)
	}
	return k, nil
}

func idempotency(workflow string, i shard.Idempotency) (*shard.Idempotency, error) {
	i.Key = orDefault(i.Key, `"`+workflow+`"`) // a name has nothing to be quoted
	i.Hold = orDefault(i.Hold, core.OnceTTL.String())
	i.OnCollision = orDefault(i.OnCollision, "reject")
	if _, known := shard.Collisions[i.OnCollision]; !known {
		return nil, invalid("on_collision", "is %q; give reject, existing or replace", i.OnCollision)
	}
	if err := hold(core.ParseOnceHold(i.Hold), i.TTLMS); err != nil {
		return nil, err
	}
	return &i, keyExpression(i.Key)
}

func debounce(d shard.Debounce) (*shard.Debounce, error) {
	d.Key = orDefault(d.Key, `"all"`)
	if d.PeriodMS == 0 {
		return nil, invalid("period_ms", "is empty; say which pause ends a burst")
	}
	for _, err := range []error{duration("period_ms", d.PeriodMS), duration("max_delay_ms", d.MaxDelayMS)} {
		if err != nil {
			return nil, err
		}
	}
	if d.MaxDelayMS > 0 && d.MaxDelayMS < d.PeriodMS {
		return nil, invalid("max_delay_ms", "is %d, less than period_ms, which is %d", d.MaxDelayMS, d.PeriodMS)
	}
	return &d, keyExpression(d.Key)
}

func keyExpression(key string) error {
	if _, err := expr.Run.CompileText(key); err != nil {
		return invalid("key", "%s", err)
	}
	return nil
}
