package bench

import "fmt"

// point is a queue of a depth, spread evenly over keys.
type point struct{ keys, queued int }

// partMax is how many tasks of a queue are taken while it is measured, at most half of
// them: few enough that the queue keeps its depth.
const partMax = 20_000

func (p point) part() int { return min(partMax, p.queued/2) }

// filled is how deep the queue is at first, so that it is as deep as it should be on
// average while the part is taken.
func (p point) filled() int { return p.queued + p.part()/2 }

// mode is the name under which the figures of a point stand.
func (p point) mode(series string) string {
	return fmt.Sprintf("%s-%d-of-%d", series, p.keys, p.queued)
}

// depths are how many tasks are queued where the depth of a queue is measured.
func (b *bench) depths() []int {
	if b.Quick {
		return []int{1_000, 4_000, 16_000}
	}
	return []int{10_000, 100_000, 1_000_000}
}

// at adds the figures that say what a point is.
func (r *Report) at(p point, series string) {
	r.add(p.mode(series), "keys", "keys", float64(p.keys))
	r.add(p.mode(series), "queued", "tasks", float64(p.queued))
}
