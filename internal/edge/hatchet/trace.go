package hatchet

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"strconv"

	collector "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/slim/otlp/common/v1"
	trace "go.opentelemetry.io/proto/slim/otlp/trace/v1"
	"google.golang.org/grpc"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/hatchet/define"
	"github.com/adzehq/adze/internal/record/span"
)

// Bounds of what is taken of traces: they are for looking at, so what is longer is cut.
const (
	spansMax          = 5_000 // of one call
	attributesMax     = 128   // of one span, and of its resource
	attributeBytesMax = 8 << 10
	spanNameBytesMax  = 1 << 10
)

// The attributes by which the SDKs say what a span belongs to.
const (
	attributeRun   = "hatchet.workflow_run_id"
	attributeRetry = "hatchet.retry_count"
)

// traceServiceName is the name of OpenTelemetry's service for traces.
const traceServiceName = "opentelemetry.proto.collector.trace.v1.TraceService"

var traceService = grpc.ServiceDesc{
	ServiceName: traceServiceName,
	HandlerType: (*exporter)(nil),
	Methods:     []grpc.MethodDesc{{MethodName: "Export", Handler: handleExport}},
}

type exporter interface {
	Export(ctx context.Context, req *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error)
}

func handleExport(srv any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) { //nolint:revive // gRPC's order
	req := new(collector.ExportTraceServiceRequest)
	if err := decode(req); err != nil {
		return nil, err
	}
	export := func(ctx context.Context, req any) (any, error) {
		return srv.(exporter).Export(ctx, req.(*collector.ExportTraceServiceRequest))
	}
	if intercept == nil {
		return export(ctx, req)
	}
	return intercept(ctx, req, &grpc.UnaryServerInfo{Server: srv, FullMethod: "/" + traceServiceName + "/Export"}, export)
}

// Export takes the spans that say which run they belong to. Others are nobody's here: they
// are taken and forgotten, for their program could do nothing about a refusal.
func (s *Server) Export(ctx context.Context, req *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	spans, err := spansOf(req)
	if err != nil {
		return nil, s.Status(err)
	}
	if len(spans) > 0 {
		if err := span.Insert(ctx, s.DB, auth.Tenant(ctx), spans); err != nil {
			return nil, s.Status(err)
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

func spansOf(req *collector.ExportTraceServiceRequest) (spans []span.Span, err error) {
	for _, resource := range req.ResourceSpans {
		service, attributes := resourceOf(resource)
		for _, scope := range resource.ScopeSpans {
			for _, one := range scope.Spans {
				if len(spans) == spansMax {
					return nil, fault.New(fault.Invalid, "resource_spans", "has more than %d spans of runs; export them in parts", spansMax)
				}
				row, belongs := spanOf(one)
				if !belongs {
					continue
				}
				row.Service, row.Resource = service, attributes
				row.ScopeName, row.ScopeVer = define.Cut(scope.GetScope().GetName(), spanNameBytesMax), define.Cut(scope.GetScope().GetVersion(), spanNameBytesMax)
				spans = append(spans, row)
			}
		}
	}
	return spans, nil
}

func resourceOf(resource *trace.ResourceSpans) (service string, attributes []byte) {
	texts := attributesOf(resource.GetResource().GetAttributes())
	return texts["service.name"], encoded(texts)
}

// spanOf is the row of a span, if it belongs to a run.
func spanOf(s *trace.Span) (row span.Span, belongs bool) {
	texts := attributesOf(s.Attributes)
	run, err := id.Parse(texts[attributeRun])
	if err != nil || len(s.TraceId) != 16 || len(s.SpanId) != 8 {
		return row, false
	}
	retry, err := strconv.ParseInt(texts[attributeRetry], 10, 32)
	if err != nil {
		retry = 0 // it is left out for the first attempt
	}
	row = span.Span{
		Run: run, StartedNS: int64(s.StartTimeUnixNano), RetryCount: int32(retry),
		DurationNS: max(int64(s.EndTimeUnixNano-s.StartTimeUnixNano), 0),
		Kind:       int32(s.Kind), Status: int32(s.GetStatus().GetCode()),
		Trace: s.TraceId, ID: s.SpanId, Name: define.Cut(s.Name, spanNameBytesMax),
		Message: define.Cut(s.GetStatus().GetMessage(), attributeBytesMax), Attributes: encoded(texts),
	}
	if len(s.ParentSpanId) == 8 {
		row.Parent = s.ParentSpanId
	}
	return row, true
}

// attributesOf are attributes as texts.
func attributesOf(attributes []*common.KeyValue) map[string]string {
	texts := make(map[string]string, len(attributes))
	for _, a := range attributes[:min(len(attributes), attributesMax)] {
		texts[define.Cut(a.Key, spanNameBytesMax)] = define.Cut(textOf(a.Value), attributeBytesMax)
	}
	return texts
}

// textOf is a value as people read it; of lists and maps the JSON.
func textOf(value *common.AnyValue) string {
	switch v := value.GetValue().(type) {
	case *common.AnyValue_StringValue:
		return v.StringValue
	case *common.AnyValue_BytesValue:
		return hex.EncodeToString(v.BytesValue)
	case nil:
		return ""
	default:
		return string(encoded(plain(value)))
	}
}

// plain is a value as encoding/json takes it.
func plain(value *common.AnyValue) any {
	switch v := value.GetValue().(type) {
	case *common.AnyValue_StringValue:
		return v.StringValue
	case *common.AnyValue_BoolValue:
		return v.BoolValue
	case *common.AnyValue_IntValue:
		return v.IntValue
	case *common.AnyValue_DoubleValue:
		return v.DoubleValue
	case *common.AnyValue_BytesValue:
		return hex.EncodeToString(v.BytesValue)
	case *common.AnyValue_ArrayValue:
		list := []any{}
		for _, one := range v.ArrayValue.GetValues() {
			list = append(list, plain(one))
		}
		return list
	case *common.AnyValue_KvlistValue:
		fields := map[string]any{}
		for _, one := range v.KvlistValue.GetValues() {
			fields[one.Key] = plain(one.Value)
		}
		return fields
	default:
		return nil
	}
}

// encoded is JSON, or an empty object for what JSON does not have, like a NaN.
func encoded(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		return []byte("{}")
	}
	return text
}
