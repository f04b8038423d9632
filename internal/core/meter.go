package core

// meter counts how often something happened in the last minute, in parts of ten seconds.
type meter struct {
	parts [meterParts + 1]int64 // the one of now is not whole yet
	at    int64                 // which ten seconds since the epoch are now
	since Time                  // the first time that it did, after a minute of nothing
}

const (
	meterParts  = 6
	meterPartMS = 10_000
)

func (m *meter) add(now Time) {
	if m.turn(now); m.sum() == 0 {
		m.since = now
	}
	m.parts[m.at%int64(len(m.parts))]++
}

// turn clears the parts that are over.
func (m *meter) turn(now Time) {
	at := int64(now) / meterPartMS
	for n := min(at-m.at, int64(len(m.parts))); n > 0; n-- {
		m.parts[(at-n+1)%int64(len(m.parts))] = 0
	}
	m.at = max(m.at, at)
}

func (m *meter) sum() (sum int64) {
	for _, n := range m.parts {
		sum += n
	}
	return sum
}

// perMinute is how often it happens, by the last minute and the part that is now.
func (m *meter) perMinute(now Time) float64 {
	m.turn(now)
	return m.per(meterSpan(now))
}

// meterSpan is how long the parts are together: the last minute, and what is over of now.
func meterSpan(now Time) int64 { return meterParts*meterPartMS + int64(now)%meterPartMS }

func (m *meter) per(spanMS int64) float64 { return float64(m.sum()) * 60_000 / float64(spanMS) }

// pace is perMinute for estimates: of what began within that minute, as it has been since,
// by a second at least.
func (m *meter) pace(now Time) float64 {
	m.turn(now)
	const least = 1_000
	return m.per(min(meterSpan(now), max(int64(now-m.since), least)))
}
