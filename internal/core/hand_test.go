package core

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
)

// TestKeysThatWaitAreDealtWorkersToo: a key that does harm is kept to few workers with all
// that it has, here and in Postgres, from when its queue deals hands.
func TestKeysThatWaitAreDealtWorkersToo(t *testing.T) {
	t.Parallel()
	o := newHarmful(t, 60)
	require.Len(t, o.busy, 8)
	o.note(o.deal(2))
	o.finish(8)
	require.Len(t, o.busy, 2)
	kept := o.workers()
	for range 10 {
		o.finish(2)
		require.Equal(t, kept, o.workers())
	}
	o.note(o.deal(0))
	o.load()
	require.Len(t, o.busy, 8, "all of them again")
	for range 4 {
		o.finish(8)
	}
	require.Empty(t, o.busy, "all 60 have run")
	require.LessOrEqual(t, o.Stats().Classes, 1)
}

// harmful is a rig of eight workers of a slot, and a key with many tasks.
type harmful struct {
	*deep
	busy map[id.ID]Assignment
}

func newHarmful(t *testing.T, tasks int) *harmful {
	o := &harmful{deep: newDeep(t, Definition{}), busy: map[id.ID]Assignment{}}
	_, out := o.submit(tasks, func(_ int, row *NewTask) { row.Key = "harm" })
	o.note(out)
	for w := range id.ID(8) {
		o.note(o.join(100+w, 1))
	}
	o.load()
	return o
}

func (o *harmful) deal(spread int32) *Effects {
	return o.apply(&Set{Settings: []Setting{{Tenant: tenant, Kind: SettingQueue, Name: "act", Queue: QueueSetting{Spread: spread}}}})
}

func (o *harmful) note(out *Effects) {
	o.deep.note(out)
	for _, a := range out.Assigned {
		o.busy[a.Worker] = a
	}
}

// load answers all that was asked.
func (o *harmful) load() {
	for len(o.loads) > 0 {
		o.note(o.answer())
	}
}

func (o *harmful) workers() []id.ID { return slices.Sorted(maps.Keys(o.busy)) }

// finish ends what runs, at so many workers.
func (o *harmful) finish(n int) {
	o.t.Helper()
	ran := maps.Clone(o.busy)
	require.Len(o.t, ran, n)
	clear(o.busy)
	for _, w := range slices.Sorted(maps.Keys(ran)) {
		o.note(o.done(ran[w]))
	}
	o.load()
}
