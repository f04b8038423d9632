package compat_test

import (
	"net/http"
	"testing"

	"github.com/hatchet-dev/hatchet/pkg/client/rest"
	"github.com/stretchr/testify/require"
)

func TestTheTracesOfARunCanBeRead(t *testing.T) {
	slow(t)
	s := begin(t)
	s.know(s.sdk.NewStandaloneTask(s.name("traced"), echo))
	s.process("traced", s.name("traced"))
	ref := s.start(s.name("traced"), object{})
	s.becomes(ref.RunId, "COMPLETED")
	tenant := s.details(ref.RunId).Run.TenantId

	spans := map[string]rest.OtelSpan{}
	s.eventually("both spans are there", func() bool {
		var list rest.OtelSpanList
		path := "/api/v1/stable/tenants/" + tenant.String() + "/traces?run_external_id=" + ref.RunId
		require.Equal(t, http.StatusOK, s.call(http.MethodGet, path, nil, &list))
		require.NotNil(t, list.Rows)
		for _, span := range *list.Rows {
			spans[span.SpanName] = span
		}
		return len(spans) == 2
	})
	inner, outer := spans["inner work"], spans["hatchet.start_step_run"]
	require.Equal(t, outer.TraceId, inner.TraceId)
	require.NotNil(t, inner.ParentSpanId)
	require.Equal(t, outer.SpanId, *inner.ParentSpanId)
	require.Equal(t, "green", (*inner.SpanAttributes)["colour"])
}
