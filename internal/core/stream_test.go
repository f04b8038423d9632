package core

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
)

// wrote is what an attempt wrote: one line and one chunk of each number.
func wrote(a Assignment, numbers ...int32) *Emit {
	in := &Emit{Worker: a.Worker}
	for _, n := range numbers {
		in.Lines = append(in.Lines, LogLine{Task: a.Task, Token: a.Token, Seq: n, Message: fmt.Sprint(n)})
		in.Chunks = append(in.Chunks, Chunk{Task: a.Task, Token: a.Token, Seq: n, Data: Payload(fmt.Sprint(n))})
	}
	return in
}

func runOne(t *testing.T) (*rig, Assignment) {
	t.Helper()
	r := newRig(t, Definition{Retries: 1})
	r.join(worker1, 1)
	_, out := r.submit(1, nil)
	return r, out.Assigned[0]
}

func TestWhatTheCurrentAttemptWritesIsStored(t *testing.T) {
	t.Parallel()
	r, a := runOne(t)
	out := r.apply(wrote(a, 0, 1))
	require.Equal(t, 4, out.Rows())
	require.Equal(t, LogLine{Task: a.Task, Tenant: tenant, Token: a.Token, Attempt: 1, Seq: 1, Message: "1"}, out.Lines[1])
	require.Equal(t, Chunk{Task: a.Task, Tenant: tenant, Token: a.Token, Attempt: 1, Seq: 1, Data: Payload("1")}, out.Chunks[1])
	require.Equal(t, []Emitted{{Worker: worker1, Task: a.Task, Token: a.Token, Lines: 2, Chunks: 2}}, out.Emitted)
}

func TestWhatOtherAttemptsWriteIsRefused(t *testing.T) {
	t.Parallel()
	r, a := runOne(t)
	foreign := wrote(a, 0)
	foreign.Worker = worker2
	stranger := a
	stranger.Task++
	old := r.apply(&Report{Worker: worker1, Items: []ReportItem{{Task: a.Task, Attempt: 1, Token: a.Token, Kind: ReportFailed}}})
	require.Len(t, old.Assigned, 1)
	for _, in := range []*Emit{foreign, wrote(a, 0), wrote(stranger, 0)} {
		out := r.apply(in)
		require.Zero(t, out.Rows())
		require.Empty(t, out.Emitted, "the next owner may take the attempt up, and want it")
	}
	require.Equal(t, 2, r.apply(wrote(old.Assigned[0], 0)).Rows(), "the next attempt counts from 0")
}

func TestWhatComesAgainIsNotWrittenAgain(t *testing.T) {
	t.Parallel()
	r, a := runOne(t)
	r.apply(wrote(a, 0, 1))
	out := r.apply(wrote(a, 0, 1, 2))
	require.Len(t, out.Lines, 1)
	require.Len(t, out.Chunks, 1)
	require.Equal(t, []Emitted{{Worker: worker1, Task: a.Task, Token: a.Token, Lines: 3, Chunks: 3}}, out.Emitted)
}

func TestAttemptWritesWithinItsBounds(t *testing.T) {
	t.Parallel()
	r, a := runOne(t)
	line := func(n int32) int { return r.apply(&Emit{Worker: worker1, Lines: wrote(a, n).Lines}).Rows() }
	require.Equal(t, 1, line(LogLinesMax-1))
	require.Equal(t, 1, line(LogLinesMax), "the line that says that the rest is missing")
	require.Zero(t, line(LogLinesMax+1))

	next := int32(0)
	chunk := func(bytes int) int {
		next++
		return r.apply(&Emit{Worker: worker1, Chunks: []Chunk{{Task: a.Task, Token: a.Token, Seq: next, Data: make(Payload, bytes)}}}).Rows()
	}
	require.Equal(t, 1, chunk(StreamBytesMax-1))
	require.Zero(t, chunk(2))
	require.Equal(t, 1, chunk(1))
	require.Zero(t, chunk(1))
}

func BenchmarkEmit(b *testing.B) {
	s := New(1)
	now := Time(id.Epoch) + 1_000_000
	ids := id.NewSource(1, 0)
	var out Effects
	apply := func(in Input) {
		out.Reset()
		s.Apply(now, in, &out)
	}
	apply(&Define{Definition: Definition{Version: 2, Tenant: tenant, Action: "act"}})
	apply(&Restore{Epoch: 1})
	apply(&Join{Worker: worker1, Tenant: tenant, Actions: []string{"act"}, Slots: 1})
	apply(submitOf(ids, now, 2, 1))
	a := out.Assigned[0]
	in := &Emit{Worker: worker1, Chunks: make([]Chunk, 100)}
	b.ReportAllocs()
	for n := 0; n < b.N; n += len(in.Chunks) {
		for i := range in.Chunks {
			in.Chunks[i] = Chunk{Task: a.Task, Token: a.Token, Seq: int32(n + i)}
		}
		apply(in)
	}
}

func TestWhatIsWrittenByCallIsStoredWheneverItComes(t *testing.T) {
	t.Parallel()
	r, a := runOne(t)
	call := &Write{
		Tenant: tenant,
		Lines:  []LogLine{{Task: a.Task, Message: "a"}, {Task: a.Task, Message: "b"}, {Task: 1, Attempt: 3, Message: "late"}},
		Chunks: []Chunk{{Task: a.Task, Data: Payload("x")}, {Task: 1, Data: Payload("late")}, {Task: a.Task, Data: Payload("y")}},
	}
	out := r.apply(call)
	require.Len(t, out.Lines, 3)
	token := out.Lines[0].Token
	require.NotEqual(t, a.Token, token)
	require.Equal(t, LogLine{Task: a.Task, Tenant: tenant, Token: token, Attempt: 1, Seq: 1, Message: "b"}, out.Lines[1])
	require.Equal(t, LogLine{Task: 1, Tenant: tenant, Token: token, Attempt: 3, Seq: 2, Message: "late"}, out.Lines[2])
	require.Equal(t, []Chunk{
		{Task: a.Task, Tenant: tenant, Token: a.Token, Attempt: 1, Seq: 0, Data: Payload("x")},
		{Task: a.Task, Tenant: tenant, Token: a.Token, Attempt: 1, Seq: 1, Data: Payload("y")},
	}, out.Chunks, "what does not run streams no more")

	call.Tenant++
	out = r.apply(call)
	require.Len(t, out.Lines, 1, "whether a task that is not here is the tenant's was asked before")
	require.Empty(t, out.Chunks)
}

func TestLinesByCallHaveABound(t *testing.T) {
	t.Parallel()
	r, a := runOne(t)
	call := &Write{Tenant: tenant, Lines: make([]LogLine, LogLinesMax+1)}
	for i := range call.Lines {
		call.Lines[i].Task = a.Task
	}
	require.Len(t, r.apply(call).Lines, LogLinesMax)
	require.Equal(t, 2, r.apply(wrote(a, 0)).Rows(), "those of the stream are counted for themselves")
}
