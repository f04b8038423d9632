package admit

import (
	"fmt"
	"strings"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
)

// Bounds of settings.
const (
	SettingsMax = 1_000     // of one call
	WeightMax   = 1_000_000 // of a key, in thousandths
	SpreadMax   = 1_000     // workers
)

// Settings checks changes of settings, all or none. The fields it names are those of the
// wire's Setting.
func Settings(changes []shard.SettingChange) error {
	if err := Count("settings", len(changes), SettingsMax); err != nil {
		return err
	}
	seen := make(map[core.SettingKey]bool, len(changes))
	for i := range changes {
		c, place := &changes[i], fmt.Sprintf("settings[%d]", i)
		if err := setting(c); err != nil {
			return fault.At(place, err)
		}
		key := core.SettingKey{Kind: c.Kind, Name: c.Name, Key: c.Key}
		if seen[key] {
			return fault.New(fault.Conflict, place+".name", "%q comes twice in this call; give its changes together", c.Name)
		}
		seen[key] = true
	}
	return nil
}

func setting(c *shard.SettingChange) error {
	if err := settingName("name", c.Name); err != nil {
		return err
	}
	if err := text("key", c.Key, shard.KeyBytesMax); err != nil {
		return err
	}
	if c.Drop {
		return dropKind(c.Kind)
	}
	of, empty := said(c)
	if empty {
		return invalid(of, "says nothing; give what is to change")
	}
	switch {
	case c.Queue != nil:
		return fault.At(of, queueChange(c))
	case c.Limit != nil:
		return fault.At(of, limitChange(c))
	case c.Rate != nil:
		return fault.At(of, rateChange(c))
	case c.Batch != nil:
		return fault.At(of, batchChange(c.Batch))
	default:
		return fault.At(of, onceChange(c.Once))
	}
}

// said is which part of a change is given, and whether nothing is in it.
func said(c *shard.SettingChange) (field string, empty bool) {
	switch {
	case c.Queue != nil && c.Kind == core.SettingWorkflow:
		return "workflow", *c.Queue == shard.QueueChange{}
	case c.Queue != nil:
		return "queue", *c.Queue == shard.QueueChange{}
	case c.Limit != nil:
		return "limit", *c.Limit == shard.LimitChange{}
	case c.Rate != nil:
		return "rate", *c.Rate == shard.RateChange{}
	case c.Batch != nil:
		return "batch", *c.Batch == shard.BatchChange{}
	case c.Once != nil:
		return "once", *c.Once == shard.OnceChange{}
	}
	return "of", true
}

func dropKind(kind core.SettingKind) error {
	if kind < core.SettingQueue || kind > core.SettingOnce || kind == core.SettingGrant {
		return invalid("kind", "is unknown; say what the setting is of: a queue, a limit, a rate, a workflow, a batch or once keys")
	}
	return nil
}

// Grant is what has the workers of a home run a tenant's tasks; weight nil = the usual share.
func Grant(home id.ID, weight *int32) (shard.SettingChange, error) {
	if err := weighs(weight); err != nil {
		return shard.SettingChange{}, err
	}
	change := shard.SettingChange{Kind: core.SettingGrant, Name: core.GrantName(home), Grant: &core.GrantSetting{}}
	if weight != nil {
		change.Grant.Weight = *weight
	}
	return change, nil
}

// settingName checks the name of a limit that has one, or of one that is a workflow's own:
// that ends in # and a number.
func settingName(field, s string) error {
	owner, number, own := strings.Cut(s, "#")
	if own && (number == "" || strings.Trim(number, "0123456789") != "") {
		return invalid(field, "has something else than a number behind #, as no limit has; look for it in the list")
	}
	return name(field, owner)
}

func queueChange(c *shard.SettingChange) error {
	q := c.Queue
	whole := q.ByCost != nil || q.AgeMS != nil || q.Spread != nil || q.Paused != nil || q.PausedTTLMS != nil || q.DropCrons != nil || q.DropOnce != nil
	switch {
	case c.Key != "" && (whole || q.Weight == nil):
		return invalid("weight", "is all that a key of a queue can have of its own; give it, and nothing else")
	case c.Key == "" && q.Weight != nil:
		return invalid("weight", "is of a key; name the key")
	case c.Kind == core.SettingQueue && (q.DropCrons != nil || q.DropOnce != nil):
		return invalid("drop_crons", "and drop_once are of a workflow that is paused; set them for it")
	case c.Kind == core.SettingWorkflow && (q.ByCost != nil || q.AgeMS != nil || q.Spread != nil || c.Key != ""):
		return invalid("paused", "is all that a workflow can be, with paused_ttl_ms, drop_crons and drop_once; set the rest for its queue")
	}
	for _, check := range []error{
		weighs(q.Weight), given("spread", q.Spread, 0, SpreadMax),
		given("age_ms", q.AgeMS, 0, DurationMSMax), given("paused_ttl_ms", q.PausedTTLMS, 0, DurationMSMax),
	} {
		if check != nil {
			return check
		}
	}
	return nil
}

// weighs checks a weight that may be left out. It is said in the unit of people too, who
// give it as 0.001 to 1,000.
func weighs(weight *int32) error {
	if weight == nil || *weight >= 1 && *weight <= WeightMax {
		return nil
	}
	return invalid("weight", "is %d thousandths, allowed is 1 to 1,000,000 of them: 0.001 to 1,000", *weight)
}

func limitChange(c *shard.SettingChange) error {
	switch l := c.Limit; {
	case c.Key != "" && l.Strategy != nil:
		return invalid("strategy", "is that of all keys; leave the key out")
	case c.Key != "" && l.AgeMS != nil:
		return invalid("age_ms", "is that of all keys; leave the key out")
	case l.Strategy != nil && *l.Strategy > core.LimitKeepOldest:
		return strategy("strategy", "")
	case c.Key != "" && l.Max == nil:
		return invalid("max", "is not given; say how many places the key has")
	}
	if err := given("max", c.Limit.Max, 0, shard.LimitMax); err != nil {
		return err
	}
	return given("age_ms", c.Limit.AgeMS, 0, DurationMSMax)
}

func rateChange(c *shard.SettingChange) error {
	switch {
	case c.Key != "" && c.Rate.Smooth != nil:
		return invalid("smooth", "is that of all keys; leave the key out")
	case c.Key != "" && c.Rate.Limit == nil && c.Rate.Paused == nil:
		return invalid("limit", "is not given; say how many units the key has")
	}
	if err := given("limit", c.Rate.Limit, 0, core.RateLimitMax); err != nil {
		return err
	}
	if err := given("paused_until_ms", c.Rate.Paused, 0, RunAtMSMax); err != nil {
		return err
	}
	return given("period_ms", c.Rate.PeriodMS, 1, core.RatePeriodMaxMS)
}

// given checks a number that may be left out.
func given[T ~int32 | ~int64](field string, v *T, least, most int64) error {
	if v == nil {
		return nil
	}
	return between(field, int64(*v), least, most)
}

func batchChange(b *shard.BatchChange) error {
	if err := given("size_max", b.SizeMax, 0, BatchSizeMax); err != nil {
		return err
	}
	if err := given("bytes_max", b.BytesMax, 0, BatchBytesMax); err != nil {
		return err
	}
	if err := given("interval_ms", b.IntervalMS, 0, DurationMSMax); err != nil {
		return err
	}
	return given("running_max", b.RunningMax, 0, BatchRunningMax)
}

func onceChange(o *shard.OnceChange) error {
	if err := given("ttl_ms", o.TTLMS, 0, DurationMSMax); err != nil {
		return err
	}
	if err := given("max_delay_ms", o.MaxDelayMS, 0, DurationMSMax); err != nil {
		return err
	}
	if o.Taken != nil && *o.Taken > core.OnceReplace {
		return invalid("on_collision", "is unknown; use reject, existing or replace")
	}
	return nil
}
