package thumbnail_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/adzetest"
	"github.com/adzehq/adze/examples/thumbnail"
)

// studio is one where a picture fails at first, and which counts.
type studio struct {
	urls []string

	mu    sync.Mutex
	calls map[string]int
	busy  int
	most  int
}

func (s *studio) List(context.Context, string) ([]string, error) { return s.urls, nil }

func (s *studio) Shrink(_ context.Context, url string) (thumbnail.Image, error) {
	s.mu.Lock()
	s.calls[url]++
	first := s.calls[url] == 1
	s.busy++
	s.most = max(s.most, s.busy)
	s.mu.Unlock()
	<-time.After(time.Second) // of the test's clock
	s.mu.Lock()
	s.busy--
	s.mu.Unlock()
	if first && url == "b.png" {
		return thumbnail.Image{}, errors.New("503")
	}
	return thumbnail.Image{URL: url, Bytes: 100}, nil
}

func TestEachPictureIsMadeSmallTenAtATime(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		studio := &studio{calls: map[string]int{}, urls: []string{"a.png", "b.png", "c.png"}}
		flow := thumbnail.New(studio)
		env.Work(flow)

		results, err := flow.Call(t.Context(), env.Client, thumbnail.Album{Name: "summer"})

		require.NoError(t, err)
		sheet, err := flow.Sheet.Of(results)
		require.NoError(t, err)
		require.Equal(t, "summer: a.png b.png c.png", sheet)
		require.Equal(t, map[string]int{"a.png": 1, "b.png": 2, "c.png": 1}, studio.calls, "who failed is tried again, and nobody else")
	})
}

func TestALargeAlbumKeepsTheStudioAtTen(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		studio := &studio{calls: map[string]int{}, urls: make([]string, 100)}
		flow := thumbnail.New(studio)
		env.Work(flow)
		_, err := flow.Call(t.Context(), env.Client, thumbnail.Album{Name: "winter"})
		require.NoError(t, err)
		require.Equal(t, 10, studio.most)
		require.GreaterOrEqual(t, env.Now().Sub(adzetest.Start), 10*time.Second)
	})
}
