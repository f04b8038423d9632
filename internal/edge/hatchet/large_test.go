package hatchet_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/adzehq/adze/internal/edge/hatchettest"
	native "github.com/adzehq/adze/internal/wire/adzev1"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// Trap 40: clients take 4 MiB. What a run is told by has its input and all its outputs.
func TestDetailsOfLargeRunsAreCutOrRefusedAndNeverLost(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	large := fmt.Sprintf(`{"a":%q}`, strings.Repeat("x", 5<<19)) // 2.5 MiB
	s.Work(t, func(*native.Assignment) (string, error) { return large, nil }, hatchettest.One("one", 0), hatchettest.Two("two"))
	one := trigger(t, s, &wire.TriggerWorkflowRequest{Name: "one", Input: large})
	require.Len(t, results(t, s, one), 1)
	told := details(t, s, one)
	require.Equal(t, wire.RunStatus_RUN_STATUS_COMPLETED, told.Status)
	require.JSONEq(t, large, string(told.TaskRuns["step"].Output))
	require.Empty(t, told.Input)

	two := trigger(t, s, &wire.TriggerWorkflowRequest{Name: "two"})
	require.Len(t, results(t, s, two), 1)
	_, err := s.Admin.GetRunDetails(s.Ctx, &wire.GetRunDetailsRequest{ExternalId: two})
	require.Equal(t, codes.ResourceExhausted, status.Code(err))
	require.ErrorContains(t, err, "Read it over REST")
	code, answer := s.REST(t, http.MethodGet, "/api/v1/stable/workflow-runs/"+two, nil)
	require.Equal(t, http.StatusOK, code)
	require.Len(t, answer.(map[string]any)["tasks"], 2)

	pushed, err := s.Events.Push(s.Ctx, &wire.PushEventRequest{Key: "k", Payload: fmt.Sprintf(`{"a":%q}`, strings.Repeat("x", 4<<20-100))})
	require.NoError(t, err, "an event of the largest size is answered")
	require.Equal(t, `{}`, pushed.Payload)
}
