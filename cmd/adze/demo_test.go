package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/pgtest"
)

func TestTheDemoCountsTheBookAndSaysHowToLookAtIt(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer

	code := run(t.Context(), []string{
		"demo", "--once", "--data-dir", t.TempDir(), "--database-url", pgtest.EmptyURL(t),
		"--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0",
	}, strings.NewReader(""), &out, &errs)

	require.Zero(t, code, errs.String())
	require.Contains(t, out.String(), "385/385 pages")
	require.Contains(t, out.String(), "boat")
	require.Regexp(t, `[1-9]\d* pages failed at first`, out.String())
	require.Regexp(t, `runs get [0-9a-f-]{36}`, out.String())
	require.NotContains(t, out.String(), "\x1b", "no colours where there is no terminal")
	require.Empty(t, errs.String(), "the demo speaks for itself")
}
