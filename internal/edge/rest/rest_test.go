package rest_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/edge/rest"
)

func get(t *testing.T, h http.Handler, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	body, err := io.ReadAll(w.Body)
	require.NoError(t, err)
	return w.Code, string(body)
}

func handler(checks ...rest.Check) http.Handler {
	return rest.Handler(rest.Config{
		Checks: checks, Metrics: prometheus.NewRegistry(), Version: "1.2.3", GRPCAddr: "127.0.0.1:7077", Log: slog.Default(),
	})
}

func check(name string, err error) rest.Check {
	return rest.Check{Name: name, Ask: func(context.Context) error { return err }}
}

func TestReadyNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	code, body := get(t, handler(check("database", nil), check("shards", nil)), "/readyz")
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, "ready\n", body)

	code, body = get(t, handler(check("database", errors.New("no answer")), check("shards", nil)), "/readyz")
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Equal(t, "database: no answer\n", body)
}

func TestHealthAsksNothingOfTheDatabase(t *testing.T) {
	t.Parallel()
	code, _ := get(t, handler(check("database", errors.New("no answer"))), "/healthz")
	require.Equal(t, http.StatusOK, code)
}

func TestPageSaysWhereToGo(t *testing.T) {
	t.Parallel()
	code, body := get(t, handler(), "/")
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, body, "127.0.0.1:7077")
	code, _ = get(t, handler(), "/nothing")
	require.Equal(t, http.StatusNotFound, code)
	code, _ = get(t, handler(), "/metrics")
	require.Equal(t, http.StatusOK, code)
}
