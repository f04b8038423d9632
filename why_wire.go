package adze

import (
	"context"
	"time"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/outline"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

func (t *grpcTransport) why(ctx context.Context, run id.ID) (*Explanation, error) {
	response, err := t.engine.Why(ctx, &wire.WhyRequest{RunId: uint64(run)})
	if err != nil {
		return nil, received(err)
	}
	return explanationOf(run, response), nil
}

func (t *grpcTransport) overview(ctx context.Context) (*Overview, error) {
	response, err := t.engine.GetOverview(ctx, &wire.GetOverviewRequest{})
	if err != nil {
		return nil, received(err)
	}
	return overviewOf(response), nil
}

func (t *embeddedTransport) why(ctx context.Context, run id.ID) (*Explanation, error) {
	explained, err := t.Shards.Why(ctx, t.Tenant, run)
	if err != nil {
		return nil, publicError(err)
	}
	return explanationOf(run, outline.WhyToWire(&explained)), nil
}

func (t *embeddedTransport) overview(ctx context.Context) (*Overview, error) {
	overview, err := t.Shards.Overview(ctx, t.Tenant)
	if err != nil {
		return nil, publicError(err)
	}
	return overviewOf(outline.OverviewToWire(&overview)), nil
}

func explanationOf(run id.ID, response *wire.WhyResponse) *Explanation {
	e := &Explanation{Run: ID(run), Workflow: response.Workflow, Ended: response.Ended}
	for _, r := range response.Reasons {
		reason := Reason{
			Task: r.Task, TaskID: ID(r.TaskId), Cause: Cause(r.Cause), Text: r.Text, Attempt: int(r.Attempt),
			Since: timeOf(r.SinceMs), Until: timeOf(r.UntilMs), Expires: timeOf(r.ExpiresMs), Parents: r.Parents,
			Queue: r.Queue, Name: r.Name, Key: r.Key, Max: int(r.Max), Held: int(r.Held),
			Ahead: r.Ahead, OtherKeys: int(r.Others), Worker: ID(r.WorkerId),
			Workers: int(r.Workers), Fitting: int(r.Fitting), Slots: int(r.Slots), Estimate: durationOf(r.EstimateMs),
			Tenants: int(r.Tenants), Theirs: int(r.Theirs),
		}
		for _, holder := range r.HolderIds {
			reason.Holders = append(reason.Holders, ID(holder))
		}
		e.Reasons = append(e.Reasons, reason)
	}
	return e
}

func overviewOf(response *wire.GetOverviewResponse) *Overview {
	o := &Overview{Rates: ratesOf(response.Rates)}
	for _, q := range response.Queues {
		var since time.Time
		if oldest := id.ID(q.OldestId); oldest != 0 {
			since = timeOf(oldest.UnixMilli())
		}
		o.Queues = append(o.Queues, QueueInfo{
			Name: q.Name, Ready: q.Ready, Keys: int(q.Keys), Oldest: ID(q.OldestId), Since: since,
			InPerMinute: q.InPerMinute, OutPerMinute: q.OutPerMinute, Drain: durationOf(q.DrainMs),
			Workers: int(q.Workers), Slots: int(q.Slots), SlotsUsed: int(q.SlotsUsed), Paused: q.Paused, Top: keysOf(q.Top),
		})
	}
	for _, l := range response.Limits {
		o.Limits = append(o.Limits, LimitInfo{
			Name: l.Name, Max: int(l.Max), ByRun: l.ByRun, Strategy: l.Strategy, Keys: int(l.Keys), Held: l.Held, Waiting: l.Waiting, Top: keysOf(l.Top),
		})
	}
	return o
}

func keysOf(top []*wire.KeyStat) []KeyInfo {
	keys := make([]KeyInfo, len(top))
	for i, k := range top {
		keys[i] = KeyInfo{Key: k.Key, Waiting: k.Waiting, Held: int(k.Held), Max: int(k.Max), Weight: float64(k.Weight) / 1_000}
	}
	return keys
}

func durationOf(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }
