package shard

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSharedLimitsAreTakenInOneOrderByAll(t *testing.T) {
	t.Parallel()
	w := Workflow{
		Name:   "w",
		Limits: []Limit{{Name: "b"}, {}, {Name: "a"}},
		Tasks:  []Task{{Name: "t", Action: "w:t", Limits: []Limit{{Name: "aa"}, {}}}},
	}
	want := []string{"w#2", "w:t#2", "a", "aa", "b"}
	definition, graph, err := w.parts()
	require.NoError(t, err)
	require.Nil(t, graph)
	require.Equal(t, want, definition.Limits)
	require.Equal(t, want, namesOf(w.flow().Run.Limits), "what is worked out for a run is in that order too")

	w.Tasks = append(w.Tasks, Task{Name: "u", Action: "w:u"})
	_, graph, err = w.parts()
	require.NoError(t, err)
	require.Equal(t, []string{"w#2", "a", "b"}, graph.Limits)
	require.Equal(t, []string{"w:t#2", "aa"}, graph.Nodes[0].Limits)
	require.Equal(t, graph.Limits, namesOf(w.flow().Run.Limits))
	require.Equal(t, graph.Nodes[0].Limits, namesOf(w.flow().Nodes[0].Limits))
}
