package adze

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
)

// sessionPipe is an engine's end of a session, played by a test.
type sessionPipe struct {
	down chan shard.Down
	up   chan []core.ReportItem
	over chan struct{} // closed: the stream broke
}

func newSessionPipe() *sessionPipe {
	return &sessionPipe{down: make(chan shard.Down, 10), up: make(chan []core.ReportItem, 10), over: make(chan struct{})}
}

func (p *sessionPipe) Worker() id.ID                                    { return 7 }
func (p *sessionPipe) Relabel(context.Context, map[string]string) error { return nil }
func (p *sessionPipe) Resize(context.Context, int32) error              { return nil }
func (p *sessionPipe) Close(core.LeaveReason)                           {}

func (p *sessionPipe) Emit(context.Context, []core.LogLine, []core.Chunk) error { return nil }

func (p *sessionPipe) Recv(ctx context.Context) (shard.Down, error) {
	select {
	case d := <-p.down:
		return d, nil
	case <-p.over:
		return shard.Down{}, &Error{Kind: KindUnavailable, Text: "the stream broke"}
	case <-ctx.Done():
		return shard.Down{}, ctx.Err()
	}
}

func (p *sessionPipe) Report(_ context.Context, items []core.ReportItem, _ ...shard.EntrySpawn) error {
	p.up <- items
	return nil
}

// next is the next report that is no start.
func (p *sessionPipe) next() core.ReportItem {
	for items := range p.up {
		for _, item := range items {
			if item.Kind != core.ReportStarted {
				return item
			}
		}
	}
	return core.ReportItem{}
}

// sessions gives a worker one session after the other.
type sessions struct {
	fakeTransport
	next chan *sessionPipe
	said chan shard.Hello
}

func (s *sessions) define(context.Context, []shard.Workflow) error { return nil }

func (s *sessions) attach(ctx context.Context, hello shard.Hello) (shard.Session, error) {
	select {
	case p := <-s.next:
		s.said <- hello
		return p, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// withEngine runs task on a worker whose engine is the test.
func withEngine(t *testing.T, task *Task[int, int], test func(t *testing.T, s *sessions)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &sessions{next: make(chan *sessionPipe, 1), said: make(chan shard.Hello, 10)}
		c := newClient(s, slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancel(t.Context())
		worked := make(chan error, 1)
		go func() { worked <- c.Work(ctx, task, Slots(1), DrainTimeout(0)) }()
		test(t, s)
		stop()
		<-worked
		require.NoError(t, c.Close())
	})
}

func assigned(task *Task[int, int], log ...core.Entry) shard.Down {
	return shard.Down{Assignments: []shard.Assignment{{
		Assignment: core.Assignment{Task: 1, Token: 5, Attempt: 1},
		Action:     task.Name(), Workflow: task.Name(), Input: []byte("1"), Log: log,
	}}}
}

func settled(entry int32, stale bool) shard.Down {
	return shard.Down{Settled: []core.Settlement{{Task: 1, Token: 5, Entry: entry, Stale: stale, At: 1}}}
}

var twoSteps = NewDurable("two-steps", func(ctx context.Context, n int) (int, error) {
	for range 2 {
		if err := Do(ctx, "step", func(context.Context) error { return nil }); err != nil {
			return 0, err
		}
	}
	return n, nil
})

func TestAnEntryThatALostStreamMayHaveSwallowedIsSentAgain(t *testing.T) {
	t.Parallel()
	withEngine(t, twoSteps, func(t *testing.T, s *sessions) {
		first, second := newSessionPipe(), newSessionPipe()
		s.next <- first
		first.down <- assigned(twoSteps)
		require.EqualValues(t, 1, first.next().Entry.Index)
		close(first.over)
		s.next <- second
		<-s.said
		require.Len(t, (<-s.said).Running, 1, "it is claimed")
		require.EqualValues(t, 1, second.next().Entry.Index)
		second.down <- settled(1, false)
		require.EqualValues(t, 2, second.next().Entry.Index)
		second.down <- settled(1, true) // the other of the two: it does not count
		second.down <- settled(2, false)
		require.Equal(t, core.ReportCompleted, second.next().Kind)
	})
}

func TestAnEntryThatIsRefusedHasTheAttemptStartOver(t *testing.T) {
	t.Parallel()
	withEngine(t, twoSteps, func(t *testing.T, s *sessions) {
		first, second := newSessionPipe(), newSessionPipe()
		s.next <- first
		first.down <- assigned(twoSteps)
		first.next()
		close(first.over)
		s.next <- second
		second.next()
		second.down <- settled(1, true)
		end := second.next()
		require.Equal(t, core.ReportSuspended, end.Kind)
		require.EqualValues(t, unsure, end.Heard)
	})
}

func TestALongWaitIsRecordedAndSuspendedInOneMessage(t *testing.T) {
	t.Parallel()
	task := NewDurable("sleeps", func(ctx context.Context, n int) (int, error) { return n, Sleep(ctx, time.Hour) })
	withEngine(t, task, func(t *testing.T, s *sessions) {
		p := newSessionPipe()
		s.next <- p
		p.down <- assigned(task)
		var kinds []core.ReportKind
		for len(kinds) < 3 {
			items := <-p.up
			if len(kinds) <= 1 && len(items) == 1 && items[0].Kind == core.ReportStarted {
				kinds = append(kinds, items[0].Kind)
				continue
			}
			for _, item := range items {
				kinds = append(kinds, item.Kind)
			}
		}
		require.Equal(t, []core.ReportKind{core.ReportStarted, core.ReportEntry, core.ReportSuspended}, kinds)
	})
}

func TestWhatWasMetInTimeIsHeardInItsPlace(t *testing.T) {
	t.Parallel()
	task := NewDurable("listens", func(ctx context.Context, n int) (int, error) {
		m, err := WaitEvent[int](ctx, "e")
		return n + m, err
	})
	withEngine(t, task, func(t *testing.T, s *sessions) {
		p := newSessionPipe()
		s.next <- p
		p.down <- assigned(task)
		require.Equal(t, "e", p.next().Entry.Conditions[0].Key)
		p.down <- settled(1, false)
		<-time.After(waitPatience / 2) // on the clock of the bubble
		p.down <- shard.Down{Mets: []core.Met{{Task: 1, Token: 5, Index: 1, Order: 1, At: 2, Data: core.Payload("41")}}}
		require.Equal(t, core.Payload("42"), p.next().Output)
	})
}

func TestPatienceEndsAndSaysWhatWasHeard(t *testing.T) {
	t.Parallel()
	task := NewDurable("waits", func(ctx context.Context, n int) (int, error) {
		return n, All(ctx, OnSignal[int]("a"), OnSignal[int]("b"))
	})
	withEngine(t, task, func(t *testing.T, s *sessions) {
		p := newSessionPipe()
		s.next <- p
		p.down <- assigned(task)
		p.next()
		p.down <- settled(1, false)
		p.down <- shard.Down{Mets: []core.Met{{Task: 1, Token: 5, Index: 1, Order: 1, At: 2, Data: core.Payload("1")}}}
		end := p.next()
		require.Equal(t, core.ReportSuspended, end.Kind)
		require.EqualValues(t, 1, end.Heard)
	})
}

func TestAnAttemptThatTheEngineEndedIsLeftQuietly(t *testing.T) {
	t.Parallel()
	withEngine(t, twoSteps, func(t *testing.T, s *sessions) {
		p := newSessionPipe()
		s.next <- p
		p.down <- assigned(twoSteps)
		p.next()
		p.down <- settled(0, false) // what it recorded could not be stored
		synctest.Wait()
		require.Empty(t, p.up)
	})
}
