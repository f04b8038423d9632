package adze_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/pgtest"
	"github.com/adzehq/adze/internal/server"
)

// callersMax is how many tenants call at a time.
const callersMax = 8

// house is an engine with a home, the default tenant, and tenants beside it.
type house struct {
	engine
	database string
}

func newHouse(t *testing.T, ctx context.Context, tenants ...string) *house {
	t.Helper()
	h := &house{database: pgtest.URL(t)}
	h.engine = serve(t, h.database)
	db := pool(t, ctx, h.database)
	for _, name := range tenants {
		_, err := server.MakeTenant(ctx, db, name, "default", time.Now())
		require.NoError(t, err)
	}
	return h
}

func pool(t *testing.T, ctx context.Context, database string) *pgxpool.Pool {
	t.Helper()
	db, err := pgxpool.New(ctx, database)
	require.NoError(t, err)
	t.Cleanup(db.Close)
	return db
}

// as is a client of a tenant.
func (h *house) as(t *testing.T, ctx context.Context, tenant string) *adze.Client {
	t.Helper()
	token, err := server.IssueToken(ctx, pool(t, ctx, h.database), server.TokenRequest{Tenant: tenant, Name: "test", TTL: time.Hour}, time.Now())
	require.NoError(t, err)
	return dial(t, engine{address: h.address, token: token})
}

func TestSharedWorkerSpeaksForWhoseTaskItRuns(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	h := newHouse(t, ctx, "guest")
	home, guest := h.as(t, ctx, "default"), h.as(t, ctx, "guest")
	parent := adze.NewTask("parent", func(ctx context.Context, n int) (string, error) {
		adze.Log(ctx).Info("at work")
		if _, err := adze.RefreshTimeout(ctx, time.Minute); err != nil {
			return "", err
		}
		run, err := double.Run(ctx, home, n)
		if err != nil {
			return "", err
		}
		if _, err = run.Result(ctx); err != nil {
			return "", err
		}
		return adze.Tenant(ctx), nil
	}, adze.Timeout(time.Minute))
	keeper := adze.NewTask("keeper", func(ctx context.Context, n int) (int, error) {
		return adze.Call(ctx, double, n)
	}, adze.Durable())
	work(t, home, parent, keeper, double)
	later, err := double.Run(ctx, guest, 0, adze.Delay(time.Hour)) // who has no workers registers by that
	require.NoError(t, err)
	run, err := parent.Run(ctx, guest, 1)
	require.NoError(t, err)
	own, err := parent.Call(ctx, home, 1)
	require.NoError(t, err)
	require.Empty(t, own, "the worker's own")

	require.NoError(t, guest.ShareWorkers(ctx, "default", 0))
	name, err := run.Result(ctx)
	require.NoError(t, err)
	require.Equal(t, "guest", name)
	four, err := keeper.Call(ctx, guest, 2)
	require.NoError(t, err)
	require.Equal(t, 4, four)
	require.NoError(t, later.Cancel(ctx, ""))
	require.Equal(t, 3, count(t, guest.List(ctx, adze.Filter{Task: "double"})), "its children are the guest's")
	require.Equal(t, 1, count(t, home.List(ctx, adze.Filter{Task: "double"})))

	workers, err := guest.Workers(ctx)
	require.NoError(t, err)
	require.Len(t, workers, 1)
	require.Equal(t, "default", workers[0].Tenant)
	require.ErrorIs(t, guest.PauseWorker(ctx, workers[0].ID), adze.ErrNotFound)
	for _, c := range []*adze.Client{home, guest} {
		_, grants, err := c.Grants(ctx)
		require.NoError(t, err)
		require.Equal(t, []adze.Grant{{Tenant: "guest", Home: "default", Weight: 1}}, grants)
	}

	require.NoError(t, guest.UnshareWorkers(ctx, "default"))
	late, err := parent.Run(ctx, guest, 1)
	require.NoError(t, err)
	_, err = parent.Call(ctx, home, 1)
	require.NoError(t, err)
	info, err := guest.Get(ctx, late.ID)
	require.NoError(t, err)
	require.Equal(t, adze.Queued, info.Status)
}

// TestGuestIsToldThatOthersHaveTheWorkers: by why, by the queues and by the workers that it
// sees, and their home is told what of them its guests have.
func TestGuestIsToldThatOthersHaveTheWorkers(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	h := newHouse(t, ctx, "guest")
	home, guest := h.as(t, ctx, "default"), h.as(t, ctx, "guest")
	release := make(chan string)
	held := adze.NewTask("held", func(ctx context.Context, _ int) (string, error) {
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case word := <-release:
			return word, nil
		}
	})
	require.NoError(t, guest.ShareWorkers(ctx, "default", 0))
	work(t, home, held, adze.Slots(1))
	own, err := held.Run(ctx, home, 1)
	require.NoError(t, err)
	whyNow(t, ctx, home, own.ID, adze.CauseRunning)
	waits, err := held.Run(ctx, guest, 1)
	require.NoError(t, err)
	reason := whyNow(t, ctx, guest, waits.ID, adze.CauseBusy)
	require.Equal(t, 1, reason.Theirs)
	require.Contains(t, reason.Text, "Other tenants share these workers: 1 task at work there, 0 tenants waiting.")
	overview, err := guest.Overview(ctx)
	require.NoError(t, err)
	require.Equal(t, []int{1, 1, 1}, []int{overview.Queues[0].Workers, overview.Queues[0].Slots, overview.Queues[0].SlotsUsed})

	release <- "go on"
	whyNow(t, ctx, guest, waits.ID, adze.CauseRunning)
	next, err := held.Run(ctx, home, 2)
	require.NoError(t, err)
	require.Equal(t, 1, whyNow(t, ctx, home, next.ID, adze.CauseBusy).Theirs)
	workers, err := home.Workers(ctx)
	require.NoError(t, err)
	require.Equal(t, []int{1, 1}, []int{workers[0].Running, workers[0].Guests})
	release <- "go on"
	release <- "go on"
}

func TestWorkersAreSharedWithinAShard(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	h := newHouse(t, ctx, "guest")
	guest := h.as(t, ctx, "guest")
	var fault *adze.Error
	require.ErrorAs(t, guest.ShareWorkers(ctx, "nobody", 0), &fault)
	require.Equal(t, "home", fault.Field)
	require.ErrorIs(t, fault, adze.ErrNotFound)
	for _, weight := range []float64{0.0001, 1_000.001} {
		require.ErrorAs(t, guest.ShareWorkers(ctx, "default", weight), &fault, weight)
		require.Equal(t, "weight", fault.Field)
	}
	for _, weight := range []float64{0.001, 1_000} {
		require.NoError(t, guest.ShareWorkers(ctx, "default", weight), weight)
	}
	far := h.far(t, ctx)
	require.ErrorAs(t, guest.ShareWorkers(ctx, far, 0), &fault)
	require.ErrorIs(t, fault, adze.ErrConflict)
	require.ErrorContains(t, fault, "--beside")
}

// far makes tenants until one lives in another shard than the default one.
func (h *house) far(t *testing.T, ctx context.Context) string {
	t.Helper()
	db := pool(t, ctx, h.database)
	for i := range 1_000 {
		name := "far" + time.Duration(i).String()
		made, err := server.MakeTenant(ctx, db, name, "", time.Now())
		require.NoError(t, err)
		if made.Shard != 0 {
			return name
		}
	}
	t.Fatal("all tenants live in one shard")
	return ""
}

// TestGrantsHaveTheirBounds: a home is granted by 1,000 tenants and by no more, and a tenant
// grants 100 homes; the next engine knows them all, and who gives one up makes room.
func TestGrantsHaveTheirBounds(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("makes 1,001 tenants")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	h := newHouse(t, ctx)
	db := pool(t, ctx, h.database)
	guests := make([]*adze.Client, core.CrewTenantsMax+1)
	name := func(i int) string { return fmt.Sprint("guest", i) }
	var made errgroup.Group
	made.SetLimit(callersMax)
	for i := range guests {
		made.Go(func() error {
			if _, err := server.MakeTenant(ctx, db, name(i), "default", time.Now()); err != nil {
				return err
			}
			token, err := server.IssueToken(ctx, db, server.TokenRequest{Tenant: name(i), Name: "test", TTL: time.Hour}, time.Now())
			if err != nil {
				return err
			}
			guests[i] = dial(t, engine{address: h.address, token: token})
			if i == 0 {
				return nil
			}
			return guests[i].ShareWorkers(ctx, "default", 0)
		})
	}
	require.NoError(t, made.Wait())
	require.ErrorIs(t, guests[0].ShareWorkers(ctx, "default", 0), adze.ErrExhausted)
	require.NoError(t, guests[1].ShareWorkers(ctx, "default", 2), "it is there")
	require.NoError(t, guests[1].UnshareWorkers(ctx, "default"))
	require.NoError(t, guests[0].ShareWorkers(ctx, "default", 0))
	home := h.as(t, ctx, "default")
	_, grants, err := home.Grants(ctx)
	require.NoError(t, err)
	require.Len(t, grants, core.CrewTenantsMax)

	work(t, home, double)
	four, err := double.Call(ctx, guests[core.CrewTenantsMax], 2)
	require.NoError(t, err)
	require.Equal(t, 4, four)

	for i := range core.HomesMax {
		require.NoError(t, guests[1].ShareWorkers(ctx, name(2+i), 0), i)
	}
	require.ErrorIs(t, guests[1].ShareWorkers(ctx, name(2+core.HomesMax), 0), adze.ErrExhausted)
}

// TestTenantWithManyTasksDoesNotHoldUpAnothersFew: one has 10,000 tasks before the other's
// 100, at the same workers: these end when twice as many have run, and not after all.
func TestTenantWithManyTasksDoesNotHoldUpAnothersFew(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	many, few := 10_000, 100
	if testing.Short() {
		many = 2_000
	}
	h := newHouse(t, ctx, "guest")
	home, guest := h.as(t, ctx, "default"), h.as(t, ctx, "guest")
	var mu sync.Mutex
	ran, through := map[string]int{}, make(chan map[string]int, 1)
	short := adze.NewTask("short", func(ctx context.Context, _ int) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		if ran[adze.Tenant(ctx)]++; adze.Tenant(ctx) != "" && ran[adze.Tenant(ctx)] == few {
			through <- map[string]int{"home": ran[""], "guest": few}
		}
		return 0, nil
	})
	require.NoError(t, guest.ShareWorkers(ctx, "default", 0))
	_, err := short.RunMany(ctx, home, make([]int, many))
	require.NoError(t, err)
	_, err = short.RunMany(ctx, guest, make([]int, few))
	require.NoError(t, err)
	work(t, home, short, adze.Slots(10))
	select {
	case n := <-through:
		require.LessOrEqual(t, n["home"], 3*few, "its fair share, and what was on its way to the worker")
	case <-ctx.Done():
		t.Fatal(errors.Join(ctx.Err(), errors.New("the guest's tasks have not ended")))
	}
}
