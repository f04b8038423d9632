package cron

import (
	"strings"
	"time"
	_ "time/tzdata" // zones of its own: no machine needs zone files

	"github.com/adzehq/adze/internal/base/fault"
)

const (
	// BytesMax bounds the text of an expression, and that of a zone.
	BytesMax = 255

	// PreviewMax is how many ticks a preview gives at most.
	PreviewMax = 100

	// EveryMin and EveryMax bound the pause of @every.
	EveryMin = time.Second
	EveryMax = 366 * 24 * time.Hour
)

// Schedule is a parsed expression in its zone. It is safe for concurrent use.
type Schedule struct {
	zone  *time.Location
	every time.Duration // of @every; then there are no fields

	second, minute, hour, day, month, weekday set

	// either is with a day of the month and a weekday that are both restricted: then
	// a day needs to be in one of them only.
	either bool
	// interval expressions tick each time that a local time comes.
	interval bool
}

// Parse reads an expression; zone is an IANA name, empty for UTC. Its errors are
// about the fields "expression" and "zone".
func Parse(expression, zone string) (*Schedule, error) {
	location, err := location(zone)
	if err != nil {
		return nil, err
	}
	s := &Schedule{zone: location}
	text := strings.TrimSpace(expression)
	if len(text) > BytesMax {
		return nil, invalid("%d bytes are too long: at most %d", len(text), BytesMax)
	}
	if rest, ok := strings.CutPrefix(text, "@every "); ok {
		s.every, err = parseEvery(strings.TrimSpace(rest))
		return s, err
	}
	if strings.HasPrefix(text, "@") {
		if text, err = descriptor(text); err != nil {
			return nil, err
		}
	}
	if err := s.parseFields(strings.Fields(text)); err != nil {
		return nil, err
	}
	return s, nil
}

func location(zone string) (*time.Location, error) {
	if zone == "" || zone == "UTC" {
		return time.UTC, nil
	}
	const want = `it must be an IANA name like "Europe/Berlin", or empty for UTC`
	if zone == "Local" || len(zone) > BytesMax {
		return nil, fault.New(fault.Invalid, "zone", "%.40q is not a time zone: %s", zone, want)
	}
	location, err := time.LoadLocation(zone)
	if err != nil {
		return nil, fault.New(fault.Invalid, "zone", "%q is not a time zone: %s", zone, want)
	}
	return location, nil
}

func descriptor(text string) (string, error) {
	switch text {
	case "@yearly", "@annually":
		return "0 0 1 1 *", nil
	case "@monthly":
		return "0 0 1 * *", nil
	case "@weekly":
		return "0 0 * * 0", nil
	case "@daily", "@midnight":
		return "0 0 * * *", nil
	case "@hourly":
		return "0 * * * *", nil
	}
	return "", invalid("no descriptor %q: there are @yearly, @monthly, @weekly, @daily, @hourly, and @every with a pause, like @every 5m", text)
}

func parseEvery(text string) (time.Duration, error) {
	every, err := time.ParseDuration(text)
	if err != nil || every < EveryMin || every > EveryMax || every%time.Second != 0 {
		return 0, invalid("@every %q: it must be a pause of whole seconds from 1s to 8784h, like 90s, 5m or 1h30m", text)
	}
	return every, nil
}

// Next is the first tick after an instant. Those of @every count from that instant.
func (s *Schedule) Next(after time.Time) time.Time {
	if s.every > 0 {
		return after.Add(s.every).In(s.zone)
	}
	at := after.Unix() + 1 // ticks are whole seconds
	for span := spanAt(s.zone, at); ; span = spanAt(s.zone, span.end) {
		if tick, ok := s.tickIn(span, at); ok {
			return time.Unix(tick, 0).In(s.zone)
		}
		if span.end == forever {
			return time.Time{} // Parse refuses what would come here
		}
	}
}

// tickIn is the first tick of the span that is not before at.
func (s *Schedule) tickIn(span span, at int64) (int64, bool) {
	if at <= span.start && s.hour != allHours {
		if _, missed := s.wall(span.seen, span.start+span.offset); missed {
			return span.start, true
		}
	}
	from := max(at, span.start) + span.offset
	if !s.interval {
		from = max(from, span.seen)
	}
	limit := int64(forever)
	if span.end != forever {
		limit = span.end + span.offset
	}
	tick, ok := s.wall(from, limit)
	return tick - span.offset, ok
}

// Preview is the next n ticks after an instant, at most PreviewMax.
func (s *Schedule) Preview(after time.Time, n int) []time.Time {
	ticks := make([]time.Time, min(n, PreviewMax))
	for i := range ticks {
		after = s.Next(after)
		ticks[i] = after
	}
	return ticks
}

// Newest is the last n ticks in (after, until], the oldest of them first. What it
// costs hangs on n, not on how many ticks there were. Those of @every count from after.
func (s *Schedule) Newest(after, until time.Time, n int) []time.Time {
	if s.every > 0 {
		if behind := int64(until.Sub(after)/s.every) - int64(n); behind > 0 {
			after = after.Add(time.Duration(behind) * s.every)
		}
	}
	for reach := time.Duration(n) * time.Second; ; reach *= 2 {
		from := until.Add(-reach)
		whole := s.every > 0 || !from.After(after) || reach > EveryMax
		if whole {
			from = after
		}
		ticks := s.newestSince(from, until, n)
		if whole || len(ticks) == n {
			return ticks
		}
	}
}

func (s *Schedule) newestSince(from, until time.Time, n int) []time.Time {
	var ticks []time.Time
	for t := s.Next(from); !t.After(until); t = s.Next(t) {
		if len(ticks) == n {
			ticks = append(ticks[:0], ticks[1:]...)
		}
		ticks = append(ticks, t)
	}
	return ticks
}

func invalid(format string, args ...any) error {
	return fault.New(fault.Invalid, "expression", format, args...)
}
