package rest_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/rest"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

const run = id.ID(1 << 40)

// streams answers as a test says.
type streams func(ctx context.Context, request *wire.ReadStreamRequest, send func(*wire.ReadStreamResponse) error) error

func (s streams) ReadStream(
	ctx context.Context, tenant id.ID, request *wire.ReadStreamRequest, send func(*wire.ReadStreamResponse) error,
) error {
	if tenant != 1 {
		return fault.New(fault.NotFound, "run_id", "not yours")
	}
	return s(ctx, request, send)
}

// Stream takes one token only.
func (streams) Stream(ctx context.Context, header string) (context.Context, func(), error) {
	if header != "Bearer good" {
		return nil, nil, fault.New(fault.Unauthenticated, "", "who are you")
	}
	return auth.WithCaller(ctx, auth.Caller{Tenant: 1}), func() {}, nil
}

// follow asks for a stream with the token and whatever else.
func follow(t *testing.T, s streams, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	r.Header.Set("Authorization", "Bearer good")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rest.Handler(rest.Config{Auth: s, Streams: s, Log: slog.New(slog.DiscardHandler)}).ServeHTTP(w, r)
	return w
}

func path(query string) string { return "/v1/runs/" + run.String() + "/stream" + query }

func TestStreamIsToldAsEvents(t *testing.T) {
	t.Parallel()
	s := streams(func(_ context.Context, request *wire.ReadStreamRequest, send func(*wire.ReadStreamResponse) error) error {
		if request.RunId != uint64(run) || request.Task != "a" || request.After != "0.1.2" {
			return errors.New("asked for something else")
		}
		return send(&wire.ReadStreamResponse{Chunks: []*wire.StreamedChunk{
			{Task: "a", Attempt: 1, Data: []byte("line\n\"two\""), Cursor: "0.1.3"},
			{Task: "a", Attempt: 2, Data: []byte{0xff, 0}, Cursor: "0.2.0", Restarted: true},
		}})
	})
	const want = `event: chunk
id: 0.1.3
data: {"task":"a","attempt":1,"text":"line\n\"two\""}

event: restart
data: {"task":"a","attempt":2}

event: chunk
id: 0.2.0
data: {"task":"a","attempt":2,"base64":"/wA="}

event: end
data: {}

`
	w := follow(t, s, path("?task=a&after=0.1.2"))
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, "text/event-stream", w.Header().Get("Content-Type"))
	require.Equal(t, want, w.Body.String())
	w = follow(t, s, path("?task=a&after=0.1.1"), "Last-Event-ID", "0.1.2")
	require.Equal(t, want, w.Body.String(), "who comes back wants what comes after its last event")
}

func TestRefusedStreamSaysWhy(t *testing.T) {
	t.Parallel()
	refusing := func(err error) streams {
		return func(context.Context, *wire.ReadStreamRequest, func(*wire.ReadStreamResponse) error) error { return err }
	}
	w := follow(t, refusing(nil), path(""), "Authorization", "Bearer bad")
	require.Equal(t, http.StatusUnauthorized, w.Code)
	require.JSONEq(t, `{"error":{"kind":"unauthenticated","text":"who are you"}}`, w.Body.String())
	w = follow(t, refusing(nil), "/v1/runs/nonsense/stream")
	require.Equal(t, http.StatusNotFound, w.Code)
	require.JSONEq(t, `{"error":{"kind":"not_found","field":"run","text":"no run nonsense"}}`, w.Body.String())
	w = follow(t, refusing(fault.New(fault.Invalid, "after", "is wrong")), path(""))
	require.Equal(t, http.StatusBadRequest, w.Code)
	require.JSONEq(t, `{"error":{"kind":"invalid","field":"after","text":"is wrong"}}`, w.Body.String())
	w = follow(t, refusing(errors.New("a secret")), path(""))
	require.Equal(t, http.StatusInternalServerError, w.Code)
	require.NotContains(t, w.Body.String(), "secret")
}

func TestQuietStreamBeginsSoonAndShowsThatItLives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := streams(func(context.Context, *wire.ReadStreamRequest, func(*wire.ReadStreamResponse) error) error {
			time.Sleep(40 * time.Second)
			return nil
		})
		require.Equal(t, ": here\n\n: here\n\n: here\n\nevent: end\ndata: {}\n\n", follow(t, s, path("")).Body.String())
	})
}

func TestStreamsEndWithTheServer(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{})
	s := streams(func(ctx context.Context, _ *wire.ReadStreamRequest, send func(*wire.ReadStreamResponse) error) error {
		err := send(&wire.ReadStreamResponse{Chunks: []*wire.StreamedChunk{{Data: []byte("x"), Cursor: "0.1.0"}}})
		close(begun)
		<-ctx.Done()
		return errors.Join(err, ctx.Err())
	})
	server := httptest.NewUnstartedServer(nil)
	server.Config = rest.NewServer(rest.Config{Auth: s, Streams: s, Log: slog.New(slog.DiscardHandler)})
	server.Start()
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path(""), nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer good")
	response, err := server.Client().Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	<-begun
	require.NoError(t, server.Config.Shutdown(t.Context()))
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NotContains(t, string(body), "event: end", "the client is to come back")
}
