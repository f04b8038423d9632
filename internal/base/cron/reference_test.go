package cron

import (
	_ "embed"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

//go:embed testdata/zones.txt
var zoneNames string

func zones() []string { return strings.Fields(zoneNames) }

// change is an instant at which a zone moved its clocks.
type change struct {
	zone *time.Location
	at   time.Time
}

// changes are those of a zone from 1975, before which there are offsets with seconds.
func changes(t require.TestingT, name string) []change {
	zone, err := time.LoadLocation(name)
	require.NoError(t, err)
	var all []change
	for at := time.Date(1975, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2038; {
		_, end := at.In(zone).ZoneBounds()
		if end.IsZero() {
			break
		}
		at = end
		all = append(all, change{zone, at})
	}
	return all
}

// TestNextIsThatOfTheMinuteByMinuteReference looks at the days around each change of
// each zone.
func TestNextIsThatOfTheMinuteByMinuteReference(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(zones()).Draw(t, "zone")
		all := changes(t, name)
		if len(all) == 0 {
			return
		}
		c := rapid.SampledFrom(all).Draw(t, "change")
		compare(t, c, name, expression(t))
	})
}

// TestChangesOfEachZoneAreAsTheReference takes expressions that meet the change to
// some changes of each zone; with -short to fewer. All of them take some 15 s.
func TestChangesOfEachZoneAreAsTheReference(t *testing.T) {
	t.Parallel()
	stride := 8
	if testing.Short() {
		stride = 40
	}
	for i, name := range zones() {
		for j, c := range changes(t, name) {
			if c.at.Year() >= 2005 && c.at.Year() < 2028 && (i+j)%stride == 0 {
				local := c.at.Add(-time.Minute).In(c.zone)
				for _, text := range []string{
					fmt.Sprintf("%d %d * * *", (local.Minute()+31)%60, (local.Hour()+1)%24), // in the gap, or in what comes twice
					"*/20 */2 * * *",
				} {
					compare(t, c, name, text)
				}
			}
		}
	}
}

type tester interface {
	require.TestingT
	Helper()
}

func compare(t tester, c change, zone, text string) {
	t.Helper()
	s, err := Parse(text, zone)
	if err != nil {
		return
	}
	from, until := c.at.Add(-26*time.Hour), c.at.Add(26*time.Hour)
	var got []time.Time
	for tick := s.Next(from); !tick.IsZero() && tick.Before(until); tick = s.Next(tick) {
		got = append(got, tick.UTC())
	}
	require.Equal(t, reference(s, c.zone, text, from, until), got, "%s in %s around %s", text, zone, c.at)
}

// reference walks from minute to minute and looks at the clock on the wall, having
// watched it for three days to know what it showed before.
func reference(s *Schedule, zone *time.Location, text string, from, until time.Time) []time.Time {
	fields := strings.Fields(text)
	interval := fields[0][0] == '*' || fields[1][0] == '*'
	allows := func(wall time.Time) bool {
		return s.minute.has(wall.Minute()) && s.hour.has(wall.Hour()) && s.onDay(wall)
	}
	var ticks []time.Time
	var shown time.Time // the latest local time that the wall showed
	for at := from.Add(-72 * time.Hour).Truncate(time.Minute); at.Before(until); at = at.Add(time.Minute) {
		local := at.In(zone)
		wall := time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), 0, 0, time.UTC)
		again := !wall.After(shown)
		tick := allows(wall) && (interval || !again)
		if !shown.IsZero() && s.hour != allHours {
			for missed := shown.Add(time.Minute); missed.Before(wall); missed = missed.Add(time.Minute) {
				tick = tick || allows(missed)
			}
		}
		if tick && at.After(from) {
			ticks = append(ticks, at.UTC())
		}
		if !again {
			shown = wall
		}
	}
	return ticks
}

// expression draws five fields, most of them few and early: that is when clocks move.
func expression(t *rapid.T) string {
	one := func(label string, texts ...string) string { return rapid.SampledFrom(texts).Draw(t, label) }
	number := func(label string, low, high int) string {
		return fmt.Sprint(rapid.IntRange(low, high).Draw(t, label))
	}
	return strings.Join([]string{
		one("minute", "*", "*/15", "0", "30", "0,59", number("minute number", 0, 59)),
		one("hour", "*", "*/2", "0-4", "0", "2", "1,2,3", number("hour number", 0, 23), "0-23"),
		one("day", "*", "*", "*", "1-15", "*/2", number("day number", 1, 31)),
		one("month", "*", "*", "*", "1-11", number("month number", 1, 12)),
		one("weekday", "*", "*", "0", "SAT-SUN", "?", "1-5", "7"),
	}, " ")
}
