package bench

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// serve has the keys served in the given order, one a second or for as long as it costs.
func serve(order []int, cost func(key int) float64) (services []service) {
	at := 0.0
	for _, key := range order {
		at += cost(key)
		services = append(services, service{key, int64(at * 1e9), cost(key)})
	}
	return services
}

func one(int) float64 { return 1 }

func TestPerfectTurnsAreFair(t *testing.T) {
	t.Parallel()
	figure, wait, ideal := unfairness(serve([]int{0, 1, 2, 0, 1, 2, 0, 2, 0, 2}, one), heavyKey)
	require.Equal(t, 1.0, figure)
	require.Equal(t, wait, ideal)
}

func TestFirstComeFirstServedIsAsUnfairAsItsHeavyKeyIsHeavy(t *testing.T) {
	t.Parallel()
	order := slices.Repeat([]int{heavyKey}, 98)
	figure, wait, ideal := unfairness(serve(append(order, 1, 2), one), heavyKey)
	require.Equal(t, 100.0/3, figure)
	require.Equal(t, 100.0, wait)
	require.Equal(t, 3.0, ideal, "one of each of three keys")
}

func TestAKeyOfLittleWorkIsThroughSoonerThanOthers(t *testing.T) {
	t.Parallel()
	// Key 1 has one task, key 2 three: a perfect queue serves key 1 in the first round.
	figure, wait, ideal := unfairness(serve([]int{2, 0, 2, 0, 2, 1}, one), heavyKey)
	require.Equal(t, 2.0, figure)
	require.Equal(t, 6.0, wait)
	require.Equal(t, 3.0, ideal)
}

func TestTurnsByTaskAreUnfairByCost(t *testing.T) {
	t.Parallel()
	cost := func(key int) float64 {
		if key == heavyKey {
			return 10
		}
		return 1
	}
	byTask, _, _ := unfairness(serve([]int{1, 0, 1, 0, 1, 0, 1}, cost), heavyKey)
	require.Greater(t, byTask, 1.2)
	byCost, _, _ := unfairness(serve([]int{1, 1, 1, 1, 0}, cost), heavyKey)
	require.LessOrEqual(t, byCost, 1.0)
}
