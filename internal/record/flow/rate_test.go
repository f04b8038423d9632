package flow

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/bulk"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/pgtest"
	"github.com/adzehq/adze/internal/record/rowtest"
)

func TestWhatWasDrawnIsReadBackUntilTheKeyIsFull(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	const shard = 7
	api := core.RateState{RateName: core.RateName{Tenant: 1, Name: "api"}, Debt: 1 << 60, Since: 99, PeriodMS: 1_000}
	ann := core.RateState{RateName: core.RateName{Tenant: 1, Name: "user", Key: "ann"}, Debt: 5, Since: 98, PeriodMS: 60_000, Limit: 3}
	elsewhere := core.RateState{RateName: core.RateName{Tenant: 2, Name: "api"}, Debt: 1, Since: 1, PeriodMS: 1}
	write := func(rates []core.RateState, closed ...core.RateName) {
		require.NoError(t, rowtest.Send(t, pool, Statements(), func(b *bulk.Batch) {
			var c RateColumns
			for i := range rates {
				c.Add(shard+int32(rates[i].Tenant)-1, &rates[i])
			}
			for _, name := range closed {
				c.Close(name)
			}
			c.Queue(b)
		}))
	}
	write([]core.RateState{api, ann, elsewhere})
	rates, err := RatesOfShard(t.Context(), pool, shard)
	require.NoError(t, err)
	require.Equal(t, []core.RateState{api, ann}, rates)

	ann.Debt, ann.Since, ann.Limit = 7, 120, 2
	write([]core.RateState{ann}, api.RateName, core.RateName{Tenant: 9})
	rates, err = RatesOfShard(t.Context(), pool, shard)
	require.NoError(t, err)
	require.Equal(t, []core.RateState{ann}, rates)
}
