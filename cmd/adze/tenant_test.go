package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/pgtest"
)

// TestOperatorHasTenantsShareWorkers: with the database, neither a token of the tenant is
// needed nor the engine's address.
func TestOperatorHasTenantsShareWorkers(t *testing.T) {
	t.Parallel()
	s := serveEngine(t)
	operator := func(line string) (string, int) {
		return (&served{args: []string{"--database-url", s.database}}).call(t, line)
	}
	for _, line := range []string{"tenant create shop --beside default", "tenant create other --beside default"} {
		_, code := operator(line)
		require.Zero(t, code, line)
	}
	_, code := operator("tenant create shop")
	require.Equal(t, exitFailed, code, "the name is taken")
	listed, code := operator("tenant list")
	require.Zero(t, code)
	require.Equal(t, 4, strings.Count(listed, "\n"), listed)

	_, code = operator("tenant share shop --with default --weight 2")
	require.Zero(t, code)
	shown, code := operator("tenant show shop")
	require.Zero(t, code)
	require.Regexp(t, `(?m)^shop +default +2$`, shown)
	shown, code = s.call(t, "tenant show default")
	require.Zero(t, code)
	require.Regexp(t, `(?m)^shop +default +2$`, shown)
	_, code = s.call(t, "tenant unshare shop --with default")
	require.Equal(t, exitFailed, code, "the token is another tenant's")
	_, code = operator("tenant unshare shop --with default")
	require.Zero(t, code)
	shown, code = operator("tenant show shop")
	require.Zero(t, code)
	require.NotContains(t, shown, "default")
	_, code = operator("tenant share nobody --with default")
	require.Equal(t, exitFailed, code)
}

// TestOperatorIsToldThatNoEngineServesTheDatabase, instead of another one being asked.
func TestOperatorIsToldThatNoEngineServesTheDatabase(t *testing.T) {
	t.Parallel()
	idle := &served{args: []string{"--database-url", pgtest.URL(t)}}
	_, code := idle.call(t, "tenant create shop")
	require.Zero(t, code)
	said, code := idle.call(t, "tenant share shop --with shop")
	require.Equal(t, exitFailed, code)
	require.Contains(t, said, "no engine listens for this database")
}
