package core

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
)

// onceShard is a shard whose runs each take a key of its own.
func onceShard(t *testing.T, runs int, ttlMS int64) (*Shard, *Effects, Time) {
	t.Helper()
	s, out, now := New(1), &Effects{}, Time(id.Epoch)+1_000_000
	s.Apply(now, &Define{Definition: Definition{Version: version, Tenant: tenant, Action: "act"}}, out)
	s.Apply(now, &Restore{Epoch: 1}, out)
	in, ids := &Submit{Tasks: make([]NewTask, runs)}, id.NewSource(1, 0)
	for i := range in.Tasks {
		in.Tasks[i] = NewTask{ID: ids.Next(int64(now)), Tenant: tenant, Version: version}
		in.Once = append(in.Once, NewOnceKey{Run: in.Tasks[i].ID, Key: fmt.Sprint(i), Hold: OnceTTL, TTLMS: ttlMS, Item: int32(i)})
	}
	in.Ref = 1
	s.Apply(now, in, out)
	require.Len(t, out.Answers, runs)
	return s, out, now
}

func TestOneTickFreesSoManyKeysAndTheNextTheRest(t *testing.T) {
	t.Parallel()
	s, out, now := onceShard(t, onceExpireMax+1, 10)
	require.Equal(t, now+10, s.NextDue())
	for _, left := range []int{1, 0} {
		out.Reset()
		s.Apply(now+10, &Tick{}, out)
		require.Equal(t, left, s.Stats().Once)
		if left > 0 {
			require.Equal(t, now+10, s.NextDue(), "at once")
		}
	}
}

func TestOnlySoManyKeysAreInMemory(t *testing.T) {
	t.Parallel()
	s, out, now := onceShard(t, 3, 60_000)
	s.KeepOnce(3)
	s.Apply(now, &Tick{}, out)
	require.Equal(t, 3, s.Stats().Once)
	require.Empty(t, s.Missing(tenant, []string{"0", "x"}), "none is in Postgres only: what is not here is free")
	s.KeepOnce(2)
	s.Apply(now, &Tick{}, out)
	require.Equal(t, 2, s.Stats().Once)
	require.EqualValues(t, 1, s.Stats().OnceStored)
	require.Equal(t, []string{"0", "x"}, s.Missing(tenant, []string{"0", "1", "x"}), "the oldest made way")
}

func TestOnlySoManyRunsThatEndedAreLookedUp(t *testing.T) {
	t.Parallel()
	s, out, now := onceShard(t, 3, 60_000)
	s.KeepOnce(1)
	s.Apply(now, &Tick{}, out)
	for i := range onceSweepMax + 1 {
		s.onceEnded(id.ID(i + 1))
	}
	require.Len(t, s.once.sweep, onceSweepMax)
	out.Reset()
	s.Apply(now+onceSweepMS, &Tick{}, out)
	require.Len(t, out.Loads, 1)
	require.Equal(t, LoadOnceEnded, out.Loads[0].Kind)
}

// TestADurableRunThatMayHaveBegunIsNotReplaced: whether its key was read by the new owner at
// once or later makes no difference.
func TestADurableRunThatMayHaveBegunIsNotReplaced(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{Durable: true})
	run, key := NewTask{ID: r.ids.Next(int64(r.now)), Tenant: tenant, Version: version}, OnceKey{Tenant: tenant, Hold: OnceRun, Key: "k"}
	key.Run = run.ID
	r.apply(&Restore{Epoch: 2, LowWater: run.ID, Fresh: []NewTask{run}, Once: []OnceKey{key}})
	newcomer := NewTask{ID: r.ids.Next(int64(r.now)), Tenant: tenant, Version: version}
	out := r.apply(&Submit{
		Ref: 1, Tasks: []NewTask{newcomer},
		Once: []NewOnceKey{{Run: newcomer.ID, Key: "k", Hold: OnceRun, Taken: OnceReplace}},
	})
	require.Equal(t, []Answer{{Ref: 1, Task: run.ID, Kind: AnswerHeld}}, out.Answers)
}
