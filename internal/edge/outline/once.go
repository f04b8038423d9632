package outline

import (
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

var holds = map[string]wire.Hold{"ttl": wire.Hold_HOLD_TTL, "run": wire.Hold_HOLD_RUN}

// unknownNumber is what a name that does not exist becomes on the wire.
const unknownNumber = -1

func nameOf[N comparable](names map[string]N, number N) string {
	for name, n := range names {
		if n == number {
			return name
		}
	}
	return "unknown"
}

func numberOf[N ~int32](names map[string]N, name string) N {
	if number, known := names[name]; known {
		return number
	}
	return unknownNumber
}

var collisions = map[string]wire.Collision{
	"reject": wire.Collision_COLLISION_REJECT, "existing": wire.Collision_COLLISION_EXISTING, "replace": wire.Collision_COLLISION_REPLACE,
}

func keyedFromWire(w *wire.Workflow) (k shard.Keyed) {
	if i := w.GetIdempotency(); i != nil {
		k.Idempotency = &shard.Idempotency{
			Key: i.GetKey(), TTLMS: i.GetTtlMs(), Hold: nameOf(holds, i.GetHold()), OnCollision: nameOf(collisions, i.GetOnCollision()),
		}
	}
	if d := w.GetDebounce(); d != nil {
		k.Debounce = &shard.Debounce{Key: d.GetKey(), PeriodMS: d.GetPeriodMs(), MaxDelayMS: d.GetMaxDelayMs()}
	}
	return k
}

func keyedToWire(to *wire.Workflow, k *shard.Keyed) {
	if i := k.Idempotency; i != nil {
		to.Idempotency = &wire.Idempotency{
			Key: i.Key, TtlMs: i.TTLMS, Hold: numberOf(holds, i.Hold), OnCollision: numberOf(collisions, i.OnCollision),
		}
	}
	if d := k.Debounce; d != nil {
		to.Debounce = &wire.Debounce{Key: d.Key, PeriodMs: d.PeriodMS, MaxDelayMs: d.MaxDelayMS}
	}
}

func onceToWire(o *shard.Once) *wire.IdempotencyKey {
	if o == nil {
		return nil
	}
	return &wire.IdempotencyKey{
		Key: o.Key, TtlMs: o.TTLMS, Hold: numberOf(holds, o.Hold.String()), OnCollision: wire.Collision(o.Taken),
	}
}

// onceFromWire passes a hold or a collision that is not known: edge/admit refuses it.
func onceFromWire(k *wire.IdempotencyKey) *shard.Once {
	if k == nil {
		return nil
	}
	return &shard.Once{
		Key: k.GetKey(), TTLMS: k.GetTtlMs(), Hold: core.ParseOnceHold(nameOf(holds, k.GetHold())),
		Taken: takenOf(nameOf(collisions, k.GetOnCollision())),
	}
}

// noCollision is what a collision becomes that does not exist.
const noCollision core.OnceTaken = 255

func takenOf(collision string) core.OnceTaken {
	if taken, known := shard.Collisions[collision]; known {
		return taken
	}
	return noCollision
}
