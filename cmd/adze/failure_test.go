package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/internal/guidetest"
	"github.com/adzehq/adze/internal/pgtest"
	"github.com/adzehq/adze/internal/server"
)

// served is an engine, and a client of it; call runs the command against it.
type served struct {
	client   *adze.Client
	args     []string
	database string
}

func serveEngine(t *testing.T) *served {
	t.Helper()
	database := pgtest.URL(t)
	s, err := server.Open(t.Context(), server.Config{
		DatabaseURL: database, GRPCAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0",
	}, "test", slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	life, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(life) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
	})
	require.NoError(t, s.Ready(t.Context()))
	token, err := server.IssueToken(t.Context(), s.Engine().Pool(),
		server.TokenRequest{Tenant: "default", Name: "test", TTL: time.Hour}, time.Now())
	require.NoError(t, err)
	client, err := adze.Dial(t.Context(), adze.Address(s.GRPCAddr()), adze.Token(token))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return &served{client, []string{"--address", s.GRPCAddr(), "--token", token}, database}
}

func (s *served) call(t *testing.T, line string) (out string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	words := append(strings.Fields(line), s.args...)
	code = run(t.Context(), words, strings.NewReader(""), &stdout, &stderr)
	return stdout.String() + stderr.String(), code
}

func TestFailuresAreListedAndRedriven(t *testing.T) {
	t.Parallel()
	s := serveEngine(t)
	charge := adze.NewTask("charge", func(context.Context, int) (int, error) {
		return 0, errors.New("dial tcp 10.0.0.7:443: connection refused")
	})
	life, stop := context.WithCancel(t.Context())
	worked := make(chan error, 1)
	go func() { worked <- s.client.Work(life, charge) }()
	runs, err := charge.RunMany(t.Context(), s.client, make([]int, 12))
	require.NoError(t, err)
	for _, run := range runs {
		_, err := run.Result(t.Context())
		require.Error(t, err)
	}
	stop()
	require.NoError(t, <-worked)
	groups, err := s.client.Failures(t.Context(), adze.FailureFilter{})
	require.NoError(t, err)
	fingerprint := groups[0].Fingerprint.String()

	// What the guide says is tried as it stands there.
	var shown []string
	for _, snippet := range guidetest.Snippets(t, "failures.md", "sh") {
		for line := range strings.Lines(snippet) {
			out, code := s.call(t, strings.TrimPrefix(line, "adze "))
			require.Zero(t, code, out)
			shown = append(shown, out)
		}
	}
	require.Regexp(t, `FINGERPRINT +RUNS +WORKFLOW +TASK +LAST +SAMPLE +ERROR\n`+fingerprint+` +12 +charge +charge .* dial tcp 10`, shown[0])
	require.Regexp(t, `^would replay 12 runs\n(  such as [0-9a-f-]{36}\n){10}$`, shown[1])

	out, code := s.call(t, "failures --json --until 1h")
	require.Zero(t, code, out)
	require.Empty(t, out)
	out, code = s.call(t, "failures --json")
	require.Zero(t, code, out)
	require.Contains(t, out, `"fingerprint":"`+fingerprint+`"`)
	out, code = s.call(t, "redrive -n 2 --fingerprint "+fingerprint)
	require.Zero(t, code, out)
	require.Regexp(t, `^replayed 2 runs\n`, out)
	out, code = s.call(t, "redrive --json --fingerprint "+fingerprint)
	require.Zero(t, code, out)
	require.Contains(t, out, `{"dry_run":false,"runs":10,"skipped":2,"refused":0,"sample":["`)
	out, code = s.call(t, "redrive")
	require.NotZero(t, code)
	require.Contains(t, out, "give one of them")
	require.NotContains(t, out, "replayed", "nobody was asked")
	out, code = s.call(t, "redrive --fingerprint 12")
	require.NotZero(t, code)
	require.Contains(t, out, "16 hexadecimal digits")
}
