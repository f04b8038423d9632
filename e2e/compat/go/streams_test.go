package compat_test

import (
	"strconv"
	"testing"

	"github.com/hatchet-dev/hatchet/pkg/client/rest"
	hatchet "github.com/hatchet-dev/hatchet/sdks/go"
	"github.com/stretchr/testify/require"
)

func TestPiecesComeInOrderAndThenTheEnd(t *testing.T) {
	s := begin(t)
	const pieces = 20
	started, letGo := make(chan struct{}, 1), make(chan struct{})
	s.work(s.sdk.NewStandaloneTask(s.name("pieces"), func(ctx hatchet.Context, _ object) (object, error) {
		started <- struct{}{}
		<-letGo
		for i := range pieces {
			ctx.PutStream(strconv.Itoa(i))
		}
		return object{}, nil
	}))
	ref := s.start(s.name("pieces"), object{})
	stream := s.sdk.Runs().SubscribeToStream(s.ctx, ref.RunId)
	took(s, started)
	s.becomes(ref.RunId, "RUNNING") // by then it is subscribed to
	close(letGo)
	var got []string
	for piece := range stream {
		got = append(got, piece)
	}
	require.Len(t, got, pieces)
	for i, piece := range got {
		require.Equal(t, strconv.Itoa(i), piece)
	}
}

func TestLogsAreReadAfterwards(t *testing.T) {
	s := begin(t)
	s.work(s.sdk.NewStandaloneTask(s.name("logs"), func(ctx hatchet.Context, _ object) (object, error) {
		for i := range 3 {
			ctx.Log("line " + strconv.Itoa(i))
		}
		return object{}, nil
	}))
	ref := s.start(s.name("logs"), object{})
	_, err := s.ended(ref)
	require.NoError(t, err)
	var lines []rest.V1LogLine
	s.eventually("all lines are there", func() bool {
		list, err := s.sdk.Logs().List(s.ctx, (*ids(s, ref.RunId))[0], &rest.V1LogLineListParams{})
		require.NoError(t, err)
		lines = *list.Rows
		return len(lines) == 3
	})
	search := "line 1"
	list, err := s.sdk.Logs().List(s.ctx, (*ids(s, ref.RunId))[0], &rest.V1LogLineListParams{Search: &search})
	require.NoError(t, err)
	require.Len(t, *list.Rows, 1)
	require.Equal(t, "line 1", (*list.Rows)[0].Message)
}
