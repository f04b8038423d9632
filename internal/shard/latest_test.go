package shard

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
)

func TestLatestReplaysAreInMemoryUpToTheBoundAndLookedUpPastIt(t *testing.T) {
	t.Parallel()
	var l latest
	replay := func(run id.ID) id.ID { return 1_000_000 + run } // younger than its run
	for run := id.ID(1); run <= latestMax; run++ {
		l.note(run, replay(run))
	}
	for run := id.ID(1); run <= latestMax; run++ {
		found, sure := l.follow(run)
		require.Equal(t, replay(run), found)
		require.True(t, sure)
	}

	const past = latestMax + 1
	l.note(past, replay(past))
	require.Len(t, l.of, 1, "it began anew")
	found, _ := l.follow(past)
	require.Equal(t, replay(past), found)
	found, sure := l.follow(1)
	require.Equal(t, id.ID(1), found)
	require.False(t, sure, "what was forgotten is looked up")
	_, sure = l.follow(replay(past) + 1)
	require.True(t, sure, "what is younger was not replayed")

	l.note(replay(past)+1, replay(past)+2)
	l.note(replay(past)+2, replay(past)+3)
	found, sure = l.follow(replay(past) + 1)
	require.Equal(t, replay(past)+3, found, "a replay of a replay")
	require.True(t, sure)
}
