package adze

import (
	"context"
	"iter"
	"time"

	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// RateSetting is what [Client.SetRate] changes; what is nil stays as it is.
type RateSetting struct {
	Key    string         // for this key only; then Limit is given, and Smooth is not
	Limit  *int           // units in each period; with 0 nothing can be drawn
	Period *time.Duration // at most 366 days
	Smooth *bool          // units come back one by one
}

// SetRate changes how a rate limit works from now on, whatever its tasks declare, until
// [Client.DropRate]. What was drawn from it stays drawn. A rate limit without a name is
// called by its task: "send#1" is the first one of the task send, and "order:charge#1" that
// of the task charge of the workflow order.
func (c *Client) SetRate(ctx context.Context, name string, to RateSetting) error {
	r := &shard.RateChange{Smooth: to.Smooth}
	if to.Limit != nil {
		r.Limit = new(clamp(*to.Limit))
	}
	if to.Period != nil {
		r.PeriodMS = new(wholeMS(*to.Period))
	}
	return c.putSetting(ctx, "set rate limit", shard.SettingChange{Kind: core.SettingRate, Name: name, Key: to.Key, Rate: r})
}

// DropRate takes back what [Client.SetRate] set, for a key or with an empty one for all.
func (c *Client) DropRate(ctx context.Context, name, key string) error {
	return c.putSetting(ctx, "drop rate limit", shard.SettingChange{Kind: core.SettingRate, Name: name, Key: key, Drop: true})
}

// RateSettingInfo is how a rate limit works, as a task declares it or as it was set: of
// both, the latter counts.
type RateSettingInfo struct {
	Name     string        `json:"name"`
	Key      string        `json:"key,omitempty"` // for this key only
	Declared bool          `json:"declared"`
	Limit    int           `json:"limit"`            // 0: as runs say
	Period   time.Duration `json:"period,omitempty"` // in nanoseconds; of a key, 0: as of all
	Smooth   bool          `json:"smooth,omitempty"` // not of a key
}

// RateSettings gives how rate limits work of which something was declared or set, as
// [Client.LimitSettings] does limits.
func (c *Client) RateSettings(ctx context.Context) iter.Seq2[RateSettingInfo, error] {
	return listSettings(ctx, c, "rate limits", wire.SettingName_KIND_RATE, func(s *wire.Setting) RateSettingInfo {
		r := s.GetRate()
		return RateSettingInfo{
			Name: s.Name, Key: s.Key, Declared: s.Declared,
			Limit: int(r.GetLimit()), Period: durationOf(r.GetPeriodMs()), Smooth: r.GetSmooth(),
		}
	})
}

// RateInfo is where a rate limit stands.
type RateInfo struct {
	Name   string        `json:"name"`
	Limit  int           `json:"limit"`  // units in each period, of a key of which nothing else is said
	Period time.Duration `json:"period"` // in nanoseconds; 0: nobody said how it works
	Smooth bool          `json:"smooth,omitempty"`
	Keys   int           `json:"keys"`          // that are not full, or that runs wait for
	Top    []RateKeyInfo `json:"top,omitempty"` // the emptiest keys, 20 at most
}

// RateKeyInfo is a key of a rate limit.
type RateKeyInfo struct {
	Key    string    `json:"key"`
	Limit  int       `json:"limit"`
	Left   int       `json:"left"`             // units that can be drawn now
	Waited bool      `json:"waited,omitempty"` // runs wait for units of it
	Since  time.Time `json:"since,omitzero"`   // when its window began; smooth: when it was last reckoned
	Full   time.Time `json:"full,omitzero"`    // when all units are back
}

func ratesOf(from []*wire.RateStat) []RateInfo {
	var list []RateInfo
	for _, r := range from {
		info := RateInfo{Name: r.Name, Limit: int(r.Limit), Period: durationOf(r.PeriodMs), Smooth: r.Smooth, Keys: int(r.Keys)}
		for _, k := range r.Top {
			info.Top = append(info.Top, RateKeyInfo{
				Key: k.Key, Limit: int(k.Limit), Left: int(k.Left), Waited: k.Waited, Since: timeOf(k.SinceMs), Full: timeOf(k.FullMs),
			})
		}
		list = append(list, info)
	}
	return list
}
