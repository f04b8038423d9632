package define

import (
	"fmt"
	"strings"
	"time"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// RateName is the rate limit that has all those of this wire as its keys: there, a key is
// a limit with a window of its own, and tasks name it or work it out.
const RateName = "hatchet"

// windows are the lengths of the windows.
var windows = []time.Duration{
	wire.RateLimitDuration_RATE_LIMIT_DURATION_SECOND: time.Second,
	wire.RateLimitDuration_RATE_LIMIT_DURATION_MINUTE: time.Minute,
	wire.RateLimitDuration_RATE_LIMIT_DURATION_HOUR:   time.Hour,
	wire.RateLimitDuration_RATE_LIMIT_DURATION_DAY:    24 * time.Hour,
	wire.RateLimitDuration_RATE_LIMIT_DURATION_WEEK:   7 * 24 * time.Hour,
	wire.RateLimitDuration_RATE_LIMIT_DURATION_MONTH:  30 * 24 * time.Hour,
	wire.RateLimitDuration_RATE_LIMIT_DURATION_YEAR:   365 * 24 * time.Hour,
}

// Window is the length of a window.
func Window(of wire.RateLimitDuration) (time.Duration, error) {
	if of < 0 || int(of) >= len(windows) {
		return 0, invalid("duration", "is %d, allowed is SECOND (0) to YEAR (%d)", of, len(windows)-1)
	}
	return windows[of], nil
}

// WindowName is the window of a length, as REST names it.
func WindowName(length time.Duration) string {
	for number, name := range []string{"SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "YEAR"} {
		if windows[number] == length {
			return name
		}
	}
	return length.String()
}

// noLimit says that a task gives no limit: what was put counts. SDKs send it with keys
// that they name.
const noLimit = "-1"

func rates(from []*wire.CreateTaskRateLimit) (list []shard.Rate, err error) {
	for i, r := range from {
		to, err := rate(r)
		if err != nil {
			return nil, fault.At(fmt.Sprintf("rate_limits[%d]", i), err)
		}
		list = append(list, to)
	}
	return list, nil
}

// rate is what a task draws: units of a key that it names, or that is worked out.
func rate(from *wire.CreateTaskRateLimit) (r shard.Rate, err error) {
	r = shard.Rate{Name: RateName, Units: 1, Key: Quote(from.GetKey())}
	if from.Units != nil && from.GetUnitsExpr() == "" {
		if r.Units = from.GetUnits(); r.Units < 1 {
			return r, invalid("units", "is %d, it must be 1 at least", r.Units)
		}
	}
	switch {
	case from.GetKeyExpr() != "":
		if r.Key, err = runExpression(from.GetKeyExpr()); err != nil {
			return r, fault.At("key_expr", err)
		}
	case from.GetKey() == "":
		return r, invalid("key", "is empty, and key_expr too; name the limit")
	}
	if from.GetUnitsExpr() != "" {
		if r.UnitsExpression, err = numberExpression(from.GetUnitsExpr()); err != nil {
			return r, fault.At("units_expr", err)
		}
	}
	if text := strings.TrimSpace(from.GetLimitValuesExpr()); text == "" || text == noLimit {
		return r, nil
	}
	return limited(r, from)
}

// limited is r with a limit that tasks give. It is drawn from a limit of its own for each
// window, so that one task cannot change how long the window of another one is.
func limited(r shard.Rate, from *wire.CreateTaskRateLimit) (shard.Rate, error) {
	duration := wire.RateLimitDuration_RATE_LIMIT_DURATION_MINUTE
	if from.Duration != nil {
		duration = from.GetDuration()
	}
	window, err := Window(duration)
	if err != nil {
		return r, err
	}
	if r.LimitExpression, err = numberExpression(from.GetLimitValuesExpr()); err != nil {
		return r, fault.At("limit_values_expr", err)
	}
	r.Name, r.PeriodMS = RateName+":"+WindowName(window), window.Milliseconds()
	return r, nil
}
