package hatchet_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/slim/otlp/common/v1"
	resource "go.opentelemetry.io/proto/slim/otlp/resource/v1"
	trace "go.opentelemetry.io/proto/slim/otlp/trace/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/hatchettest"
	native "github.com/adzehq/adze/internal/wire/adzev1"
)

func text(key, value string) *common.KeyValue {
	return &common.KeyValue{Key: key, Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: value}}}
}

// export sends spans as an SDK's exporter does.
func export(s *hatchettest.Stage, spans ...*trace.Span) error {
	request := &collector.ExportTraceServiceRequest{ResourceSpans: []*trace.ResourceSpans{{
		Resource:   &resource.Resource{Attributes: []*common.KeyValue{text("service.name", "shop")}},
		ScopeSpans: []*trace.ScopeSpans{{Scope: &common.InstrumentationScope{Name: "sdk", Version: "1"}, Spans: spans}},
	}}}
	return s.Conn.Invoke(s.Ctx, "/opentelemetry.proto.collector.trace.v1.TraceService/Export", request, new(collector.ExportTraceServiceResponse))
}

func spanOf(n byte, run string, attributes ...*common.KeyValue) *trace.Span {
	return &trace.Span{
		TraceId: []byte("0123456789abcdef"), SpanId: append([]byte("1234567"), n), Name: "step", Kind: trace.Span_SPAN_KIND_CONSUMER,
		StartTimeUnixNano: 1_700_000_000_000_000_000 + uint64(n), EndTimeUnixNano: 1_700_000_000_000_000_500 + uint64(n),
		Status:     &trace.Status{Code: trace.Status_STATUS_CODE_ERROR, Message: "no"},
		Attributes: append([]*common.KeyValue{text("hatchet.workflow_run_id", run)}, attributes...),
	}
}

// submitted is a run that waits for a worker.
func submitted(t *testing.T, s *hatchettest.Stage) string {
	t.Helper()
	_, err := s.Native.PutWorkflows(s.Ctx, &native.PutWorkflowsRequest{Workflows: []*native.Workflow{{Name: "w", Tasks: []*native.Task{{}}}}})
	require.NoError(t, err)
	answer, err := s.Native.Submit(s.Ctx, &native.SubmitRequest{Runs: []*native.NewRun{{Workflow: "w"}}})
	require.NoError(t, err)
	return id.ID(answer.Runs[0].RunId).String()
}

func TestSpansOfARunAreRead(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	run := submitted(t, s)
	list := &common.AnyValue{Value: &common.AnyValue_ArrayValue{ArrayValue: &common.ArrayValue{Values: []*common.AnyValue{
		{Value: &common.AnyValue_IntValue{IntValue: 7}}, {Value: &common.AnyValue_BoolValue{BoolValue: true}},
	}}}}
	child := spanOf(2, run, text("hatchet.retry_count", "1"), text("nul", "a\x00b"), text("long", strings.Repeat("é", 5_000)),
		&common.KeyValue{Key: "list", Value: list})
	child.ParentSpanId = []byte("12345671")
	for range 2 { // an exporter that heard nothing sends again
		require.NoError(t, export(s, spanOf(1, run), child))
	}
	code, answer := s.REST(t, http.MethodGet, "/api/v1/stable/tenants/"+s.Tenant+"/traces?run_external_id="+run, nil)
	require.Equal(t, http.StatusOK, code)
	rows := answer.(map[string]any)["rows"].([]any)
	require.Len(t, rows, 2)
	require.Equal(t, []any{0.0, 1.0}, answer.(map[string]any)["retryCounts"])
	first, second := rows[0].(map[string]any), rows[1].(map[string]any)
	require.Equal(t, "CONSUMER", first["spanKind"])
	require.Equal(t, "ERROR", first["statusCode"])
	require.Equal(t, "shop", first["serviceName"])
	require.InDelta(t, 500, first["durationNs"], 0)
	require.NotContains(t, first, "parentSpanId")
	require.Equal(t, "3132333435363731", second["parentSpanId"])
	attributes := second["spanAttributes"].(map[string]any)
	require.Equal(t, "ab", attributes["nul"])
	require.Equal(t, "[7,true]", attributes["list"])
	require.Len(t, attributes["long"], 8<<10, "cut")

	_, answer = s.REST(t, http.MethodGet, "/api/v1/stable/tenants/"+s.Tenant+"/traces?limit=1&offset=1&run_external_id="+run, nil)
	require.Equal(t, []any{second}, answer.(map[string]any)["rows"])
	code, _ = s.REST(t, http.MethodGet, "/api/v1/stable/tenants/"+s.Tenant+"/traces", nil)
	require.Equal(t, http.StatusBadRequest, code)
}

func TestSpanOfNobodysRunIsNowhere(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	stranger := id.ID(1 << 60).String() // decades away: no partition has it
	require.NoError(t, export(s, spanOf(1, stranger), spanOf(2, "no id"), &trace.Span{Name: "bare"}))
	var rows int
	require.NoError(t, s.Pool.QueryRow(t.Context(), "select count(*) from adze.span").Scan(&rows))
	require.Zero(t, rows)

	run := submitted(t, s)
	tenants := s.Ctx
	s.Ctx = s.As(t, s.TokenOf(t, "another"))
	require.NoError(t, export(s, spanOf(1, run)))
	s.Ctx = tenants
	require.NoError(t, s.Pool.QueryRow(t.Context(), "select count(*) from adze.span").Scan(&rows))
	require.Zero(t, rows, "it is another tenant's run")
}

func TestACallTakesSoManySpansAndNoMore(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	run := submitted(t, s)
	many := make([]*trace.Span, 5_001)
	for i := range many {
		many[i] = spanOf(byte(i), run)
		many[i].SpanId = []byte{1, 2, 3, 4, 5, 6, byte(i >> 8), byte(i)}
	}
	require.NoError(t, export(s, many[:5_000]...))
	require.Equal(t, codes.InvalidArgument, status.Code(export(s, many...)))
}
