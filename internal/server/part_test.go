package server

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// recorder makes parts that note when they end.
type recorder struct{ ended []string }

func (r *recorder) part(name string) part {
	return part{name, func(ctx context.Context) error {
		<-ctx.Done()
		r.ended = append(r.ended, name) // parts end one after the other
		return nil
	}}
}

func TestPartsStopInReverse(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var r recorder
	require.NoError(t, runAll(ctx, r.part("a"), r.part("b"), r.part("c")))
	require.Equal(t, []string{"c", "b", "a"}, r.ended)
}

func TestPartThatFailsStopsTheOthersAndIsNamed(t *testing.T) {
	t.Parallel()
	var r recorder
	boom := errors.New("boom")
	failing := part{"journal", func(context.Context) error { return boom }}
	err := runAll(t.Context(), r.part("a"), failing, r.part("c"))
	require.ErrorIs(t, err, boom)
	require.ErrorContains(t, err, "journal")
	require.Equal(t, []string{"c", "a"}, r.ended)
}

func TestPartThatEndsByItselfIsAFault(t *testing.T) {
	t.Parallel()
	var r recorder
	err := runAll(t.Context(), r.part("a"), part{"shards", func(context.Context) error { return nil }})
	require.ErrorIs(t, err, errEndedEarly)
}
