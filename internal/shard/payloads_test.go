package shard

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

func (p *payloads) has(task id.ID) bool {
	_, here := p.find(task)
	return here
}

// kept is of how many tasks it has the payloads.
func (p *payloads) kept() (n int) {
	for _, b := range p.blocks {
		for _, at := range b {
			if at != (place{}) {
				n++
			}
		}
	}
	return n
}

func tasks(first, n int) []core.NewTask {
	list := make([]core.NewTask, n)
	for i := range list {
		list[i] = core.NewTask{ID: id.ID(first + i), Input: make([]byte, 100)}
	}
	return list
}

func results(list []core.NewTask) []core.Result {
	ended := make([]core.Result, len(list))
	for i := range list {
		ended[i].Task = list[i].ID
	}
	return ended
}

// roomFor is what room n tasks take that fill it.
func roomFor(n int) int64 {
	p := newPayloads(1 << 30)
	p.put(tasks(1, n), nil, nil)
	return int64(len(p.chunks[p.newest].packed)) + int64(len(p.blocks)*blockBytes)
}

func TestPayloadsKeepToTheirBytesAndLetTheOldestGo(t *testing.T) {
	t.Parallel()
	const fits = 1_000
	p := newPayloads(roomFor(fits))
	least := fits
	for i := range 100 {
		p.put(tasks(1+i*fits/10, fits/10), nil, nil)
		require.LessOrEqual(t, p.bytes, p.bytesMax)
		if i >= 10 {
			least = min(least, p.kept())
		}
		require.True(t, p.has(id.ID((i+1)*fits/10)), "the newest")
	}
	require.Greater(t, least, fits*3/4, "most of the room is used")
	for task := id.ID(100*fits/10 - fits/2); task <= 100*fits/10; task++ {
		require.True(t, p.has(task), "task %d", task)
	}
}

func TestWhatIsLongerThanAllRoomIsLeftOut(t *testing.T) {
	t.Parallel()
	p := newPayloads(10_000)
	p.put(tasks(1, 1), nil, nil)
	huge := tasks(2, 1)
	huge[0].Input = make([]byte, 10_001)
	p.put(huge, nil, nil)
	require.True(t, p.has(1))
	require.False(t, p.has(2))
}

func TestWhatComesToADeepQueueMakesWayForWhatRunsBefore(t *testing.T) {
	t.Parallel()
	const fits = 1_000
	p := newPayloads(roomFor(fits))
	late := tasks(1, 2*fits)
	open := make([]core.OpenTask, len(late))
	for i := range late {
		open[i] = core.OpenTask{ID: late[i].ID, State: core.OpenReady}
	}
	p.put(late, nil, open)
	kept := p.kept()
	require.Greater(t, kept, fits*3/4)
	for task := id.ID(1); int(task) <= kept; task++ {
		require.True(t, p.has(task), "task %d", task)
	}
	p.drop(results(tasks(1, fits/2)))
	p.put(tasks(1+2*fits, 1), nil, nil)
	require.True(t, p.has(1+2*fits), "it is not late")
	require.True(t, p.has(id.ID(kept)), "there was room")
	require.LessOrEqual(t, p.bytes, p.bytesMax)
}

func TestALongWaitInFrontDoesNotFillTheMemory(t *testing.T) {
	t.Parallel()
	p := newPayloads(1 << 30)
	p.put(tasks(1, 1), nil, nil) // waits for a week
	for i := range 1_000 {
		batch := tasks(2+100*i, 100)
		p.put(batch, nil, nil)
		p.drop(results(batch))
	}
	require.True(t, p.has(1))
	require.Equal(t, 1, p.kept())
	require.Len(t, p.chunks, 2, "its own, and that which is being filled")
	require.EqualValues(t, 2*chunkBytesMax+blockBytes, p.bytes)
}

func TestAPayloadComesBackAsItWasGiven(t *testing.T) {
	t.Parallel()
	for name, given := range map[string]payload{
		"nothing":  {input: []byte{}},
		"numbers":  {input: []byte(`1`), replayOf: 1 << 60, parent: 3, tenant: 4, priority: -5},
		"metadata": {input: []byte(`{}`), metadata: []byte(`{"a":1}`), given: []byte{}},
		"event":    {input: []byte(`{}`), event: &Event{ID: 9, Key: "k", Scope: "s", Given: []byte(`2`)}},
		"long":     {input: make([]byte, 300_000), metadata: make([]byte, 70_000)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from := packed(append(given.pack(nil, 7), 0xFF))
			require.LessOrEqual(t, len(from), given.packedMax())
			task, got := from.unpack()
			require.EqualValues(t, 7, task)
			require.Equal(t, given, got)
			require.Len(t, from, 1, "the next one's")
		})
	}
}

func TestWhatDoesNotFitTakesTheOldAway(t *testing.T) {
	t.Parallel()
	p := newPayloads(10_000)
	p.put(tasks(1, 3), nil, nil)
	huge := tasks(2, 1)
	huge[0].Input = make([]byte, 10_001)
	p.put(huge, nil, nil)
	require.True(t, p.has(1))
	require.False(t, p.has(2), "an input is no output")
	require.True(t, p.has(3))
}

func TestOutputsOfAGraphStayUntilItsRunEnds(t *testing.T) {
	t.Parallel()
	p := newPayloads(1 << 20)
	result := core.Result{Task: 11, Run: 10, Status: core.Succeeded, Output: []byte(`1`)}
	p.keep([]core.Result{result})
	p.drop([]core.Result{result})
	_, kept := p.one(11)
	require.True(t, kept)
	p.dropRun(10, 12)
	_, kept = p.one(11)
	require.False(t, kept)
	require.Empty(t, p.blocks)
}
