package server_test

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// said is what a worker writes of an attempt.
func said(a *wire.Assignment, seq int32, text string) *wire.WorkerMessage {
	return &wire.WorkerMessage{
		Logs:   []*wire.LogLine{{TaskId: a.TaskId, Token: a.Token, Seq: seq, Message: text, TimeMs: 1}},
		Chunks: []*wire.Chunk{{TaskId: a.TaskId, Token: a.Token, Seq: seq, Data: []byte(text)}},
	}
}

// emitted waits until the engine has dealt with what an attempt wrote.
func (w *worker) emitted(t *testing.T, n int32) {
	t.Helper()
	for {
		m, err := w.stream.Recv()
		require.NoError(t, err)
		for _, e := range m.Emitted {
			require.LessOrEqual(t, e.Lines, n)
			if e.Lines == n && e.Chunks == n {
				return
			}
		}
	}
}

// events are the lines of a stream of server-sent events, but for comments.
func (b *bundle) events(t *testing.T, run uint64, lastEvent string) (next func() string) {
	t.Helper()
	request, err := http.NewRequestWithContext(b.ctx, http.MethodGet, b.HTTPURL()+"/v1/runs/"+id.ID(run).String()+"/stream", nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+b.token(t, "default", time.Hour))
	if lastEvent != "" {
		request.Header.Set("Last-Event-ID", lastEvent)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	response, err := (&http.Client{Transport: transport}).Do(request)
	require.NoError(t, err)
	t.Cleanup(func() { _ = response.Body.Close() })
	require.Equal(t, http.StatusOK, response.StatusCode)
	lines := bufio.NewScanner(response.Body)
	return func() string {
		for lines.Scan() {
			if line := lines.Text(); line != "" && line[0] != ':' {
				return line
			}
		}
		require.NoError(t, lines.Err())
		return ""
	}
}

func TestStreamOfANativeWorkerIsReadOverHTTP(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.define(t, b.ctx, "talk")
	w := b.work(t, b.ctx, "talk", 1)
	run := b.submit(t, b.ctx, &wire.NewRun{Workflow: "talk"})[0].RunId
	a := w.take(t, 1)[0]

	next := b.events(t, run, "")
	require.NoError(t, w.stream.Send(said(a, 0, "hello")))
	require.Equal(t, "event: chunk", next())
	cursor := strings.TrimPrefix(next(), "id: ")
	require.Equal(t, `data: {"task":"talk","attempt":1,"text":"hello"}`, next())

	stale := said(a, 1, "of another attempt")
	stale.Logs[0].Token++
	stale.Chunks[0].Token++
	require.NoError(t, w.stream.Send(stale))
	require.NoError(t, w.stream.Send(said(a, 0, "again")))
	w.emitted(t, 1) // of the attempt that is current; of the other one nothing is said
	// In one message with the end, and before it.
	last := said(a, 1, "bye")
	last.Reports = []*wire.Report{{TaskId: a.TaskId, Token: a.Token, Attempt: 1, Kind: wire.Report_KIND_COMPLETED}}
	require.NoError(t, w.stream.Send(last))

	resumed := b.events(t, run, cursor)
	for _, next := range []func() string{next, resumed} {
		require.Equal(t, "event: chunk", next())
		require.NotEqual(t, "id: "+cursor, next())
		require.Equal(t, `data: {"task":"talk","attempt":1,"text":"bye"}`, next())
		require.Equal(t, "event: end", next())
		require.Equal(t, "data: {}", next())
		require.Empty(t, next())
	}

	stream, err := b.client.ListLogs(b.ctx, &wire.ListLogsRequest{RunId: run})
	require.NoError(t, err)
	page, err := stream.Recv()
	require.NoError(t, err)
	require.Len(t, page.Lines, 2)
	require.Equal(t, "hello", page.Lines[0].Message)
	require.Equal(t, "bye", page.Lines[1].Message)
}

func TestWorkerThatWritesNonsenseIsTold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for field, message := range map[string]*wire.WorkerMessage{
		"chunks[0].data": {Chunks: []*wire.Chunk{{}}},
		"chunks[1].data": {Chunks: []*wire.Chunk{{Data: []byte("x")}, {Data: make([]byte, 64<<10+1)}}},
		"logs[0].seq":    {Logs: []*wire.LogLine{{Seq: -1}}},
	} {
		w := b.work(t, b.ctx, "talk", 1)
		require.NoError(t, w.stream.Send(message))
		_, err := w.stream.Recv()
		require.ErrorContains(t, err, field)
	}
}
