package sim

import (
	"cmp"
	"flag"
	"maps"
	"slices"
	"testing"
)

var rarestFlag = flag.Int("sim.rarest", 0, "print so many of the things that come about in the fewest histories")

// TestRarest tells what comes about in few histories. What 2,500 of one range have less than
// ten times, those of another one may well not have: then coverage fails for nothing.
func TestRarest(t *testing.T) {
	t.Parallel()
	if *rarestFlag == 0 {
		t.Skip("asked for with -sim.rarest")
	}
	values, count := enumerations(sourceOfCore(t)), map[string]int{}
	for n := range *historiesFlag {
		c := newCoverage(inputs, values)
		if err := playChecked(*seedFlag+n, false, c); err != nil {
			t.Fatal(err)
		}
		missing, there := c.missing()
		for _, name := range there {
			count[name]++
		}
		for _, name := range missing {
			count[name] += 0 // it is listed, too
		}
	}
	maps.DeleteFunc(count, func(name string, _ int) bool { return omissionOf(name) != nil })
	names := slices.SortedFunc(maps.Keys(count), func(a, b string) int {
		return cmp.Or(cmp.Compare(count[a], count[b]), cmp.Compare(a, b))
	})
	for _, name := range names[:min(*rarestFlag, len(names))] {
		t.Logf("%5d of %d histories have %s", count[name], *historiesFlag, name)
	}
}
