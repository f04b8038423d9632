package grpcapi

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/adzehq/adze/internal/base/clock"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// stream is a worker's end of a stream, in memory. Network I/O cannot be part of a
// synctest bubble, and silence is worth testing to the second.
type stream struct {
	grpc.ServerStream
	ctx  context.Context
	up   chan *wire.WorkerMessage // closed: the worker hung up
	down chan *wire.EngineMessage
}

func (s *stream) Context() context.Context { return s.ctx }

func (s *stream) Recv() (*wire.WorkerMessage, error) {
	select {
	case m, open := <-s.up:
		if !open {
			return nil, io.EOF
		}
		return m, nil
	case <-s.ctx.Done():
		return nil, s.ctx.Err()
	}
}

func (s *stream) Send(m *wire.EngineMessage) error {
	select {
	case s.down <- m:
		return nil
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}

// mind is a shard that knows one session.
type mind struct {
	shard.Client
	downs  chan shard.Down
	closed chan core.LeaveReason
	report func([]core.ReportItem)
}

func (m *mind) Attach(context.Context, id.ID, shard.Hello) (shard.Session, error) { return m, nil }
func (m *mind) Worker() id.ID                                                     { return 7 }
func (m *mind) Relabel(context.Context, map[string]string) error                  { return nil }
func (m *mind) Resize(context.Context, int32) error                               { return nil }
func (m *mind) Close(reason core.LeaveReason)                                     { m.closed <- reason }

func (m *mind) Recv(ctx context.Context) (shard.Down, error) {
	select {
	case d := <-m.downs:
		return d, nil
	case <-ctx.Done():
		return shard.Down{}, ctx.Err()
	}
}

func (m *mind) Emit(context.Context, []core.LogLine, []core.Chunk) error { return nil }

func (m *mind) Report(_ context.Context, items []core.ReportItem, _ ...shard.EntrySpawn) error {
	m.report(items)
	return nil
}

type session struct {
	*stream
	mind   *mind
	server *Server
	ended  chan error
}

// begin greets a worker. It is called in a bubble.
func begin(t *testing.T) *session {
	t.Helper()
	ctx, cancel := context.WithCancel(auth.WithCaller(context.Background(), auth.Caller{Tenant: 1}))
	s := &session{
		stream: &stream{ctx: ctx, up: make(chan *wire.WorkerMessage), down: make(chan *wire.EngineMessage, 100)},
		mind: &mind{
			downs: make(chan shard.Down), closed: make(chan core.LeaveReason, 1), report: func([]core.ReportItem) {},
		},
		ended: make(chan error, 1),
	}
	s.server = NewServer(Config{Shards: s.mind, Clock: clock.Wall, Log: slog.New(slog.DiscardHandler)})
	go func() {
		s.ended <- s.server.Work(s.stream)
		cancel() // as gRPC does when the handler has returned
	}()
	s.up <- &wire.WorkerMessage{Hello: &wire.Hello{Actions: []string{"a"}, Slots: 1}}
	welcome := (<-s.down).Welcome
	require.EqualValues(t, 7, welcome.WorkerId)
	require.EqualValues(t, 3_000, welcome.PingMs)
	return s
}

func (s *session) left(t *testing.T) (core.LeaveReason, codes.Code) {
	t.Helper()
	reason := <-s.mind.closed
	return reason, status.Code(<-s.ended)
}

func TestSilentWorkerIsLostAfterTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t)
		began := time.Now()
		reason, code := s.left(t)
		require.Equal(t, core.LeaveSilent, reason)
		require.Equal(t, codes.Unavailable, code)
		require.InDelta(t, 10, time.Since(began).Seconds(), 1.1)
	})
}

func TestWorkerThatPingsIsNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t)
		for range 20 {
			time.Sleep(9 * time.Second)
			s.up <- &wire.WorkerMessage{}
		}
		close(s.up)
		reason, code := s.left(t)
		require.Equal(t, core.LeaveClosed, reason)
		require.Equal(t, codes.OK, code)
	})
}

func TestTimeInAFullJournalIsNotTheWorkersSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t)
		s.mind.report = func([]core.ReportItem) { time.Sleep(time.Minute) }
		s.up <- &wire.WorkerMessage{Reports: []*wire.Report{{Kind: wire.Report_KIND_STARTED}}}
		time.Sleep(59 * time.Second)
		require.Empty(t, s.mind.closed)
		time.Sleep(5 * time.Second)
		s.up <- &wire.WorkerMessage{Goodbye: true}
		reason, _ := s.left(t)
		require.Equal(t, core.LeaveDrained, reason)
	})
}

func TestEngineIsHeardAtLeastEveryThreeSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t)
		for range 10 {
			before := time.Now()
			<-s.down
			require.LessOrEqual(t, time.Since(before), 4*time.Second)
			s.up <- &wire.WorkerMessage{}
		}
		close(s.up)
		s.left(t)
	})
}

func TestDrainTellsWorkersToConnectAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t)
		s.server.Drain()
		reason, code := s.left(t)
		require.Equal(t, core.LeaveClosed, reason)
		require.Equal(t, codes.Unavailable, code)
	})
}

func TestLargePayloadsGoInSeveralMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t)
		full := make([]shard.Assignment, 10)
		for i := range full {
			full[i].Task, full[i].Input = id.ID(i+1), make([]byte, 1<<20)
		}
		full[4].Input = make([]byte, 8<<20)
		s.mind.downs <- shard.Down{Assignments: full, Stops: []core.Stop{{Task: 1}}, Settled: []core.Settlement{{Task: 2}}}
		next := uint64(1)
		for next <= 10 {
			m := <-s.down
			bytes := 0
			for _, a := range m.Assignments {
				require.Equal(t, next, a.TaskId)
				next++
				bytes += len(a.Input)
			}
			require.True(t, bytes <= batchBytesMax || len(m.Assignments) == 1, "%d bytes", bytes)
			require.Equal(t, m.Assignments[0].TaskId == 1, len(m.Stops)+len(m.Settled) == 2)
		}
		close(s.up)
		s.left(t)
	})
}

// Sent, it would break the stream; unsent, it would never end.
func TestWhatFitsIntoNoMessageFailsForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t)
		reported := make(chan []core.ReportItem, 1)
		s.mind.report = func(items []core.ReportItem) { reported <- items }
		large := make([]byte, 32<<20)
		s.mind.downs <- shard.Down{Assignments: []shard.Assignment{
			{Assignment: core.Assignment{Task: 1, Token: 11, Attempt: 2}, Parents: []shard.ParentOutput{{Output: large}, {Output: large}}},
			{Assignment: core.Assignment{Task: 2}},
		}}
		items := <-reported
		require.Len(t, items, 1)
		require.Equal(t, id.ID(1), items[0].Task)
		require.Equal(t, core.Token(11), items[0].Token)
		require.Equal(t, core.ReportFailed, items[0].Kind)
		require.True(t, items[0].NonRetryable)
		require.Contains(t, items[0].Error, "64 MiB together")
		m := <-s.down
		require.Len(t, m.Assignments, 1)
		require.EqualValues(t, 2, m.Assignments[0].TaskId)
		close(s.up)
		s.left(t)
	})
}

func TestSessionRefusesWhatItCannotRead(t *testing.T) {
	for name, m := range map[string]*wire.WorkerMessage{
		"a second hello":     {Hello: &wire.Hello{}},
		"a report of nobody": {Reports: []*wire.Report{{}}},
		"negative slots":     {Resize: &wire.Resize{Slots: -1}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := begin(t)
				s.up <- m
				reason, code := s.left(t)
				require.Equal(t, core.LeaveClosed, reason)
				require.Equal(t, codes.InvalidArgument, code)
			})
		})
	}
}

func TestPanicInACallIsAnInternalError(t *testing.T) {
	t.Parallel()
	s := NewServer(Config{Log: slog.New(slog.DiscardHandler)})
	_, err := s.recoverUnary(t.Context(), nil, &grpc.UnaryServerInfo{FullMethod: "/m"},
		func(context.Context, any) (any, error) { panic("boom") })
	require.Equal(t, codes.Internal, status.Code(err))
	require.NotContains(t, err.Error(), "boom")
}

func TestLogsAndWhatWasMetTravelBothWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t)
		var items []core.ReportItem
		s.mind.report = func(got []core.ReportItem) { items = got }
		s.up <- &wire.WorkerMessage{Reports: []*wire.Report{
			{TaskId: 1, Token: 2, Kind: wire.Report_KIND_ENTRY, Entry: &wire.NewEntry{
				Index: 1, Kind: wire.EntryKind_ENTRY_KIND_WAIT, Name: "w", Conditions: []*wire.WaitCondition{{ForMs: 5}},
			}},
			{TaskId: 1, Token: 2, Kind: wire.Report_KIND_SUSPENDED, Heard: -1},
		}}
		synctest.Wait()
		require.Len(t, items, 2)
		require.EqualValues(t, 5, items[0].Entry.Conditions[0].ForMS)
		require.Equal(t, core.ReportSuspended, items[1].Kind)
		require.EqualValues(t, -1, items[1].Heard)

		s.mind.downs <- shard.Down{
			Settled: []core.Settlement{{Task: 1, Token: 2, Entry: 1, At: 7}},
			Assignments: []shard.Assignment{{
				Assignment: core.Assignment{Task: 1, Token: 3}, Log: []core.Entry{{Index: 1, Kind: core.EntryWait, Name: "w"}},
			}},
			Mets: []core.Met{{Task: 1, Token: 3, Index: 1, Order: 9}},
		}
		first, second := <-s.down, <-s.down
		require.EqualValues(t, 1, first.Settled[0].Entry)
		require.Equal(t, "w", first.Assignments[0].Log[0].Name)
		require.EqualValues(t, 9, second.Mets[0].Order, "behind the assignment that it is for")
		close(s.up)
		s.left(t)
	})
}

func TestRunsOfACallHaveOneParent(t *testing.T) {
	t.Parallel()
	for _, runs := range [][]*wire.NewRun{
		{{ParentId: 1, ParentToken: 1}, {ParentId: 2, ParentToken: 1}},
		{{Key: "k"}},
		{{OnClose: wire.ClosePolicy_CLOSE_POLICY_CANCEL}},
	} {
		_, err := parentOf(runs)
		require.Error(t, err)
	}
	parent, err := parentOf([]*wire.NewRun{{ParentId: 1, ParentToken: 2, Key: "k"}})
	require.NoError(t, err)
	require.Equal(t, shard.Parent{Task: 1, Token: 2}, parent)
}
