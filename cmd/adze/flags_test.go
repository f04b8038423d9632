package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFlagsThatCannotBeMeantAreRefused: before anybody is called.
func TestFlagsThatCannotBeMeantAreRefused(t *testing.T) {
	t.Parallel()
	for line, named := range map[string]string{
		"runs list --limit=-1":                    "--limit",
		"runs list --since=-1h":                   "--since",
		"runs list --since soon":                  "--since",
		"event list -n=-1":                        "--limit",
		"schedule list --limit=-1":                "--limit",
		"failures --limit=-1":                     "--limit",
		"failures --until=-1h":                    "--until",
		"redrive --workflow w --limit=-1":         "--limit",
		"logs 0555eb46-0400-8000-8e9a --limit=-1": "--limit",
		"schedule preview @daily -n 0":            "count",
		"schedule preview @daily -n 101":          "count",
		"run w --once=":                           "--once",
		"run w --held-for 1h":                     "--once",
		"run w --held-until-end":                  "--once",
		"run w --on-collision existing":           "--once",
	} {
		var said strings.Builder
		require.Equal(t, exitUsage, run(t.Context(), strings.Fields(line), strings.NewReader(""), &said, &said), line)
		require.Contains(t, said.String(), named, line)
	}
}

func TestListsAreAsLongAsTheyAreWanted(t *testing.T) {
	t.Parallel()
	s := serveEngine(t)
	for range 3 {
		_, code := s.call(t, "event push happened")
		require.Zero(t, code)
	}
	for line, rows := range map[string]int{
		"event list": 3, "event list -n 0": 3, "event list -n 2": 2, "event list -n 3": 3, "event list --since 1h": 3, "event list --since 0s": 3,
	} {
		out, code := s.call(t, line)
		require.Zero(t, code, out)
		require.Equal(t, 1+rows, strings.Count(out, "\n"), line)
	}
}

// TestTokenIsTakenWithTheLineItEnds: as a file has it.
func TestTokenIsTakenWithTheLineItEnds(t *testing.T) {
	t.Parallel()
	s := serveEngine(t)
	for i := range s.args {
		if s.args[i] == "--token" {
			s.args[i+1] += "\n"
		}
	}
	out, code := s.call(t, "runs list")
	require.Zero(t, code, out)
}
