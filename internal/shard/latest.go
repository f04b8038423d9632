package shard

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
)

const (
	// latestMax is how many replays are kept in memory; with more it begins anew, and
	// those before are looked up.
	latestMax = 100_000

	// replaysOfOneMax is how many replays are followed from one to the next.
	replaysOfOneMax = 10_000
)

// latest is the newest replay of each run that was replayed since the shard has this
// owner, so that of a run that is younger nothing needs to be looked up.
type latest struct {
	mu    sync.Mutex
	of    map[id.ID]id.ID
	since id.ID // of runs above it, all replays are in of
}

// note adds a replay that is committed.
func (l *latest) note(run, replay id.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.of) >= latestMax {
		l.of, l.since = nil, max(l.since, replay) // a replay is younger than its run
	}
	if l.of == nil {
		l.of = make(map[id.ID]id.ID)
	}
	l.of[run] = max(l.of[run], replay)
}

// follow goes from run on as far as is in memory; sure tells that there is no more.
func (l *latest) follow(run id.ID) (_ id.ID, sure bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for replay := l.of[run]; replay != 0; replay = l.of[run] {
		run = replay
	}
	return run, run > l.since
}

// noteReplays notes which of the rows, which are committed under these ids, are replays.
func (r *Runtime) noteReplays(rows []submission, ids []id.ID) {
	for i := range rows {
		if of := rows[i].row.ReplayOf; of != 0 {
			r.latest.note(of, ids[i])
		}
	}
}

// Latest implements Client.
func (r *Runtime) Latest(ctx context.Context, _ id.ID, ids []id.ID) ([]id.ID, error) {
	found := slices.Clone(ids)
	unsure := make([]int, len(ids))
	for i := range unsure {
		unsure[i] = i
	}
	for range replaysOfOneMax {
		unsure = slices.DeleteFunc(unsure, func(i int) (sure bool) {
			found[i], sure = r.latest.follow(found[i])
			return sure
		})
		if len(unsure) == 0 {
			return found, nil
		}
		asked := make([]id.ID, len(unsure))
		for at, i := range unsure {
			asked[at] = found[i]
		}
		replays, err := r.config.Store.Replayed(ctx, asked)
		if err != nil {
			return nil, fmt.Errorf("look up the latest of %d runs: %w", len(ids), err)
		}
		unsure = slices.DeleteFunc(unsure, func(i int) bool {
			replay, replayed := replays[found[i]]
			if replayed {
				found[i] = replay
			}
			return !replayed
		})
	}
	return nil, fault.New(fault.Exhausted, "", "a run was replayed more than %d times", replaysOfOneMax)
}
