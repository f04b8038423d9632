package cron

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
)

func parse(t testing.TB, expression, zone string) *Schedule {
	t.Helper()
	s, err := Parse(expression, zone)
	require.NoError(t, err)
	return s
}

// ticks are the next ones, as local time with the offset.
func ticks(t testing.TB, expression, zone, after string, n int) []string {
	t.Helper()
	from, err := time.Parse(time.RFC3339, after)
	require.NoError(t, err)
	texts := make([]string, n)
	for i, tick := range parse(t, expression, zone).Preview(from, n) {
		texts[i] = tick.Format("Mon 2006-01-02 15:04:05 -07:00")
	}
	return texts
}

func TestFieldsAndDescriptorsTick(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		expression string
		want       []string
	}{
		{"0 9 * * 1-5", []string{"Mon 2026-03-02 09:00:00 +00:00", "Tue 2026-03-03 09:00:00 +00:00"}},
		{"*/20 * * * *", []string{"Sat 2026-02-28 12:20:00 +00:00", "Sat 2026-02-28 12:40:00 +00:00"}},
		{"5/20 * * * *", []string{"Sat 2026-02-28 12:05:00 +00:00", "Sat 2026-02-28 12:25:00 +00:00"}},
		{"*/25 * * * * *", []string{"Sat 2026-02-28 12:00:25 +00:00", "Sat 2026-02-28 12:00:50 +00:00"}},
		{"0 0 29 feb *", []string{"Tue 2028-02-29 00:00:00 +00:00", "Sun 2032-02-29 00:00:00 +00:00"}},
		{"0 0 13 * FRI", []string{"Fri 2026-03-06 00:00:00 +00:00", "Fri 2026-03-13 00:00:00 +00:00"}},
		{"0 0 ? * 7", []string{"Sun 2026-03-01 00:00:00 +00:00", "Sun 2026-03-08 00:00:00 +00:00"}},
		{"0 0 */31 * 0", []string{"Sun 2026-03-01 00:00:00 +00:00", "Sun 2026-11-01 00:00:00 +00:00"}},
		{"1,2 3-4 * * *", []string{"Sun 2026-03-01 03:01:00 +00:00", "Sun 2026-03-01 03:02:00 +00:00"}},
		{"@yearly", []string{"Fri 2027-01-01 00:00:00 +00:00", "Sat 2028-01-01 00:00:00 +00:00"}},
		{"@monthly", []string{"Sun 2026-03-01 00:00:00 +00:00", "Wed 2026-04-01 00:00:00 +00:00"}},
		{"@weekly", []string{"Sun 2026-03-01 00:00:00 +00:00", "Sun 2026-03-08 00:00:00 +00:00"}},
		{"@daily", []string{"Sun 2026-03-01 00:00:00 +00:00", "Mon 2026-03-02 00:00:00 +00:00"}},
		{"@hourly", []string{"Sat 2026-02-28 13:00:00 +00:00", "Sat 2026-02-28 14:00:00 +00:00"}},
		{"@every 5m", []string{"Sat 2026-02-28 12:05:00 +00:00", "Sat 2026-02-28 12:10:00 +00:00"}},
	} {
		require.Equal(t, c.want, ticks(t, c.expression, "", "2026-02-28T12:00:00Z", 2), c.expression)
	}
}

func TestDaylightSavingIsAsTheDocumentSays(t *testing.T) {
	t.Parallel()
	const newYork = "America/New_York"
	for _, c := range []struct {
		name, expression, zone, after string
		want                          []string
	}{
		{"a missing time is made up for", "30 2 * * *", newYork, "2024-03-09T12:00:00Z", []string{"Sun 2024-03-10 03:00:00 -04:00", "Mon 2024-03-11 02:30:00 -04:00"}},
		{"several missing times once", "0,15,30 2 * * *", newYork, "2024-03-09T12:00:00Z", []string{"Sun 2024-03-10 03:00:00 -04:00", "Mon 2024-03-11 02:00:00 -04:00"}},
		{"once with a tick of its own", "0 2,3 * * *", newYork, "2024-03-09T12:00:00Z", []string{"Sun 2024-03-10 03:00:00 -04:00", "Mon 2024-03-11 02:00:00 -04:00"}},
		{"each hour misses nothing", "30 * * * *", newYork, "2024-03-10T06:00:00Z", []string{"Sun 2024-03-10 01:30:00 -05:00", "Sun 2024-03-10 03:30:00 -04:00"}},
		{"a time that comes twice ticks once", "30 1 * * *", newYork, "2024-11-03T04:00:00Z", []string{"Sun 2024-11-03 01:30:00 -04:00", "Mon 2024-11-04 01:30:00 -05:00"}},
		{"an interval each time", "*/30 1 * * *", newYork, "2024-11-03T05:10:00Z", []string{"Sun 2024-11-03 01:30:00 -04:00", "Sun 2024-11-03 01:00:00 -05:00", "Sun 2024-11-03 01:30:00 -05:00", "Mon 2024-11-04 01:00:00 -05:00"}},
		{"half an hour, forward", "15 2 * * *", "Australia/Lord_Howe", "2024-10-05T12:00:00Z", []string{"Sun 2024-10-06 02:30:00 +11:00", "Mon 2024-10-07 02:15:00 +11:00"}},
		{"half an hour, back", "45 1 * * *", "Australia/Lord_Howe", "2024-04-06T12:00:00Z", []string{"Sun 2024-04-07 01:45:00 +11:00", "Mon 2024-04-08 01:45:00 +10:30"}},
		{"two hours", "30 1 * * *", "Antarctica/Troll", "2024-03-30T12:00:00Z", []string{"Sun 2024-03-31 03:00:00 +02:00", "Mon 2024-04-01 01:30:00 +02:00"}},
		{"at midnight", "@daily", "America/Sao_Paulo", "2018-11-03T12:00:00Z", []string{"Sun 2018-11-04 01:00:00 -02:00", "Mon 2018-11-05 00:00:00 -02:00"}},
		{"a day left out", "0 9 * * *", "Pacific/Apia", "2011-12-29T20:00:00Z", []string{"Sat 2011-12-31 00:00:00 +14:00", "Sat 2011-12-31 09:00:00 +14:00"}},
		{"@every by the stopwatch", "@every 1h", newYork, "2024-03-10T06:30:00Z", []string{"Sun 2024-03-10 03:30:00 -04:00", "Sun 2024-03-10 04:30:00 -04:00"}},
	} {
		require.Equal(t, c.want, ticks(t, c.expression, c.zone, c.after, len(c.want)), c.name)
	}
}

// time.Time.ZoneBounds says there that the offset ended before.
func TestLastDayOfALeapYearIsADayLikeOthers(t *testing.T) {
	t.Parallel()
	require.Equal(t,
		[]string{"Mon 2040-12-31 09:00:00 +01:00", "Tue 2041-01-01 09:00:00 +01:00"},
		ticks(t, "0 9 * * *", "Europe/Berlin", "2040-12-30T12:00:00Z", 2))
	require.Equal(t,
		[]string{"Mon 2040-12-31 23:59:00 +01:00", "Tue 2041-01-01 00:00:00 +01:00"},
		ticks(t, "* * * * *", "Europe/Berlin", "2040-12-31T22:58:00Z", 2))
}

func TestErrorNamesTheFieldAndWhatIsAllowed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ expression, zone, want string }{
		{"60 * * * *", "", `expression: minute "60": 60 is out of range; allowed are 0 to 59, lists (a,b), ranges (a-b) and steps (*/n, a-b/n)`},
		{"* 24 * * *", "", `expression: hour "24": 24 is out of range`},
		{"* * 0 * *", "", `expression: day of month "0": 0 is out of range; allowed are 1 to 31`},
		{"* * * FOO *", "", `expression: month "FOO": "FOO" is not a value; allowed are 1 to 12 or JAN to DEC`},
		{"* * * * 8", "", `expression: weekday "8": 8 is out of range; allowed are 0 to 7 or SUN to SAT`},
		{"61 * * * * *", "", `expression: second "61": 61 is out of range`},
		{"*/0 * * * *", "", `expression: minute "*/0": the step "0" is not from 1 to 59`},
		{"*/60 * * * *", "", `the step "60" is not from 1 to 59`},
		{"5-1 * * * *", "", `expression: minute "5-1": 5-1 runs backwards`},
		{"1,,2 * * * *", "", `expression: minute "1,,2": "" is not a value`},
		{"? * * * *", "", `expression: minute "?": "?" is not a value`},
		{"+1 * * * *", "", `"+1" is not a value`},
		{"0 0 30 2 *", "", `expression: day of month "30": no such day in month "2"`},
		{"0 0 31 4,6 ?", "", `no such day in month "4,6"`},
		{"* * * *", "", `expression: 4 fields: there must be five (minute hour day month weekday), or six with seconds in front`},
		{"", "", `expression: 0 fields`},
		{"1 2 3 4 5 6 7", "", `expression: 7 fields`},
		{"@nightly", "", `expression: no descriptor "@nightly": there are @yearly`},
		{"@every 500ms", "", `expression: @every "500ms": it must be a pause of whole seconds from 1s to 8784h`},
		{"@every 8784h1s", "", `whole seconds from 1s to 8784h`},
		{"@every x", "", `whole seconds from 1s to 8784h`},
		{strings.Repeat("*", BytesMax+1), "", `expression: 256 bytes are too long: at most 255`},
		{"@daily", "Europe/Atlantis", `zone: "Europe/Atlantis" is not a time zone: it must be an IANA name like "Europe/Berlin", or empty for UTC`},
		{"@daily", "Local", `zone: "Local" is not a time zone`},
		{"@daily", "../etc/passwd", `is not a time zone`},
	} {
		_, err := Parse(c.expression, c.zone)
		require.ErrorContains(t, err, c.want, c.expression)
		require.Equal(t, fault.Invalid, fault.KindOf(err))
	}
	for _, at := range []string{"@every 1s", "@every 8784h", strings.Repeat("0,", 123) + "0 * * * *"} {
		_, err := Parse(at, "")
		require.NoError(t, err, "at the bound")
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"* * * * *", "*/5 1-3 ? JAN-MAR mon,7", "@every 1h", "0 0 29 2 1", "59 59 23 31 12 6"} {
		f.Add(text, "Europe/Berlin")
	}
	f.Fuzz(func(t *testing.T, text, zone string) {
		s, err := Parse(text, zone)
		if err != nil {
			require.Equal(t, fault.Invalid, fault.KindOf(err))
			return
		}
		after := time.Unix(1_700_000_000, 0)
		require.True(t, s.Next(after).After(after), "it ticks again")
	})
}

func TestEachAcceptedExpressionTicksAgain(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, err := Parse(expression(t), rapid.SampledFrom(zones()).Draw(t, "zone"))
		if err != nil {
			return
		}
		after := time.Unix(rapid.Int64Range(0, 4_000_000_000).Draw(t, "after"), 0)
		require.True(t, s.Next(after).After(after))
	})
}

func TestNewestAreTheLastTicks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom([]string{"* * * * *", "*/7 * * * *", "0 9 * * 1", "@every 7m", "@daily", "0 0 1 1 *"}).Draw(t, "expression")
		s, err := Parse(text, "Europe/Berlin")
		require.NoError(t, err)
		after := time.Unix(rapid.Int64Range(1_700_000_000, 1_710_000_000).Draw(t, "after"), 0)
		until := after.Add(time.Duration(rapid.Int64Range(-60, 4_000).Draw(t, "minutes")) * time.Minute)
		n := rapid.IntRange(1, 20).Draw(t, "n")
		want := []time.Time{}
		for tick := s.Next(after); !tick.After(until); tick = s.Next(tick) {
			want = append(want, tick)
		}
		require.Equal(t, want[max(0, len(want)-n):], append([]time.Time{}, s.Newest(after, until, n)...))
	})
}

func TestNewestOfManyYearsIsQuick(t *testing.T) {
	t.Parallel()
	after := time.Unix(0, 0)
	until := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, text := range []string{"* * * * * *", "@every 1s"} { // 1,767,225,600 ticks
		newest := parse(t, text, "").Newest(after, until, 2)
		require.Len(t, newest, 2)
		require.True(t, newest[1].Equal(until))
	}
}

func TestPreviewIsBounded(t *testing.T) {
	t.Parallel()
	s := parse(t, "@daily", "")
	require.Len(t, s.Preview(time.Now(), 10), 10)
	require.Len(t, s.Preview(time.Now(), PreviewMax), PreviewMax)
	require.Len(t, s.Preview(time.Now(), PreviewMax+1), PreviewMax)
}

func TestJitterIsWithinItsBoundAndTheSameForATick(t *testing.T) {
	t.Parallel()
	tick := time.Unix(1_800_000_000, 0)
	var sum time.Duration
	for schedule := range id.ID(1_000) {
		late := Jitter(schedule, tick, time.Minute)
		require.GreaterOrEqual(t, late, time.Duration(0))
		require.LessOrEqual(t, late, time.Minute)
		require.Equal(t, late, Jitter(schedule, tick, time.Minute))
		sum += late
	}
	require.InDelta(t, 30, (sum / 1_000).Seconds(), 3, "spread evenly")
	require.Zero(t, Jitter(1, tick, 0))
}
