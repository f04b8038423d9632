package bench

import (
	"cmp"
	"math"
	"slices"
)

// service is a task of a key that a worker began.
type service struct {
	key  int
	at   int64   // nanoseconds since the queue was opened
	cost float64 // what counts against the key: 1 for a task, or its run time
}

// unfairness is what a queue that takes turns between its keys did worse than one that
// does so perfectly: the largest of all keys' waiting times, each divided by its ideal.
//
// All tasks were queued when the queue was opened. A key has waited when its last task
// begins. In a perfect round robin no key gets ahead of another that still has work: the
// key whose tasks cost w together is through when each key has been served w, or all it
// has if that is less. That is some sum of costs over all keys, and the ideal waiting
// time is when this queue had served as much, whomever it served. So neither the speed
// of the queue counts nor that of its worker, only whom it served first. A perfect queue
// comes to 1 at most.
//
// The key heavy has more work than any other, and is left out: services end when all
// others are through. worst is the key that waited longest for its share, ideal and wait
// its times in seconds.
func unfairness(services []service, heavy int) (figure, wait, ideal float64) {
	slices.SortFunc(services, func(a, b service) int { return cmp.Compare(a.at, b.at) })
	work, last := map[int]float64{}, map[int]int64{}
	for _, s := range services {
		work[s.key] += s.cost
		last[s.key] = s.at
	}
	work[heavy] = math.Inf(1)
	served := newCurve(services)
	for _, share := range shares(work) {
		if share.key == heavy {
			continue
		}
		w, i := seconds(last[share.key]), seconds(served.when(share.target))
		if ratio := w / i; ratio > figure {
			figure, wait, ideal = ratio, w, i
		}
	}
	return figure, wait, ideal
}

// share is how much has been served of all keys when a key is through, if it takes turns
// with them.
type share struct {
	key    int
	target float64
}

// shares are the least first.
func shares(work map[int]float64) []share {
	type load struct {
		key  int
		work float64
	}
	loads := make([]load, 0, len(work))
	for key, w := range work {
		loads = append(loads, load{key, w})
	}
	slices.SortFunc(loads, func(a, b load) int { return cmp.Compare(a.work, b.work) })
	all := make([]share, len(loads))
	sum := 0.0 // of those with less
	for i, l := range loads {
		all[i] = share{l.key, sum + l.work*float64(len(loads)-i)}
		sum += l.work
	}
	return all
}

// curve is how much was served when: sums ascend with the times.
type curve struct {
	at  []int64
	sum []float64
}

func newCurve(services []service) curve {
	c := curve{make([]int64, len(services)), make([]float64, len(services))}
	sum := 0.0
	for i, s := range services {
		sum += s.cost
		c.at[i], c.sum[i] = s.at, sum
	}
	return c
}

// when is the time at which so much was served, or the end if less was.
func (c curve) when(target float64) int64 {
	// Sums of run times come out a little different in another order.
	i, _ := slices.BinarySearch(c.sum, target*(1-1e-9))
	return c.at[min(i, len(c.at)-1)]
}

func seconds(nanoseconds int64) float64 { return float64(nanoseconds) / 1e9 }
