package cron

import (
	"math"
	"time"
)

// forever stands for the end of what has none, and its negative for the beginning.
// Half the range leaves room for offsets.
const forever = math.MaxInt64 / 2

// span is a stretch of time with one offset from UTC. Times are seconds since the
// Unix epoch; a wall time is what the clock on the wall would read if it were UTC.
type span struct {
	start, end int64 // [start, end)
	offset     int64
	seen       int64 // all wall times below came before the span, or were left out
}

// spanAt is the span of an instant.
func spanAt(zone *time.Location, at int64) span {
	start, end, offset := bounds(zone, at)
	s := span{start: start, end: end, offset: offset, seen: -forever}
	for start != -forever {
		before, _, offset := bounds(zone, start-1)
		s.seen = max(s.seen, start+offset)
		if start-before > farBack {
			break
		}
		start = before
	}
	if s.seen == -forever { // nothing came before: nothing is missing
		s.seen = s.start + s.offset
	}
	return s
}

// farBack is how long a span must be for its end to be later on the wall than all
// that came before: offsets lie less than two days apart.
const farBack = 48 * 60 * 60

// bounds is a stretch of one offset around an instant. It may be shorter than the
// whole: what meets with the same offset is no change.
func bounds(zone *time.Location, at int64) (start, end, offset int64) {
	t := time.Unix(at, 0).In(zone)
	first, last := t.ZoneBounds()
	start, end = -forever, forever
	if !first.IsZero() {
		start = min(first.Unix(), at)
	}
	if !last.IsZero() {
		end = last.Unix()
	}
	if end <= at { // ZoneBounds ends leap years on their 365th day: on the last one it looks back
		end = at + lookAgain
	}
	_, seconds := t.Zone()
	return start, end, int64(seconds)
}

// lookAgain is how far an offset is trusted to last on the last day of a leap year.
const lookAgain = 60 * 60

// daysMax is how far wall looks: February 29 may be eight years away, and the first
// day of a month on a given weekday twelve.
const daysMax = 13 * 366

// wall is the first wall time in [from, limit) that the expression allows.
func (s *Schedule) wall(from, limit int64) (int64, bool) {
	const daySeconds = 24 * 60 * 60
	if from >= limit {
		return 0, false
	}
	day := time.Unix(from, 0).UTC()
	second := day.Hour()*3600 + day.Minute()*60 + day.Second()
	midnight := from - int64(second)
	for range daysMax {
		if s.onDay(day) {
			if tick, ok := s.inDay(second); ok {
				at := midnight + int64(tick)
				return at, at < limit
			}
		}
		second, midnight, day = 0, midnight+daySeconds, day.AddDate(0, 0, 1)
		if midnight >= limit {
			break
		}
	}
	return 0, false
}

func (s *Schedule) onDay(t time.Time) bool {
	if !s.month.has(int(t.Month())) {
		return false
	}
	day, weekday := s.day.has(t.Day()), s.weekday.has(int(t.Weekday()))
	if s.either {
		return day || weekday
	}
	return day && weekday
}

// inDay is the first allowed second of a day from one on.
func (s *Schedule) inDay(from int) (int, bool) {
	h, m, sec := from/3600, from/60%60, from%60
	if s.hour.has(h) {
		if s.minute.has(m) {
			if next, ok := s.second.next(sec); ok {
				return h*3600 + m*60 + next, true
			}
		}
		if next, ok := s.minute.next(m + 1); ok {
			return h*3600 + next*60 + s.second.first(), true
		}
	}
	next, ok := s.hour.next(h + 1)
	return next*3600 + s.minute.first()*60 + s.second.first(), ok
}
