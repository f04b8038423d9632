package hatchet_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/adzehq/adze/internal/edge/hatchettest"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Traps 1 and 3: calls are compressed, and the version is three numbers above all features.
func TestVersionTellsThatAllFeaturesAreThere(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	response, err := s.Dispatcher.GetVersion(s.Ctx, &wire.GetVersionRequest{})
	require.NoError(t, err)
	text, found := strings.CutPrefix(response.Version, "v")
	require.True(t, found)
	parts := strings.Split(text, ".")
	require.Len(t, parts, 3)
	var numbers [3]int
	for i, part := range parts {
		numbers[i], err = strconv.Atoi(part)
		require.NoError(t, err)
	}
	require.GreaterOrEqual(t, numbers[1], 102)

	code, answer := s.REST(t, http.MethodGet, "/api/v1/version", nil)
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, map[string]any{"version": response.Version}, answer)
}

func TestCallWithoutTokenIsRefused(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	_, err := s.Dispatcher.GetVersion(t.Context(), &wire.GetVersionRequest{})
	require.Equal(t, codes.Unauthenticated, status.Code(err))
}
