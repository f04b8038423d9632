package core

import (
	"cmp"
	"container/heap"
	"maps"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
)

// Bounds of rate limits. With them a debt, which is units times milliseconds, and what
// is added to it at a time, are far from the end of an int64.
const (
	// RateLimitMax is how many units a rate limit may have in a period, and a task may
	// need.
	RateLimitMax = 100_000_000

	// RatePeriodMaxMS is the longest period: a leap year.
	RatePeriodMaxMS = 366 * 24 * 60 * 60 * 1_000

	// RateKeysMax is how many keys of a shard may be drawn from before one of them is
	// full again. Tasks of further keys wait until then.
	RateKeysMax = 250_000

	// RatesMax is how many rate limits a task may draw from.
	RatesMax = 8
)

// rate is a rate limit of a tenant: so many units in each period, for each of its keys.
type rate struct {
	shard  *Shard
	tenant id.ID
	name   string
	settings[RateSetting]
	buckets map[string]*bucket // those that are not full, or that someone waits for
}

// bucket is the units of one key, and who waits for some.
//
// What was drawn is a debt, counted in units times the milliseconds of the period, so
// that all is exact in integers. A unit drawn adds the period. If the rate limit is
// smooth, each millisecond takes the limit off again; if not, the debt is gone a period
// after the first unit of it was drawn. With no debt the bucket is full, and has no row.
type bucket struct {
	rate   *rate
	key    string
	debt   int64
	since  Time  // smooth: up to when the debt is reckoned; else when its first unit was drawn
	period int64 // ms, with debt: what it is counted in
	given  int32 // the smallest limit of tasks that drew since it was full; 0 = none gave one

	lines []*rateLine // who waits; of each class one line, in turns
	saves *class      // that it saves up for, see saveFor; nil = for none
	due   Time        // in Shard.filling: when to look again, or sooner than need be
	seat  int         // in Shard.filling; -1 = not there
	dirty bool        // in Shard.drawn
	saved bool        // has a row
}

// RateState is the row of a key that is not full.
type RateState struct {
	RateName
	Debt     int64 // units × ms of the period
	Since    Time  // up to when it is reckoned; of a fixed window: when that began
	PeriodMS int64
	Limit    int32 // the smallest that tasks gave which drew since it was full; 0 = none did
}

// RateName names a key of a rate limit.
type RateName struct {
	Tenant    id.ID
	Name, Key string
}

// Compare orders the names of keys.
func (r RateName) Compare(other RateName) int {
	return cmp.Or(cmp.Compare(r.Tenant, other.Tenant), cmp.Compare(r.Name, other.Name), cmp.Compare(r.Key, other.Key))
}

func (s *Shard) rate(tenant id.ID, name string) *rate {
	key := queueKey{tenant, name}
	r := s.rates[key]
	if r == nil {
		r = &rate{shard: s, tenant: tenant, name: name, buckets: map[string]*bucket{}}
		s.rates[key] = r
	}
	return r
}

func (r *rate) bucket(key string) *bucket {
	b := r.buckets[key]
	if b == nil {
		b = &bucket{rate: r, key: key, seat: -1}
		r.buckets[key] = b
	}
	return b
}

// demand is what a task needs of a bucket, and the smallest limit that it gives; 0 = none.
type demand struct {
	units int64
	given int32
}

// and is what two tasks need one after the other.
func (d demand) and(other demand) demand {
	return demand{d.units + other.units, smaller(d.given, other.given)}
}

// smaller is the smaller of two limits that tasks gave, if both did.
func smaller(a, b int32) int32 {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

// limit is how many units a period has: what was set for the key, else the smallest that
// tasks gave which drew since it was full, else what holds for all keys; 0 = nobody said,
// or nothing may be drawn.
func (b *bucket) limit() int64 { return b.limitWith(b.given) }

// limitFor is the limit within which a task may draw. What it gives counts for others only
// once it has drawn: then a row tells of it, and those that wait in Postgres need not be
// asked.
func (b *bucket) limitFor(d demand) int64 { return b.limitWith(smaller(b.given, d.given)) }

// limitWith is the limit if given were the only one that a task gave.
func (b *bucket) limitWith(given int32) int64 {
	if own, ok := b.rate.of(b.key); ok {
		return int64(own.Limit)
	}
	if given > 0 && b.length() > 0 {
		return int64(given)
	}
	return int64(b.rate.all().Limit)
}

// scale is the period that debts of now are counted in; 0 = it is not known.
func (b *bucket) scale() int64 {
	if b.debt > 0 {
		return b.period
	}
	return b.length()
}

// length is how long a period is by now: what was set for the key, else what holds for
// all keys; 0 = nobody said.
func (b *bucket) length() int64 {
	if own, ok := b.rate.of(b.key); ok && own.PeriodMS > 0 {
		return own.PeriodMS
	}
	return b.rate.all().PeriodMS
}

// pausedUntil is until when nothing is drawn of the key.
func (b *bucket) pausedUntil() Time {
	own, _ := b.rate.of(b.key)
	return max(own.PausedUntil, b.rate.all().PausedUntil)
}

// refill takes off the debt what time has paid.
func (b *bucket) refill() {
	now := b.rate.shard.now
	owed := b.owedAt(now)
	if owed != b.debt || b.rate.all().Smooth { // of a fixed window nothing is owed now
		b.since = max(b.since, now)
	}
	b.owe(owed)
	if b.debt == 0 {
		b.given = 0
	}
}

// owedAt is the debt at a time.
func (b *bucket) owedAt(now Time) int64 {
	if b.debt == 0 || now <= b.since {
		return b.debt
	}
	elapsed := min(int64(now-b.since), RatePeriodMaxMS)
	switch {
	case b.rate.all().Smooth:
		return max(0, b.debt-elapsed*b.limit())
	case elapsed >= b.period:
		return 0
	}
	return b.debt
}

// owe changes the debt.
func (b *bucket) owe(debt int64) {
	s := b.rate.shard
	switch {
	case b.debt == 0 && debt > 0:
		s.owing++
	case b.debt > 0 && debt == 0:
		s.owing--
		b.touch()
	}
	b.debt = debt
}

// has tells whether so much can be drawn now.
func (b *bucket) has(d demand) bool {
	period := b.scale()
	if period == 0 || b.debt == 0 && b.rate.shard.owing >= b.rate.shard.owingMax || b.pausedUntil() > b.rate.shard.now {
		return false
	}
	return b.debt+d.units*period <= b.limitFor(d)*period
}

// spend draws so much. What is owed was reckoned before, by the limit until now.
func (b *bucket) spend(d demand) {
	period := b.scale()
	if b.debt == 0 {
		b.since, b.period = b.rate.shard.now, period
	}
	b.owe(b.debt + d.units*period)
	b.given = smaller(b.given, d.given)
	b.touch()
	b.lookAt(b.full())
}

// spent is the debt in units; a part of one counts as a whole one.
func (b *bucket) spent() int64 {
	if b.debt == 0 {
		return 0
	}
	return (b.debt + b.period - 1) / b.period
}

// touch has the row written at the end of this Apply.
func (b *bucket) touch() {
	if !b.dirty {
		b.dirty = true
		b.rate.shard.drawn = append(b.rate.shard.drawn, b)
	}
}

// full is when nothing is owed any more if nothing else is drawn; 0 = never.
func (b *bucket) full() Time {
	if !b.rate.all().Smooth {
		return b.since + Time(b.period)
	}
	return b.paid(b.debt)
}

// when is the time at which so much can be drawn if nothing else is; 0 = never.
func (b *bucket) when(d demand) Time {
	s := b.rate.shard
	if until := b.pausedUntil(); until > s.now {
		return until
	}
	limit := b.limitFor(d)
	over := b.debt + (d.units-limit)*b.scale()
	switch {
	case b.debt == 0 && s.owing >= s.owingMax && len(s.filling) > 0:
		return max(s.now+1, s.filling[0].due)
	case b.debt == 0:
		return 0
	case d.units > limit || !b.rate.all().Smooth:
		return b.full() // from then on other tasks' limits do not count
	}
	return b.paid(over)
}

// paid is when time has paid so much, smoothly.
func (b *bucket) paid(debt int64) Time {
	limit := b.limit()
	if limit == 0 {
		return 0
	}
	return b.since + Time((debt+limit-1)/limit)
}

// rescale counts the debt in the period of now. A part of a unit counts as a whole one.
func (b *bucket) rescale() {
	if period := b.length(); b.debt > 0 && period > 0 && period != b.period {
		b.debt, b.period = b.spent()*period, period
	}
}

// setRate changes how a rate limit works. What was drawn stays drawn.
func (s *Shard) setRate(setting *Setting) {
	r := s.rate(setting.Tenant, setting.Name)
	keys := slices.Sorted(maps.Keys(r.buckets))
	for _, key := range keys {
		r.buckets[key].refill() // as it worked until now
	}
	r.change(setting, setting.Rate)
	for _, key := range keys {
		b := r.buckets[key]
		if b.rescale(); b.debt > 0 {
			b.touch()
			b.lookAt(b.full())
		}
		b.look()
	}
}

// restoreRates goes on with what the owner before had written: what it spent and did
// not write, it did not tell anybody of.
func (s *Shard) restoreRates(rows []RateState) {
	for i := range rows {
		row := &rows[i]
		b := s.rate(row.Tenant, row.Name).bucket(row.Key)
		b.owe(row.Debt)
		b.since, b.period, b.given, b.saved = row.Since, row.PeriodMS, row.Limit, true
		b.lookAt(b.full())
	}
}

// writeRates writes what was drawn, and deletes the rows of what is full.
func (s *Shard) writeRates() {
	for i, b := range s.drawn {
		name := RateName{b.rate.tenant, b.rate.name, b.key}
		switch {
		case b.debt > 0:
			s.out.Rates = append(s.out.Rates, RateState{name, b.debt, b.since, b.period, b.given})
			b.saved = true
		case b.saved:
			s.out.ClosedRates = append(s.out.ClosedRates, name)
			b.saved = false
		}
		b.dirty, s.drawn[i] = false, nil
		b.tidy()
	}
	s.drawn = s.drawn[:0]
}

// tidy forgets a bucket that is full and nobody waits for.
func (b *bucket) tidy() {
	if b.debt > 0 || len(b.lines) > 0 || b.dirty || b.rate.buckets[b.key] != b {
		return
	}
	if b.seat >= 0 {
		heap.Remove(&b.rate.shard.filling, b.seat)
	}
	delete(b.rate.buckets, b.key)
}

// lookAt has the bucket looked at by then.
func (b *bucket) lookAt(at Time) {
	switch s := b.rate.shard; {
	case at == 0 || b.seat >= 0 && b.due <= at:
	case b.seat >= 0:
		b.due = at
		heap.Fix(&s.filling, b.seat)
	default:
		b.due = at
		heap.Push(&s.filling, b)
	}
}

// fill looks at the buckets whose time has come.
func (s *Shard) fill() {
	for len(s.filling) > 0 && s.filling[0].due <= s.now {
		b := heap.Pop(&s.filling).(*bucket)
		b.look()
		if b.debt > 0 {
			b.lookAt(b.full())
		}
		b.tidy()
	}
}

// filling is the buckets by when they are to be looked at: a heap for container/heap.
type filling []*bucket

func (f filling) Len() int           { return len(f) }
func (f filling) Less(i, j int) bool { return f[i].due < f[j].due }

func (f filling) Swap(i, j int) {
	f[i], f[j] = f[j], f[i]
	f[i].seat, f[j].seat = i, j
}

func (f *filling) Push(b any) {
	b.(*bucket).seat = len(*f)
	*f = append(*f, b.(*bucket))
}

func (f *filling) Pop() any {
	last := len(*f) - 1
	b := (*f)[last]
	(*f)[last] = nil
	*f = (*f)[:last]
	b.seat = -1
	return b
}
