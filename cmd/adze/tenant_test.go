package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOperatorHasTenantsShareWorkers: with the database, no token of the tenant is needed.
func TestOperatorHasTenantsShareWorkers(t *testing.T) {
	t.Parallel()
	s := serveEngine(t)
	asHome := s.args
	s.args = s.args[:2]
	operator := func(line string) (string, int) { return s.call(t, line+" --database-url "+s.database) }
	alone := func(line string) (string, int) {
		return (&served{args: []string{"--database-url", s.database}}).call(t, line)
	}
	for _, line := range []string{"tenant create shop --beside default", "tenant create other --beside default"} {
		_, code := alone(line)
		require.Zero(t, code, line)
	}
	_, code := alone("tenant create shop")
	require.Equal(t, exitFailed, code, "the name is taken")
	listed, code := alone("tenant list")
	require.Zero(t, code)
	require.Equal(t, 4, strings.Count(listed, "\n"), listed)

	_, code = operator("tenant share shop --with default --weight 2")
	require.Zero(t, code)
	shown, code := operator("tenant show shop")
	require.Zero(t, code)
	require.Regexp(t, `(?m)^shop +default +2$`, shown)
	s.args = asHome
	shown, code = s.call(t, "tenant show default")
	require.Zero(t, code)
	require.Regexp(t, `(?m)^shop +default +2$`, shown)
	_, code = s.call(t, "tenant unshare shop --with default")
	require.Equal(t, exitFailed, code, "the token is another tenant's")
	s.args = s.args[:2]
	_, code = operator("tenant unshare shop --with default")
	require.Zero(t, code)
	shown, code = operator("tenant show shop")
	require.Zero(t, code)
	require.NotContains(t, shown, "default")
	_, code = operator("tenant share nobody --with default")
	require.Equal(t, exitFailed, code)
}
