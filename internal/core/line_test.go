package core

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
)

// TestLineKeepsItsOrder: whoever comes and leaves, and whether ranks count.
func TestLineKeepsItsOrder(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	var l line
	var want []*task
	sort := func() {
		slices.SortFunc(want, func(a, b *task) int { return l.order(a).compare(l.order(b)) })
	}
	for i := range 20_000 {
		switch rnd.IntN(8) {
		case 0, 1, 2, 3:
			one := &task{id: id.ID(i), rank: int64(rnd.IntN(3))}
			l.add(one)
			want = append(want, one)
			sort()
		case 4, 5:
			if len(want) > 0 {
				l.remove(want[0])
				want = want[1:]
			}
		case 6:
			if len(want) > 0 {
				at := rnd.IntN(len(want))
				l.remove(want[at])
				want = slices.Delete(want, at, at+1)
			}
		default:
			if rnd.IntN(20) > 0 {
				continue
			}
			l.reorder(!l.byID)
			sort()
			keep := len(want) * 3 / 4
			require.Equal(t, want[keep:], l.cut(keep))
			want = want[:keep]
		}
		require.Equal(t, len(want), l.len())
		if len(want) > 0 {
			require.Same(t, want[0], l.first())
			require.Equal(t, len(want)-1, l.ahead(l.order(want[len(want)-1])))
		}
		if i%100 == 0 {
			require.True(t, slices.Equal(want, l.all()))
		}
	}
}

// TestLineTakesNoMoreRoomThanItNeeds: one that is never empty.
func TestLineTakesNoMoreRoomThanItNeeds(t *testing.T) {
	t.Parallel()
	var l line
	for i := range id.ID(100_000) {
		l.add(&task{id: i})
		if i >= 10 {
			l.remove(l.first())
		}
	}
	require.Equal(t, 10, l.len())
	require.LessOrEqual(t, cap(l.tasks), 64)
}
