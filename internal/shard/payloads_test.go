package shard

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

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

func TestPayloadsKeepToTheirBytesAndLetTheOldestGo(t *testing.T) {
	t.Parallel()
	const fits = 10
	p := newPayloads(fits * (100 + payloadOverhead))
	p.put(tasks(1, fits), nil, nil)
	_, kept := p.one(1)
	require.True(t, kept, "at the bound")
	p.put(tasks(1+fits, 1), nil, nil)
	_, kept = p.one(1)
	require.False(t, kept, "past the bound")
	_, kept = p.one(1 + fits)
	require.True(t, kept)
	require.LessOrEqual(t, p.bytes, p.bytesMax)
}

func TestWhatComesToADeepQueueMakesWayForWhatRunsBefore(t *testing.T) {
	t.Parallel()
	const fits = 10
	p := newPayloads(fits * (100 + payloadOverhead))
	p.put(tasks(1, fits), nil, nil)
	late := tasks(1+fits, 2*fits)
	open := make([]core.OpenTask, len(late))
	for i := range late {
		open[i] = core.OpenTask{ID: late[i].ID, State: core.OpenReady}
	}
	p.drop(results(tasks(1, 2)))
	p.put(late, nil, open)
	for task := id.ID(3); task <= fits+2; task++ {
		require.True(t, p.has(task), "task %d", task)
	}
	require.False(t, p.has(fits+3), "there is no room for it")
	require.Len(t, p.of, fits)
	require.Len(t, p.age[p.head:], fits)
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
	require.Len(t, p.of, 1)
	require.LessOrEqual(t, len(p.age), 2*ageSlack+200)
	require.EqualValues(t, 100+payloadOverhead, p.bytes)
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
	require.Zero(t, p.bytes)
}
