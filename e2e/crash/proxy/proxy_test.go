package proxy_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/adzehq/adze/e2e/crash/proxy"
	"github.com/adzehq/adze/internal/pgtest"
)

const waitMax = 20 * time.Second

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/jackc/pgx/v5/pgxpool.(*Pool).backgroundHealthCheck"))
}

// between is a proxy before a database of the test's own, with a connection through
// it and a pool around it.
func between(t *testing.T) (*proxy.Proxy, *pgx.Conn, *pgxpool.Pool) {
	t.Helper()
	direct := pgtest.Open(t)
	config := direct.Config().ConnConfig
	_, target := pgconn.NetworkAddress(config.Host, config.Port)
	p, err := proxy.Start(target)
	require.NoError(t, err)
	t.Cleanup(p.Close)
	address := url.URL{
		Scheme: "postgres", User: url.UserPassword(config.User, config.Password), Path: config.Database,
		Host: p.Addr(), RawQuery: "sslmode=disable",
	}
	conn, err := pgx.Connect(t.Context(), address.String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	_, err = direct.Exec(t.Context(), "create table public.note (moment text)")
	require.NoError(t, err)
	return p, conn, direct
}

func TestACutCommitIsWhatItsMomentSays(t *testing.T) {
	t.Parallel()
	for at, notes := range map[proxy.Moment][]int{proxy.Before: {0}, proxy.During: {0, 1}, proxy.After: {1}} {
		t.Run(at.String(), func(t *testing.T) {
			t.Parallel()
			p, conn, direct := between(t)
			_, err := conn.Prepare(t.Context(), "put_note", "insert into public.note values ($1)")
			require.NoError(t, err)
			happened := p.CutCommit("\x00put_note\x00", at)
			_, err = conn.Exec(t.Context(), "put_note", at.String())
			require.Error(t, err)
			require.True(t, conn.IsClosed())
			select {
			case <-happened:
			case <-time.After(waitMax):
				require.FailNow(t, "the cut did not happen")
			}
			require.Contains(t, notes, count(t, direct))
		})
	}
}

func count(t *testing.T, pool *pgxpool.Pool) (n int) {
	t.Helper()
	require.NoError(t, pool.QueryRow(t.Context(), "select count(*) from public.note").Scan(&n))
	return n
}

func TestWhatIsStalledArrivesLater(t *testing.T) {
	t.Parallel()
	p, conn, direct := between(t)
	p.Stall()
	ended := make(chan error, 1)
	go func() {
		_, err := conn.Exec(t.Context(), "insert into public.note values ('late')")
		ended <- err
	}()
	require.Never(t, func() bool { return count(t, direct) > 0 || len(ended) > 0 }, 200*time.Millisecond, 20*time.Millisecond)
	p.Resume()
	require.NoError(t, <-ended)
	require.Equal(t, 1, count(t, direct))
}

func TestACommitThatIsStalledArrivesLateAndWhole(t *testing.T) {
	t.Parallel()
	p, conn, direct := between(t)
	_, err := conn.Prepare(t.Context(), "put_note", "insert into public.note values ($1)")
	require.NoError(t, err)
	stalled := p.StallCommit("\x00put_note\x00")
	ended := make(chan error, 1)
	go func() {
		_, err := conn.Exec(t.Context(), "put_note", "late")
		ended <- err
	}()
	<-stalled
	require.Zero(t, count(t, direct))
	p.Resume()
	require.NoError(t, <-ended)
	require.Equal(t, 1, count(t, direct))
}

func TestACutEndsAllConnections(t *testing.T) {
	t.Parallel()
	p, conn, _ := between(t)
	require.Equal(t, 1, p.Cut())
	require.Error(t, conn.Ping(t.Context()))
	require.True(t, conn.IsClosed())
}
