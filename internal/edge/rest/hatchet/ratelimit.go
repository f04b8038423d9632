package hatchet

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/hatchet/define"
	"github.com/adzehq/adze/internal/record/flow"
	"github.com/adzehq/adze/internal/wire/hatchetrest"
)

// rateLimitsMax is how many rate limits are looked at for a list of them.
const rateLimitsMax = 10_000

func (c Config) rateLimitRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/v1/tenants/{tenant}/rate-limits", c.of(c.listRateLimits))
}

func (c Config) listRateLimits(r *http.Request, caller auth.Caller) (any, error) {
	q := queryOf(r)
	offset, limit := q.page()
	compare := rateOrders[q.text("orderByField")]
	if compare == nil {
		compare = rateOrders["key"]
	}
	if q.err != nil {
		return nil, q.err
	}
	all, err := c.rateLimits(r, caller)
	if err != nil {
		return nil, err
	}
	wanted := strings.ToLower(q.text("search"))
	all = slices.DeleteFunc(all, func(l hatchetrest.RateLimit) bool { return !strings.Contains(strings.ToLower(l.Key), wanted) })
	slices.SortStableFunc(all, compare)
	if strings.EqualFold(q.text("orderByDirection"), "desc") {
		slices.Reverse(all)
	}
	return hatchetrest.RateLimitList{
		Pagination: pagination(offset, limit, len(all), false), Rows: page(all, offset, limit),
	}, nil
}

// rateOrders are the fields that a list may be ordered by.
var rateOrders = map[string]func(a, b hatchetrest.RateLimit) int{
	"key":        func(a, b hatchetrest.RateLimit) int { return cmp.Compare(a.Key, b.Key) },
	"value":      func(a, b hatchetrest.RateLimit) int { return cmp.Compare(a.Value, b.Value) },
	"limitValue": func(a, b hatchetrest.RateLimit) int { return cmp.Compare(a.LimitValue, b.LimitValue) },
}

// rateLimits are those that were put, and those that tasks gave and that are not full, by
// key.
func (c Config) rateLimits(r *http.Request, caller auth.Caller) ([]hatchetrest.RateLimit, error) {
	settings, err := flow.OfTenant(r.Context(), c.DB, core.SettingRate, define.RateName, core.SettingKey{Tenant: caller.Tenant}, rateLimitsMax)
	if err != nil {
		return nil, err
	}
	states, err := flow.RatesOfTenant(r.Context(), c.DB, caller.Tenant, define.RateName, rateLimitsMax)
	if err != nil {
		return nil, err
	}
	now := c.Clock.Now()
	drawn := map[core.RateName]*core.RateState{}
	for i := range states {
		drawn[states[i].RateName] = &states[i]
	}
	all := []hatchetrest.RateLimit{}
	for i := range settings {
		s := &settings[i]
		if s.Key == "" {
			continue
		}
		name := core.RateName{Tenant: caller.Tenant, Name: s.Name, Key: s.Key}
		model := rateModel(caller, s.Key, int64(s.Rate.Limit), s.Rate.PeriodMS, drawn[name], now)
		if until := time.UnixMilli(int64(s.Rate.PausedUntil)); until.After(now) {
			model.PausedUntil = until.UTC()
		}
		all = append(all, model)
	}
	for i := range states {
		if s := &states[i]; s.Name != define.RateName {
			all = append(all, rateModel(caller, s.Key, int64(s.Limit), s.PeriodMS, s, now))
		}
	}
	return all, nil
}

// rateModel tells of a key of which state was drawn; nil = nothing.
func rateModel(caller auth.Caller, key string, limit, period int64, state *core.RateState, now time.Time) hatchetrest.RateLimit {
	model := hatchetrest.RateLimit{
		Key: key, TenantId: caller.UUID.String(), LimitValue: limit, Value: limit,
		Window: define.WindowName(time.Duration(period) * time.Millisecond), LastRefill: now.UTC(),
	}
	if state == nil {
		return model
	}
	if since := time.UnixMilli(int64(state.Since)); now.Sub(since) < time.Duration(state.PeriodMS)*time.Millisecond {
		model.LastRefill = since.UTC()
		model.Value = max(0, limit-(state.Debt+state.PeriodMS-1)/state.PeriodMS)
	}
	return model
}
