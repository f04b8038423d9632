package define

import (
	"strconv"
	"strings"
	"time"
)

// Defaults of a task.
const (
	TimeoutDefault         = 5 * time.Minute // execution: also if the text cannot be read
	ScheduleTimeoutDefault = 5 * time.Minute
)

// long are the units that Go's durations do not have. Each stands alone.
var long = map[byte]time.Duration{'d': 24 * time.Hour, 'w': 7 * 24 * time.Hour, 'y': 365 * 24 * time.Hour}

// Duration reads a span as this wire writes it: a sum of ms, s, m and h, like 1h30m, or
// days, weeks or years, like 2d.
func Duration(text string) (time.Duration, bool) {
	text = strings.TrimSpace(text)
	if text == "" || text[0] == '+' || text[0] == '-' {
		return 0, false
	}
	if unit, is := long[text[len(text)-1]]; is {
		n, err := strconv.ParseInt(text[:len(text)-1], 10, 64)
		if err != nil || n > int64(maxDuration/unit) {
			return 0, false
		}
		return time.Duration(n) * unit, true
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d >= 0 && d <= maxDuration
}

// maxDuration is the longest span: what edge/admit takes.
const maxDuration = 10 * 365 * 24 * time.Hour

// timeout is a text's milliseconds. One that cannot be read is the usual one, as the wire
// has it; so is none.
func timeout(text string, usual time.Duration) int64 {
	d, ok := Duration(text)
	if !ok {
		d = usual
	}
	return d.Milliseconds()
}
