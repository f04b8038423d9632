package adze_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/internal/pgtest"
)

// pace notes when runs begin.
type pace struct {
	mu     sync.Mutex
	begins []time.Time
	some   chan struct{} // closed when half of what is expected has begun
	half   int
}

func newPace(expected int) *pace { return &pace{some: make(chan struct{}), half: expected / 2} }

func (p *pace) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begins = append(p.begins, time.Now())
	if len(p.begins) == p.half {
		close(p.some)
	}
}

// within checks that no more than burst, and each for each of the time since, had begun by
// any instant.
func (p *pace) within(t *testing.T, since time.Time, burst int, each time.Duration) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, at := range p.begins {
		// The engine counts in whole milliseconds.
		paid := burst + int((at.Sub(since)+time.Millisecond)/each)
		require.LessOrEqual(t, i+1, paid, "%v after the first was submitted", at.Sub(since))
	}
}

func TestRateIsNeverAboveItsLimitAcrossARestart(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	const n, burst, each = 110, 10, 20 * time.Millisecond // 50 in a second
	database := pgtest.URL(t)
	e := serve(t, database)
	c, begun := dial(t, e), newPace(n)
	task := adze.NewTask("send", func(_ context.Context, n int) (int, error) { begun.begin(); return n, nil },
		adze.Rate(adze.RateLimit{Limit: burst, Period: burst * each, Smooth: true}))
	for range 3 {
		work(t, c, task, adze.Slots(20))
	}
	since := time.Now()
	runs, err := task.RunMany(ctx, c, make([]int, n))
	require.NoError(t, err)
	<-begun.some
	e.stop()
	serveAt(t, database, e.address)
	var all errgroup.Group
	for _, r := range runs {
		all.Go(func() error { _, err := r.Result(ctx); return err })
	}
	require.NoError(t, all.Wait())
	begun.within(t, since, burst, each)
	require.GreaterOrEqual(t, len(begun.begins), n)
	require.GreaterOrEqual(t, time.Since(since), (n-burst)*each)
}

type message struct {
	Account string `json:"account"`
	Size    int    `json:"size"`
	Plan    int    `json:"plan"`
}

func TestUnitsAndLimitOfAKeyAreWorkedOut(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		const period = 400 * time.Millisecond
		done := make(chan message, 10)
		task := adze.NewTask("send", func(_ context.Context, m message) (int, error) { done <- m; return m.Size, nil },
			adze.Rate(adze.RateLimit{Name: "mail", Key: "input.account", UnitsExpression: "input.size", LimitExpression: "input.plan", Period: period}))
		work(t, c, task)
		since := time.Now()
		runs, err := task.RunMany(ctx, c, []message{{"ann", 3, 4}, {"ann", 2, 4}, {"bob", 2, 4}})
		require.NoError(t, err)
		for _, r := range runs {
			_, err := r.Result(ctx)
			require.NoError(t, err)
		}
		require.GreaterOrEqual(t, time.Since(since), period)
		<-done
		<-done
		require.Equal(t, message{"ann", 2, 4}, <-done, "what there are no units for comes last")
		_, err = task.Run(ctx, c, message{"ann", 5, 4})
		require.ErrorContains(t, err, "needs 5 units")
	})
}

func TestThrottleSpreadsWhatBegins(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		const each = 50 * time.Millisecond
		begun := newPace(1000)
		task := adze.NewTask("poll", func(_ context.Context, n int) (int, error) { begun.begin(); return n, nil },
			adze.Throttle(2, 2*each))
		work(t, c, task)
		since := time.Now()
		runs, err := task.RunMany(ctx, c, make([]int, 8))
		require.NoError(t, err)
		for _, r := range runs {
			_, err := r.Result(ctx)
			require.NoError(t, err)
		}
		begun.within(t, since, 2, each)
	})
}

func TestRateIsChangedWhileItWorks(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		task := adze.NewTask("send", func(_ context.Context, m message) (string, error) { return m.Account, nil },
			adze.Rate(adze.RateLimit{Name: "mail", Key: "input.account"}))
		work(t, c, task)
		run, err := task.Run(ctx, c, message{Account: "ann"})
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			why, err := c.Why(ctx, run.ID)
			require.NoError(t, err)
			return len(why.Reasons) == 1 && why.Reasons[0].Cause == "rate" && why.Reasons[0].Name == "mail"
		}, patience, 10*time.Millisecond, "nobody has said how it works")
		require.NoError(t, c.SetRate(ctx, "mail", adze.RateSetting{Limit: new(1), Period: new(time.Hour)}))
		_, err = run.Result(ctx)
		require.NoError(t, err)

		second, err := task.Run(ctx, c, message{Account: "ann"})
		require.NoError(t, err)
		o, err := c.Overview(ctx)
		require.NoError(t, err)
		require.Len(t, o.Rates, 1)
		require.Equal(t, time.Hour, o.Rates[0].Period)
		require.Equal(t, 1, o.Rates[0].Keys)
		ann := o.Rates[0].Top[0]
		require.Equal(t, adze.RateKeyInfo{Key: "ann", Limit: 1, Waited: true, Since: ann.Since, Full: ann.Since.Add(time.Hour)}, ann)

		require.NoError(t, c.SetRate(ctx, "mail", adze.RateSetting{Key: "ann", Limit: new(2)}))
		_, err = second.Result(ctx)
		require.NoError(t, err)
		var refused *adze.Error
		require.ErrorAs(t, c.SetRate(ctx, "mail", adze.RateSetting{Limit: new(100_000_001)}), &refused)
		require.Equal(t, "rate.limit", refused.Field)
		var names []string
		for r, err := range c.RateSettings(ctx) {
			require.NoError(t, err)
			names = append(names, r.Name+"/"+r.Key)
		}
		require.Equal(t, []string{"mail/", "mail/ann"}, names)
		require.NoError(t, c.DropRate(ctx, "mail", "ann"))
	})
}
