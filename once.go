package adze

import (
	"time"

	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
)

// onceHeldDefault is how long a key is held if nothing else is said: longer than anybody
// tries a request again.
const onceHeldDefault = 24 * time.Hour

// Once lets the run start only if no other run of the tenant holds the key: of all that
// are submitted with it, by whatever program and for whatever task, one is. From then on
// the run holds the key for a day, or as the options say; another one is refused meanwhile
// with an [*Error] of kind KindConflict whose Run is the one that holds it. It goes before
// the key that the task declares with [OnceBy]. 1–512 bytes without control characters.
func Once(key string, options ...OnceOption) RunOption {
	return func(r *newRun) error {
		i := newIdempotency(options)
		r.NewRun.Once = &shard.Once{
			Key: key, TTLMS: i.TTLMS, Hold: core.ParseOnceHold(i.Hold), Taken: shard.Collisions[i.OnCollision],
		}
		return nil
	}
}

// OnceBy is [Once] for all runs of a task or workflow, however they are started: its key
// is what a CEL expression gives for the input and the metadata of a run, such as
// "input.order". One for which it gives an empty text has no key. An event or a tick of a
// schedule whose run is refused starts none, and says so.
func OnceBy(expression string, options ...OnceOption) TaskOption {
	return func(w *workflow) {
		w.Idempotency = newIdempotency(options)
		w.Idempotency.Key = expression
	}
}

// Singleton lets a task or workflow have one open run at a time: another one is refused
// until that has ended, or as the options say.
func Singleton(options ...OnceOption) TaskOption {
	return OnceBy("", append([]OnceOption{HeldUntilEnd()}, options...)...)
}

// Debounce starts the last of a burst of runs only. A run waits for period; one with the
// same key that comes meanwhile takes its place, and waits in turn, but no longer than
// longest after the first of the burst; 0 = no bound. The runs whose place was taken are
// cancelled, with an error that names the next. The key is what a CEL expression gives for
// the input and the metadata of a run, such as "input.document"; with an empty expression
// all runs of the task have the same. What a schedule starts is not debounced.
func Debounce(expression string, period, longest time.Duration) TaskOption {
	return func(w *workflow) {
		w.Debounce = &shard.Debounce{Key: expression, PeriodMS: wholeMS(period), MaxDelayMS: wholeMS(longest)}
	}
}

// OnceOption says how long a key is held, and what becomes of a run whose key another one
// holds.
type OnceOption func(*shard.Idempotency)

func newIdempotency(options []OnceOption) *shard.Idempotency {
	i := &shard.Idempotency{TTLMS: onceHeldDefault.Milliseconds(), Hold: "ttl", OnCollision: "reject"}
	for _, o := range options {
		o(i)
	}
	return i
}

// HeldFor has the key held for d, in whole milliseconds, however the run ends; at most ten
// years.
func HeldFor(d time.Duration) OnceOption {
	return func(i *shard.Idempotency) { i.Hold, i.TTLMS = "ttl", wholeMS(d) }
}

// HeldUntilEnd has the key held until the run ends, and not a moment longer.
func HeldUntilEnd() OnceOption {
	return func(i *shard.Idempotency) { i.Hold, i.TTLMS = "run", 0 }
}

// HeldUntilEndFor is HeldUntilEnd with a bound: after d the key is free though the run is
// open.
func HeldUntilEndFor(d time.Duration) OnceOption {
	return func(i *shard.Idempotency) { i.Hold, i.TTLMS = "run", wholeMS(d) }
}

// OrExisting answers with the run that holds the key instead of refusing the new one; see
// [Run.Existed].
func OrExisting() OnceOption { return func(i *shard.Idempotency) { i.OnCollision = "existing" } }

// OrReplace lets the new run take the place of the one that holds the key, which is
// cancelled, if no worker was ever given that one. Else the new one is refused.
func OrReplace() OnceOption { return func(i *shard.Idempotency) { i.OnCollision = "replace" } }
