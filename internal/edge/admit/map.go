package admit

import (
	"slices"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/shard"
)

// How many runs of a map may be open at a time.
const (
	MapConcurrencyMax     = 1_000
	MapConcurrencyDefault = 100
)

// mapping is m with its default. What it is over is checked with the graph.
func mapping(m *shard.Map) (*shard.Map, error) {
	if m == nil {
		return nil, nil
	}
	if m.Over == "" {
		return nil, invalid("over", "is empty; name the parent that gives the list")
	}
	filled := *m
	filled.Concurrency = orDefault(m.Concurrency, MapConcurrencyDefault)
	if err := name("workflow", m.Workflow); err != nil {
		return nil, err
	}
	return &filled, between("concurrency", int64(filled.Concurrency), 1, MapConcurrencyMax)
}

// maps checks that what tasks map is there when they begin.
func (g *topology) maps() error {
	for i := range g.tasks {
		t := &g.tasks[i]
		if t.Map == nil {
			continue
		}
		var err error
		switch {
		case !slices.Contains(t.Parents, t.Map.Over):
			err = invalid("map.over", "%q is not a parent of task %q; name it among the parents", t.Map.Over, t.Name)
		case !t.Durable:
			err = invalid("durable", "is false, but a task with a map keeps a log of its runs; make it true")
		}
		if err != nil {
			return fault.At(taskPlace(i), err)
		}
	}
	return nil
}
