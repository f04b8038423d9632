package adze

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// pipe is an engine's end of a worker's stream, in memory: network I/O cannot be
// part of a synctest bubble, and silence is worth testing to the second.
type pipe struct {
	grpc.ClientStream
	wire.AdzeClient
	ctx  context.Context
	up   chan *wire.WorkerMessage
	down chan *wire.EngineMessage // closed: the engine ended the stream
}

func newPipe() *pipe {
	return &pipe{up: make(chan *wire.WorkerMessage, 100), down: make(chan *wire.EngineMessage, 100)}
}

func (p *pipe) Work(ctx context.Context, _ ...grpc.CallOption) (grpc.BidiStreamingClient[wire.WorkerMessage, wire.EngineMessage], error) {
	p.ctx = ctx
	p.down <- &wire.EngineMessage{Welcome: &wire.Welcome{WorkerId: 7, PingMs: 3_000, GraceMs: 5_000}}
	return p, nil
}

func (p *pipe) Send(m *wire.WorkerMessage) error {
	p.up <- m
	return p.ctx.Err()
}

func (p *pipe) Recv() (*wire.EngineMessage, error) {
	select {
	case m, open := <-p.down:
		if !open {
			return nil, context.Canceled
		}
		return m, nil
	case <-p.ctx.Done():
		return nil, p.ctx.Err()
	}
}

func (p *pipe) CloseSend() error { close(p.up); return nil }

func (p *pipe) attach(t *testing.T) shard.Session {
	s, err := (&grpcTransport{engine: p}).attach(t.Context(), shard.Hello{Slots: 1})
	require.NoError(t, err)
	require.NotNil(t, (<-p.up).Hello)
	require.EqualValues(t, 7, s.Worker())
	return s
}

func TestAWorkerWithNothingToSayIsHeardInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPipe()
		s := p.attach(t)
		defer s.Close(core.LeaveClosed)
		for range 5 {
			heard := time.Now()
			require.Empty(t, (<-p.up).Reports)
			require.LessOrEqual(t, time.Since(heard), 3*time.Second)
			p.down <- &wire.EngineMessage{}
			_, err := s.Recv(t.Context())
			require.NoError(t, err)
		}
	})
}

func TestASilentEngineIsLeftAfterTenSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPipe()
		s := p.attach(t)
		defer s.Close(core.LeaveClosed)
		time.Sleep(9 * time.Second)
		p.down <- &wire.EngineMessage{}
		_, err := s.Recv(t.Context())
		require.NoError(t, err)

		last := time.Now()
		_, err = s.Recv(t.Context())
		require.ErrorIs(t, err, ErrUnavailable)
		require.ErrorContains(t, err, "for 10s")
		require.Equal(t, engineSilenceMax, time.Since(last))
	})
}

func TestAGoodbyeIsTheLastThingSaid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPipe()
		s := p.attach(t)
		go func() {
			for m := range p.up {
				if m.Goodbye {
					close(p.down)
				}
			}
		}()
		received := make(chan error, 1)
		go func() {
			_, err := s.Recv(t.Context())
			received <- err
		}()
		s.Close(core.LeaveDrained)
		require.Error(t, <-received)
		_, open := <-p.up
		require.False(t, open, "the stream is closed behind it")
	})
}
