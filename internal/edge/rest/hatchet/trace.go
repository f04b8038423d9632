package hatchet

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/record/span"
	"github.com/adzehq/adze/internal/wire/hatchetrest"
)

func (c Config) traceRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/v1/stable/tenants/{tenant}/traces", c.of(c.listSpans))
}

// What OTLP's numbers are called here, by the number.
var (
	spanKinds = [...]hatchetrest.OtelSpanKind{"UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"}
	spanCodes = [...]hatchetrest.OtelStatusCode{"UNSET", "OK", "ERROR"}
)

func (c Config) listSpans(r *http.Request, caller auth.Caller) (any, error) {
	q := queryOf(r)
	offset, limit := q.number("offset", 0, 0, offsetMax), q.number("limit", pageMax, 1, pageMax)
	if q.err != nil {
		return nil, q.err
	}
	run, err := id.Parse(q.text("run_external_id"))
	if err != nil {
		return nil, fault.New(fault.Invalid, "run_external_id", "is %q, not the id of a run", q.text("run_external_id"))
	}
	spans, err := span.List(r.Context(), c.DB, caller.Tenant, run, offset, limit+1)
	if err != nil {
		return nil, err
	}
	more := len(spans) > limit
	list := hatchetrest.OtelSpanList{
		Rows: []hatchetrest.OtelSpan{}, RetryCounts: []int64{}, Pagination: pagination(offset, limit, -1, more),
	}
	for i := range spans[:min(len(spans), limit)] {
		model, err := spanModel(&spans[i])
		if err != nil {
			return nil, err
		}
		list.Rows = append(list.Rows, model)
		list.RetryCounts = append(list.RetryCounts, model.RetryCount)
	}
	slices.Sort(list.RetryCounts)
	list.RetryCounts = slices.Compact(list.RetryCounts)
	return list, nil
}

func spanModel(s *span.Span) (model hatchetrest.OtelSpan, err error) {
	model = hatchetrest.OtelSpan{
		TraceId: hex.EncodeToString(s.Trace), SpanId: hex.EncodeToString(s.ID), ParentSpanId: hex.EncodeToString(s.Parent),
		SpanName: s.Name, SpanKind: named(spanKinds[:], s.Kind), StatusCode: named(spanCodes[:], s.Status), StatusMessage: s.Message,
		ServiceName: s.Service, ScopeName: s.ScopeName, ScopeVersion: s.ScopeVer,
		DurationNs: s.DurationNS, CreatedAt: time.Unix(0, s.StartedNS).UTC(), RetryCount: int64(s.RetryCount),
	}
	if err := json.Unmarshal(s.Resource, &model.ResourceAttributes); err != nil {
		return model, err
	}
	return model, json.Unmarshal(s.Attributes, &model.SpanAttributes)
}

// named is the name of a number: that of 0 if it has none.
func named[T any](names []T, number int32) T {
	if number < 0 || int(number) >= len(names) {
		return names[0]
	}
	return names[number]
}
