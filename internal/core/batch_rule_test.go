package core

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func (r *rig) batches(key string, to BatchSetting, dropped bool) *Effects {
	return r.apply(&Set{Settings: []Setting{{Tenant: tenant, Kind: SettingBatch, Name: "act", Key: key, Batch: to, Dropped: dropped}}})
}

func TestBatchRuleIsChangedForThoseThatWait(t *testing.T) {
	t.Parallel()
	r := newBatchRig(t, BatchRule{SizeMax: 10, IntervalMS: 60_000})
	r.join(worker1, 10)
	ids, _ := r.submit(3, keyed(sameKey, 10))
	require.Equal(t, ids[:2], tasksOf(r.batches("", BatchSetting{SizeMax: 2}, false).Assigned), "the size")
	require.Empty(t, r.batches("", BatchSetting{}, true).Assigned, "as declared again")
	require.Equal(t, ids[2:], tasksOf(r.batches("", BatchSetting{BytesMax: 10}, false).Assigned), "the bytes")
	r.batches("", BatchSetting{}, true)

	late, _ := r.submit(1, keyed(sameKey, 0))
	r.now += 1_000
	r.batches("", BatchSetting{IntervalMS: 1_500}, false)
	require.LessOrEqual(t, r.NextDue(), r.now+500)
	require.Empty(t, r.later(499).Assigned)
	require.Equal(t, late, tasksOf(r.later(1).Assigned))
}

func TestBatchRuleOfAKeyGoesBeforeThatOfAll(t *testing.T) {
	t.Parallel()
	r := newBatchRig(t, BatchRule{SizeMax: 3, IntervalMS: 1_000})
	r.join(worker1, 10)
	r.batches("", BatchSetting{SizeMax: 2}, false)
	r.batches("k", BatchSetting{SizeMax: 1, RunningMax: 1, IntervalMS: 100}, false)
	ids, out := r.submit(2, keyed(sameKey, 0))
	require.Equal(t, ids[:1], tasksOf(out.Assigned))
	require.Empty(t, r.later(10_000).Assigned, "one at a time")
	require.Equal(t, ids[1:], tasksOf(r.done(out.Assigned[0]).Assigned))

	other, out := r.submit(1, keyed(func(int) string { return "other" }, 0))
	require.Empty(t, out.Assigned)
	r.batches("x", BatchSetting{IntervalMS: 100}, false)
	quick, _ := r.submit(1, keyed(func(int) string { return "x" }, 0))
	require.Equal(t, quick, tasksOf(r.later(100).Assigned), "behind one that waits for longer")
	require.Equal(t, other, tasksOf(r.later(900).Assigned))
}
