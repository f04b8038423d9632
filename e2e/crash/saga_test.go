package crash_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"time"

	"github.com/adzehq/adze"
)

// saga is the input of a durable task that does one thing after the other, and of an
// ordinary one that spawns children.
type saga struct {
	N        int64 // tells submits apart, also those without an answer
	Deeds    []deed
	Stumbles bool // its first attempt fails half-way
	Lodger   bool // it has a child that sleeps until it is cancelled with its parent
}

// deed is one thing that a saga does.
type deed struct {
	Kind deedKind
	N    int64 // what comes of it
	MS   int64 // how long it takes, if it does
}

type deedKind int

// The deeds.
const (
	runsStep      deedKind = iota
	runsStepAgain          // its first try fails
	sleeps                 // for MS
	takesEvent             // which may have come before
	takesSignal
	callsChild
	callsChildren // several
	racesChild    // against a timer that does not win
	deedKinds     // how many there are
)

const (
	// several children have a deed in common.
	several = 3
	// sagaRetries are more than the engines that die while a child is submitted.
	sagaRetries  = 50
	stepPause    = 10 * time.Millisecond
	lodgersSleep = 24 * time.Hour
	eventKey     = "happened"
	valueName    = "sum"
)

// worth is what a deed adds to the sum.
func (d deed) worth() int64 {
	if d.Kind == callsChildren {
		return several * d.N
	}
	return d.N
}

// sum is the output of a saga.
func (s saga) sum() (sum int64) {
	for _, d := range s.Deeds {
		sum += d.worth()
	}
	return sum
}

// portions is the output of a saga that was done by children, one for each deed.
func (s saga) portions() (sum int64) {
	for _, d := range s.Deeds {
		sum += d.N
	}
	return sum
}

// leaves is how many children a saga has for its deeds.
func (s saga) leaves() (n int64) {
	for _, d := range s.Deeds {
		switch d.Kind {
		case callsChild, racesChild:
			n++
		case callsChildren:
			n += several
		}
	}
	return n
}

// log is the kinds of entries in the log of a saga that has ended.
func (s saga) log() (kinds []string) {
	if s.Lodger {
		kinds = append(kinds, "spawn")
	}
	for _, d := range s.Deeds {
		switch d.Kind {
		case runsStep, runsStepAgain:
			kinds = append(kinds, "step")
		case sleeps, takesEvent, takesSignal:
			kinds = append(kinds, "wait")
		default:
			kinds = append(kinds, "spawn", "wait")
		}
	}
	return append(kinds, "value")
}

// place names a deed: its step, its signal.
func place(deed int) string { return "deed" + strconv.Itoa(deed) }

// scope is that of the event which a deed of a saga takes.
func (s saga) scope(deed int) string { return fmt.Sprintf("%d.%d", s.N, deed) }

// troupe is the tasks of sagas, as clients know them, or workers.
type troupe struct {
	saga   *adze.Task[saga, int64]
	boss   *adze.Task[saga, int64]  // the children of its deeds are an ordinary task's
	leaf   *adze.Task[deed, int64]  // child of both
	lodger *adze.Task[int64, int64] // sleeps until that time, in ms
}

func newTroupe(client *adze.Client, ledger *os.File) *troupe {
	patient := []adze.TaskOption{adze.Retries(sagaRetries), adze.Backoff(retryPause, 2, retryPauseMax)}
	t := &troupe{}
	t.leaf = adze.NewTask("leaf", grow, patient...)
	t.lodger = adze.NewDurable("lodger", lodge, patient...)
	t.saga = adze.NewDurable("saga", func(ctx context.Context, in saga) (int64, error) {
		p := &performance{troupe: t, saga: in, ledger: ledger, task: adze.TaskID(ctx), call: mark()}
		return p.perform(ctx)
	}, patient...)
	t.boss = adze.NewTask("boss", func(ctx context.Context, in saga) (int64, error) {
		return t.delegate(ctx, client, in)
	}, patient...)
	return t
}

func mark() string { return strconv.FormatUint(rand.Uint64(), 36) }

// grow gives the deed's number, now and then in its second attempt.
func grow(ctx context.Context, d deed) (int64, error) {
	if err := pause(ctx, d.MS); err != nil {
		return 0, err
	}
	if d.N%7 == 0 && adze.Attempt(ctx) == 1 {
		return 0, errors.New("not this time")
	}
	return d.N, nil
}

func pause(ctx context.Context, ms int64) error {
	timer := time.NewTimer(time.Duration(ms) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// lodge gives how many milliseconds too late it woke up.
func lodge(ctx context.Context, until int64) (int64, error) {
	if err := adze.SleepUntil(ctx, time.UnixMilli(until)); err != nil {
		return 0, err
	}
	late := time.Now().UnixMilli() - until
	if late < 0 {
		return 0, adze.NonRetryable(fmt.Errorf("woke up %d ms too early", -late))
	}
	return late, nil
}

// delegate has children do the deeds, all at once.
func (t *troupe) delegate(ctx context.Context, client *adze.Client, in saga) (sum int64, err error) {
	if in.Lodger {
		if _, err := t.lodger.Run(ctx, client, time.Now().Add(lodgersSleep).UnixMilli(), adze.CancelWithParent()); err != nil {
			return 0, err
		}
	}
	first, err := t.leaf.Run(ctx, client, in.Deeds[0], adze.Key("first"))
	if err != nil {
		return 0, err
	}
	rest, err := t.leaf.RunMany(ctx, client, in.Deeds[1:])
	if err != nil {
		return 0, err
	}
	if in.Stumbles && adze.Attempt(ctx) == 1 {
		return 0, errors.New("stumbled")
	}
	for _, child := range append(rest, first) {
		n, err := child.Result(ctx)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// performance is one call of the function of a saga.
type performance struct {
	*troupe
	saga
	ledger *os.File
	task   adze.ID
	call   string // no other call's
}

// note appends a line to the ledger, at once: it stays when the process is killed.
func (p *performance) note(what, place, mark string) error {
	_, err := fmt.Fprintf(p.ledger, "%s %d %s %s %s\n", what, int64(p.task), p.call, place, mark)
	return err
}

func (p *performance) perform(ctx context.Context) (sum int64, err error) {
	if err := p.note(noteCall, none, none); err != nil {
		return 0, err
	}
	if p.Lodger {
		if _, err := adze.Start(ctx, p.lodger, adze.Now(ctx).Add(lodgersSleep).UnixMilli(), adze.CancelWithParent()); err != nil {
			return 0, err
		}
	}
	for i, d := range p.Deeds {
		if p.Stumbles && i == len(p.Deeds)/2 && adze.Attempt(ctx) == 1 {
			return 0, errors.New("stumbled")
		}
		n, err := p.do(ctx, i, d)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", place(i), err)
		}
		sum += n
	}
	return sum, adze.SetValue(ctx, valueName, sum)
}

func (p *performance) do(ctx context.Context, i int, d deed) (int64, error) {
	switch d.Kind {
	case sleeps:
		return d.N, p.sleep(ctx, time.Duration(d.MS)*time.Millisecond)
	case takesEvent:
		return adze.WaitEvent[int64](ctx, eventKey, adze.Scope(p.scope(i)), adze.LookBack(time.Hour))
	case takesSignal:
		return adze.WaitSignal[int64](ctx, place(i))
	case callsChild:
		return adze.Call(ctx, p.leaf, d)
	case callsChildren:
		all, err := adze.CallMany(ctx, p.leaf, []deed{d, d, d})
		sum := int64(0)
		for _, n := range all {
			sum += n
		}
		return sum, err
	case racesChild:
		return p.race(ctx, d)
	}
	return p.step(ctx, i, d)
}

// sleep holds the sleep against the clock of the log.
func (p *performance) sleep(ctx context.Context, d time.Duration) error {
	begin := adze.Now(ctx)
	if err := adze.Sleep(ctx, d); err != nil {
		return err
	}
	if slept := adze.Now(ctx).Sub(begin); slept < d {
		return adze.NonRetryable(fmt.Errorf("slept for %v instead of %v", slept, d))
	}
	return nil
}

func (p *performance) race(ctx context.Context, d deed) (int64, error) {
	child, err := adze.Start(ctx, p.leaf, d)
	if err != nil {
		return 0, err
	}
	if _, err := adze.Any(ctx, adze.OnSleep(time.Hour), child); err != nil {
		return 0, err
	}
	if !child.Met() {
		return 0, adze.NonRetryable(errors.New("an hour went by"))
	}
	return child.Result(ctx)
}

// record is what a step gives.
type record struct {
	Mark string // no other try's
	N    int64
}

// step runs a step that notes each try, and notes what it was told to be recorded.
func (p *performance) step(ctx context.Context, i int, d deed) (int64, error) {
	tries := 0
	out, err := adze.Step(ctx, place(i), func(ctx context.Context) (record, error) {
		if err := p.note(noteBegan, place(i), none); err != nil {
			return record{}, err
		}
		if err := pause(ctx, d.MS); err != nil {
			return record{}, err
		}
		if tries++; tries == 1 && d.Kind == runsStepAgain {
			return record{}, errors.New("not this time")
		}
		out := record{mark(), d.N}
		return out, p.note(noteRan, place(i), out.Mark)
	}, adze.StepRetries(1), adze.StepBackoff(stepPause, 1, stepPause))
	if err != nil {
		return 0, err
	}
	return out.N, p.note(noteTold, place(i), out.Mark)
}

// The words that begin a line of the ledger.
const (
	noteCall  = "call"  // the function was called
	noteBegan = "began" // a try of a step
	noteRan   = "ran"   // a try came to its end
	noteTold  = "told"  // the function was given what is recorded
)
