package shard

import (
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// closedGate has room only when it is opened.
type closedGate struct{ open chan struct{} }

func (g closedGate) Reserve(ctx context.Context, _ id.ID, _ int64, wait bool) error {
	if !wait {
		return fault.New(fault.Exhausted, "", "closed")
	}
	select {
	case <-g.open:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (closedGate) Release(id.ID, int64) {}

type openGate struct{}

func (openGate) Reserve(context.Context, id.ID, int64, bool) error { return nil }
func (openGate) Release(id.ID, int64)                              {}

// emitter is a session whose loop is the test.
func emitter(t *testing.T, emits Gate) *session {
	t.Helper()
	r := newRuntime(1, 1, &Config{Log: slog.New(slog.DiscardHandler), Emits: emits, Reports: openGate{}}, newPayloads(1))
	s := &session{runtime: r, worker: 1, over: make(chan struct{})}
	s.life, s.endLife = context.WithCancel(t.Context())
	t.Cleanup(s.endLife)
	return s
}

func chunkOf(token core.Token, bytes int) []core.Chunk {
	return []core.Chunk{{Token: token, Data: make(core.Payload, bytes)}}
}

func completed(tokens ...core.Token) (items []core.ReportItem) {
	for _, token := range tokens {
		items = append(items, core.ReportItem{Token: token, Kind: core.ReportCompleted})
	}
	return items
}

// next waits for the next messages of the loop.
func next(s *session) (inputs []core.Input) {
	<-s.runtime.inbox.ready
	for _, m := range s.runtime.inbox.take() {
		inputs = append(inputs, m.input)
	}
	return inputs
}

func TestWithRoomWhatIsWrittenGoesStraightOn(t *testing.T) {
	t.Parallel()
	s := emitter(t, openGate{})
	require.NoError(t, s.Emit(t.Context(), nil, chunkOf(1, 10)))
	require.NoError(t, s.Report(t.Context(), completed(1)))
	require.Equal(t, []core.Input{
		&core.Emit{Worker: 1, Chunks: chunkOf(1, 10)}, &core.Report{Worker: 1, Items: completed(1)},
	}, next(s))
}

func TestReportsOvertakeWhatOthersWroteAndNotTheirOwn(t *testing.T) {
	t.Parallel()
	gate := closedGate{make(chan struct{})}
	s := emitter(t, gate)
	require.NoError(t, s.Emit(t.Context(), nil, chunkOf(1, 10)))
	require.NoError(t, s.Report(t.Context(), completed(1, 2)))
	require.Equal(t, []core.Input{&core.Report{Worker: 1, Items: completed(2)}}, next(s))
	require.NoError(t, s.Emit(t.Context(), nil, chunkOf(2, 10)))
	gate.open <- struct{}{}
	gate.open <- struct{}{}
	var inputs []core.Input
	for len(inputs) < 3 {
		inputs = append(inputs, next(s)...)
	}
	require.Equal(t, []core.Input{
		&core.Emit{Worker: 1, Chunks: chunkOf(1, 10)},
		&core.Report{Worker: 1, Items: completed(1)},
		&core.Emit{Worker: 1, Chunks: chunkOf(2, 10)},
	}, inputs)
}

func TestSessionKeepsABoundedBacklog(t *testing.T) {
	t.Parallel()
	s := emitter(t, closedGate{make(chan struct{})})
	require.NoError(t, s.Emit(t.Context(), nil, chunkOf(1, backlogBytesMax-rowBytes)))
	err := s.Emit(t.Context(), nil, chunkOf(1, 0))
	require.Equal(t, fault.Exhausted, fault.KindOf(err))
}

func TestFollowerThatIsSlowIsToldToReadTheTable(t *testing.T) {
	t.Parallel()
	s := emitter(t, openGate{})
	r := s.runtime
	f, err := r.Follow(t.Context(), 1, []id.ID{5, 6}, WrittenChunks)
	require.NoError(t, err)
	tell := func(bytes int) {
		r.streams.deliver(&core.Effects{Chunks: []core.Chunk{{Task: 5, Tenant: 1, Data: make(core.Payload, bytes)}}})
	}
	r.streams.deliver(&core.Effects{Chunks: []core.Chunk{{Task: 5, Tenant: 2}, {Task: 7, Tenant: 1}}})
	tell(followBytesMax - rowBytes)
	rows, lost, err := f.Next(t.Context())
	require.NoError(t, err)
	require.False(t, lost)
	require.Len(t, rows.Chunks, 1, "of its tenant and its tasks only")

	tell(followBytesMax - rowBytes)
	tell(1)
	rows, lost, err = f.Next(t.Context())
	require.NoError(t, err)
	require.True(t, lost)
	require.Empty(t, rows.Chunks)

	tell(1)
	rows, lost, err = f.Next(t.Context())
	require.NoError(t, err)
	require.False(t, lost)
	require.Len(t, rows.Chunks, 1)

	f.Close()
	require.Empty(t, r.streams.chunks)
}

func TestFollowerIsToldThatItsTasksBeginAndEnd(t *testing.T) {
	t.Parallel()
	r := emitter(t, openGate{}).runtime
	f, err := r.Follow(t.Context(), 1, []id.ID{5, 6}, WrittenChunks, WrittenSteps)
	require.NoError(t, err)
	r.streams.deliver(&core.Effects{
		Tasks:   []core.NewTask{{ID: 6, Tenant: 1}, {ID: 5, Tenant: 2}, {ID: 7, Tenant: 1}},
		Chunks:  []core.Chunk{{Task: 5, Tenant: 1}},
		Results: []core.Result{{Task: 5, Tenant: 1, Status: core.Succeeded, Attempt: 2, Output: core.Payload("1")}, {Task: 6, Tenant: 2, Status: core.Failed}},
	})
	rows, lost, err := f.Next(t.Context())
	require.NoError(t, err)
	require.False(t, lost)
	require.Len(t, rows.Chunks, 1)
	require.Equal(t, []Outcome{{ID: 6}, {ID: 5, Status: core.Succeeded, Attempt: 2, Output: []byte("1")}}, rows.Steps,
		"of its tenant and its tasks only")
	f.Close()
	require.Empty(t, r.streams.chunks)
	require.Empty(t, r.streams.steps)
}
