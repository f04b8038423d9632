package order_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/adzetest"
	"github.com/adzehq/adze/examples/order"
)

// shop is one where a test says what goes wrong.
type shop struct {
	mu         sync.Mutex
	done       map[string]int // calls that worked
	refunded   []adze.TaskFailure
	outage     int  // so many charges fail first
	broken     bool // nothing can be sent
	unsellable bool // nothing may leave the country
}

func newShop() *shop { return &shop{done: map[string]int{}} }

func (s *shop) did(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done[what]++
}

func (s *shop) Reserve(context.Context, adze.ID, order.Order) (order.Stock, error) {
	s.did("reserve")
	return order.Stock{Shelf: "A7", Exportable: !s.unsellable}, nil
}

func (s *shop) Charge(ctx context.Context, _ adze.ID, o order.Order) (order.Receipt, error) {
	if adze.Attempt(ctx) <= s.outage {
		return order.Receipt{}, errors.New("bank is closed")
	}
	s.did("charge")
	return order.Receipt{Number: "R1", Cents: o.Cents}, nil
}

func (s *shop) Send(context.Context, adze.ID, order.Label) error {
	s.mu.Lock()
	broken := s.broken
	s.mu.Unlock()
	if broken {
		return adze.NonRetryable(errors.New("no parcels left"))
	}
	s.did("send")
	return nil
}

func (s *shop) Bill(context.Context, adze.ID, order.Receipt) error {
	s.did("bill")
	return nil
}

func (s *shop) Refund(_ context.Context, _ adze.ID, _ order.Order, why []adze.TaskFailure) error {
	s.did("refund")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refunded = why
	return nil
}

func TestAnOrderIsPaidPackedAndShipped(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		flow := order.New(newShop())
		env.Work(flow)

		run, err := flow.Run(t.Context(), env.Client, order.Order{ID: "7", Cents: 1_000})
		require.NoError(t, err)
		results, err := run.Result(t.Context())
		require.NoError(t, err)
		label, err := flow.Ship.Of(results)
		require.NoError(t, err)
		require.Equal(t, order.Label{Tracking: "T-7", Shelf: "A7", Receipt: "R1"}, label)
		require.JSONEq(t, `"7: bill R1"`, string(results["archive"]))
	})
}

func TestAnOutageOfTheBankIsSatOut(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		shop := newShop()
		shop.outage = 8
		flow := order.New(shop)
		env.Work(flow)

		_, err := flow.Call(t.Context(), env.Client, order.Order{ID: "7", Cents: 1_000})

		require.NoError(t, err)
		require.Equal(t, map[string]int{"reserve": 1, "charge": 1, "send": 1, "bill": 1}, shop.done)
		require.Greater(t, env.Now().Sub(adzetest.Start), time.Minute, "and yet this test takes no time")
	})
}

func TestAFreeOrderIsNotBilled(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		shop := newShop()
		flow := order.New(shop)
		env.Work(flow)
		results, err := flow.Call(t.Context(), env.Client, order.Order{ID: "7"})
		require.NoError(t, err)
		require.Zero(t, shop.done["bill"])
		require.JSONEq(t, `"7: nothing to pay"`, string(results["archive"]))
	})
}

func TestWhatMayNotLeaveTheCountryIsNotCharged(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		shop := newShop()
		shop.unsellable = true
		flow := order.New(shop)
		env.Work(flow)
		_, err := flow.Call(t.Context(), env.Client, order.Order{ID: "7", Cents: 1_000})
		require.ErrorIs(t, err, adze.ErrCancelled)
		require.Equal(t, map[string]int{"reserve": 1}, shop.done)
	})
}

func TestWhoPaidAndGetsNothingIsRefunded(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		shop := newShop()
		shop.broken = true
		flow := order.New(shop)
		env.Work(flow)

		run, err := flow.Run(t.Context(), env.Client, order.Order{ID: "7", Cents: 1_000})
		require.NoError(t, err)
		results, err := run.Result(t.Context())
		var failed *adze.RunError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, "task ship failed", failed.Text)
		require.Contains(t, results, "charge")

		require.Equal(t, []adze.TaskFailure{{Task: "ship", Text: "no parcels left"}}, shop.refunded)
		require.Equal(t, 1, shop.done["refund"])

		shop.mu.Lock()
		shop.broken = false
		shop.mu.Unlock()
		again, err := env.Client.ReplayFailed(t.Context(), run.ID)
		require.NoError(t, err)
		results, err = flow.Lookup(env.Client, again).Result(t.Context())
		require.NoError(t, err)
		require.Contains(t, results, "archive")
		require.Equal(t, 1, shop.done["charge"], "it is not charged again")
	})
}
