package pg_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/adzehq/adze/internal/base/pg"
	"github.com/adzehq/adze/internal/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEveryConnectionHasOurSettings(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	for name, want := range map[string]string{
		"jit": "off", "timezone": "UTC", "lock_timeout": "10s",
		"idle_in_transaction_session_timeout": "30s", "application_name": "adze",
	} {
		var got string
		require.NoError(t, db.QueryRow(t.Context(), "select current_setting($1)", name).Scan(&got))
		require.Equal(t, want, got, name)
	}
}

func TestTheURLHasTheLastWordOnSettings(t *testing.T) {
	t.Parallel()
	config, err := pg.Config("postgres://localhost/x?application_name=billing")
	require.NoError(t, err)
	require.Equal(t, "billing", config.ConnConfig.RuntimeParams["application_name"])
}

func TestAMissingDatabaseFailsAtOnce(t *testing.T) {
	t.Parallel()
	url := pgtest.EmptyURL(t)
	at := strings.Index(url, "/test_")
	wrong := url[:at] + "/nowhere" + strings.TrimLeft(url[at+len("/test_"):], "abcdefghijklmnopqrstuvwxyz234567")
	_, err := pg.Open(t.Context(), wrong, pg.Options{ConnectWait: time.Hour})
	require.ErrorContains(t, err, `database "nowhere" does not exist`)
}

func TestAServerThatIsAwayIsWaitedFor(t *testing.T) {
	t.Parallel()
	// A port that refuses: listened on, then closed.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	url := "postgres://adze:secret@" + l.Addr().String() + "/adze"

	_, err = pg.Open(t.Context(), url, pg.Options{ConnectWait: 150 * time.Millisecond})
	require.ErrorContains(t, err, "no answer within 150ms")
	require.NotContains(t, err.Error(), "secret")

	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	_, err = pg.Open(ctx, url, pg.Options{ConnectWait: time.Hour})
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
