package core

// meter counts how often something happened in the last minute, in parts of ten seconds.
type meter struct {
	parts [meterParts + 1]int64 // the one of now is not whole yet
	at    int64                 // which ten seconds since the epoch are now
}

const (
	meterParts  = 6
	meterPartMS = 10_000
)

func (m *meter) add(now Time) {
	m.turn(now)
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

// perMinute is how often it happens, by the last minute and the part that is now.
func (m *meter) perMinute(now Time) float64 {
	m.turn(now)
	sum := int64(0)
	for _, n := range m.parts {
		sum += n
	}
	span := meterParts*meterPartMS + int64(now)%meterPartMS
	return float64(sum) * 60_000 / float64(span)
}
