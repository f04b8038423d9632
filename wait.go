package adze

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
)

// Sleep lets a durable function wait for d, at most ten years. Only a short sleep takes
// up a slot of the worker; the function need not be on any worker meanwhile.
func Sleep(ctx context.Context, d time.Duration) error {
	_, err := Any(ctx, OnSleep(d))
	return err
}

// SleepUntil lets a durable function wait until t, to the millisecond. A time that is
// over does not wait.
func SleepUntil(ctx context.Context, t time.Time) error {
	_, err := Any(ctx, OnTime(t))
	return err
}

// WaitEvent lets a durable function wait for an event of that key, and returns its
// payload. It takes the first one that comes once the wait is recorded; [LookBack] finds
// those that came before.
func WaitEvent[T any](ctx context.Context, key string, options ...WaitOption) (T, error) {
	e := OnEvent[T](key, options...)
	_, err := Any(ctx, e)
	return e.payload, err
}

// Condition is what a durable function can wait for: [OnSleep], [OnTime], [OnEvent],
// [OnSignal], a [Child], or [Either] of several. It may be waited for again after it was
// met, but not by two functions.
type Condition interface {
	// Met reports whether the last wait that the condition was part of ended with it.
	Met() bool

	terms() []term
}

// term is a Condition that the engine knows.
type term interface {
	name() string
	// condition is what is recorded: it is made when the code comes here for the first time.
	condition(l *logbook) core.Condition
	// longer reports whether it is known to take longer than d.
	longer(d time.Duration) bool
	// begin forgets what a wait before did.
	begin()
	// take is told what met it.
	take(l *logbook, met *core.Met) error
}

// Any lets a durable function wait until one of the conditions is met, at most 30, and
// returns which it was; of several the first. One that was met says so, and has what came.
//
//	paid, late := adze.OnEvent[Payment]("paid", adze.Scope(order.ID)), adze.OnSleep(24*time.Hour)
//	first, err := adze.Any(ctx, paid, late)
//	if err == nil && first == late {
//		…
//	}
func Any(ctx context.Context, conditions ...Condition) (Condition, error) {
	if err := wait(ctx, []Condition{Either(conditions...)}); err != nil {
		return nil, err
	}
	return conditions[slices.IndexFunc(conditions, Condition.Met)], nil
}

// All lets a durable function wait until all of the conditions are met, at most 30.
func All(ctx context.Context, conditions ...Condition) error { return wait(ctx, conditions) }

// Either is met when one of the conditions is: it lets [All] wait for one of several
// among others. Of them, those are Met that came before the wait was over.
func Either(conditions ...Condition) Condition { return either(conditions) }

type either []Condition

func (e either) Met() bool { return slices.ContainsFunc(e, Condition.Met) }

func (e either) terms() []term {
	var all []term
	for _, c := range e {
		all = append(all, c.terms()...)
	}
	return all
}

// wait is over once each of the groups has a condition that is met.
func wait(ctx context.Context, groups []Condition) error { return waitFor(ctx, newPlan(groups)) }

func waitFor(ctx context.Context, p *plan) error {
	l, done, err := begin(ctx)
	if err != nil {
		return fmt.Errorf("wait for %s: %w", p.name, err)
	}
	defer done()
	index, err := l.wait(p)
	if err != nil {
		return err
	}
	mets, err := l.await(ctx, index, p)
	if err != nil {
		return err
	}
	for i := range mets {
		l.reach(mets[i].At)
		if err := p.terms[mets[i].Condition].take(l, &mets[i]); err != nil {
			return NonRetryable(fmt.Errorf("wait for %s: %w", p.name, err))
		}
	}
	return nil
}

// plan is a wait as the engine knows it.
type plan struct {
	name   string
	terms  []term
	groups []int32 // of each term
}

func newPlan(groups []Condition) *plan {
	p := &plan{}
	parts := make([]string, len(groups))
	for i, g := range groups {
		var names []string
		for _, t := range g.terms() {
			t.begin()
			p.terms, p.groups = append(p.terms, t), append(p.groups, int32(i))
			names = append(names, t.name())
		}
		parts[i] = strings.Join(names, " or ")
	}
	p.name = cut(strings.Join(parts, " and "), admit.EntryNameBytesMax)
	return p
}

// cut is s with at most n bytes, of whole characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// long reports whether the wait is known to be longer than d: so is each term of a group.
func (p *plan) long(d time.Duration) bool {
	short := map[int32]bool{}
	for i, t := range p.terms {
		short[p.groups[i]] = short[p.groups[i]] || !t.longer(d)
	}
	for _, is := range short {
		if !is {
			return true
		}
	}
	return false
}

// wait finds the wait in the log or records it, and gives its place there.
func (l *logbook) wait(p *plan) (index int32, err error) {
	recorded, err := l.next(core.EntryWait, cmp.Or(p.name, "nothing"))
	if err != nil {
		return 0, err
	}
	if recorded != nil {
		if len(recorded.Conditions) != len(p.terms) {
			return 0, l.depart(recorded, fmt.Sprintf("%s of %d conditions", what(core.EntryWait, p.name), len(p.terms)))
		}
		return recorded.Index, nil
	}
	e := core.NewEntry{Kind: core.EntryWait, Name: cmp.Or(p.name, "nothing")}
	for i, t := range p.terms {
		c := t.condition(l)
		c.Group = p.groups[i]
		e.Conditions = append(e.Conditions, c)
	}
	if !p.long(waitPatience) {
		_, err := l.record(entry{NewEntry: e})
		return l.size, err
	}
	parting, err := l.number([]entry{{NewEntry: e}})
	if err != nil {
		return 0, err
	}
	l.leave(parting...)
	return 0, nil
}

// await gives the conditions that ended the wait at index, in the order they were met.
func (l *logbook) await(ctx context.Context, index int32, p *plan) ([]core.Met, error) {
	patience := time.NewTimer(waitPatience)
	defer patience.Stop()
	for {
		if mets := p.enough(l.attempt.worker.metsOf(l, index)); mets != nil {
			return mets, nil
		}
		select {
		case <-l.changed:
		case <-patience.C:
			l.leave()
		case <-ctx.Done():
			return nil, cmp.Or(l.stopped(), context.Cause(ctx))
		}
	}
}

// enough is the part of mets, which are in order, that ends the wait; nil if they do not.
// What came later does not count, or the code would see more when it is called again.
func (p *plan) enough(mets []core.Met) []core.Met {
	left := map[int32]bool{}
	for _, g := range p.groups {
		left[g] = true
	}
	for i := range mets {
		delete(left, p.groups[mets[i].Condition])
		if len(left) == 0 {
			return mets[:i+1]
		}
	}
	return nil
}

// OnSleep is met d after the wait for it began, at most ten years.
func OnSleep(d time.Duration) *Timer { return &Timer{ms: wholeMS(d)} }

// OnTime is met at t, to the millisecond.
func OnTime(t time.Time) *Timer { return &Timer{at: t} }

// Timer is the [Condition] that a time has come.
type Timer struct {
	ms  int64     // how long; or
	at  time.Time // until when
	met bool
}

// Met reports whether the time had come when the wait ended.
func (t *Timer) Met() bool { return t.met }

func (t *Timer) terms() []term { return []term{t} }
func (t *Timer) name() string  { return "sleep" }
func (t *Timer) begin()        { t.met = false }

func (t *Timer) condition(*logbook) core.Condition {
	if t.at.IsZero() && t.ms != 0 {
		return core.Condition{Kind: core.OnSleep, ForMS: t.ms}
	}
	return core.Condition{Kind: core.OnSleep, Due: core.Time(max(1, milli(t.at)))}
}

func (t *Timer) longer(d time.Duration) bool {
	if t.at.IsZero() {
		return t.ms > d.Milliseconds()
	}
	return time.Until(t.at) > d
}

func (t *Timer) take(*logbook, *core.Met) error {
	t.met = true
	return nil
}

// OnEvent is met by an event of that key, see [WaitEvent].
func OnEvent[T any](key string, options ...WaitOption) *EventWait[T] {
	e := &EventWait[T]{wanted: wanted{key: key}}
	for _, o := range options {
		o.applyWait(&e.wanted)
	}
	return e
}

// EventWait is the [Condition] that an event has come.
type EventWait[T any] struct {
	wanted
	met     bool
	payload T
	id      id.ID
}

// wanted is which events a wait takes. Waits that want the same take one after the other.
type wanted struct {
	key      string
	scope    string
	scoped   bool
	signal   bool
	filter   string
	lookBack time.Duration // 0 = none
}

// Met reports whether the event was among what ended the wait.
func (e *EventWait[T]) Met() bool { return e.met }

// Payload is what came with the event; the zero value if none was met.
func (e *EventWait[T]) Payload() T { return e.payload }

func (e *EventWait[T]) terms() []term             { return []term{e} }
func (e *EventWait[T]) longer(time.Duration) bool { return false }

func (e *EventWait[T]) name() string {
	if e.signal {
		return "signal " + e.key
	}
	return "event " + e.key
}

func (e *EventWait[T]) begin() {
	var none T
	e.met, e.payload, e.id = false, none, 0
}

func (e *EventWait[T]) condition(l *logbook) core.Condition {
	c := core.Condition{
		Kind: core.OnEvent, Key: e.key, Scope: e.scope, Scoped: e.scoped, Signal: e.signal, Filter: e.filter,
	}
	switch before := l.heard[e.wanted]; {
	case e.signal: // none that was sent is missed
		c.After = max(before, cmp.Or(l.attempt.Run, l.attempt.Task))
	case e.lookBack > 0:
		c.After = max(before, idOf(timeOf(l.now.Load()).Add(-e.lookBack)))
	}
	return c
}

func (e *EventWait[T]) take(l *logbook, met *core.Met) error {
	e.met, e.id = true, met.Event
	l.heard[e.wanted] = met.Event
	if err := json.Unmarshal(met.Data, &e.payload); err != nil {
		return fmt.Errorf("decode event %s: %w", ID(met.Event), err)
	}
	return nil
}

// WaitOption says which events a wait takes: [Scope], [If] and [LookBack].
type WaitOption interface{ applyWait(*wanted) }

type waitOption func(*wanted)

func (o waitOption) applyWait(w *wanted) { o(w) }

// LookBack takes an event also if it came before the wait, up to d before the last thing
// that the function did. Of waits that are alike, each takes another event.
func LookBack(d time.Duration) WaitOption {
	return waitOption(func(w *wanted) { w.lookBack = d })
}
