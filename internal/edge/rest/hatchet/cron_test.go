package hatchet_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOfManyCallersWithOneNameOneMakesTheCron(t *testing.T) {
	t.Parallel()
	c := stage(t)
	const callers = 32
	codes := make([]int, callers)
	var together sync.WaitGroup
	for i := range callers {
		together.Go(func() {
			codes[i], _ = c.ask(http.MethodPost, "/workflows/shop/crons", map[string]any{
				"cronName": "tick", "cronExpression": "* * * * *", "input": map[string]any{"n": i}, "additionalMetadata": map[string]any{},
			})
		})
	}
	together.Wait()
	made := 0
	for _, code := range codes {
		if code == http.StatusOK {
			made++
		} else {
			require.Equal(t, http.StatusBadRequest, code)
		}
	}
	require.Equal(t, 1, made)
	require.Len(t, numbers(c.must(http.MethodGet, "/workflows/crons?cronName=tick", nil)), 1)
	c.must(http.MethodPost, "/workflows/mail/crons", map[string]any{
		"cronName": "tick", "cronExpression": "* * * * *", "input": map[string]any{}, "additionalMetadata": map[string]any{},
	}) // a name is of one workflow
}
