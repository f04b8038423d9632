package core

import (
	"cmp"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
)

// SharerStat is where a tenant stands that shares workers: its own with others, or those of
// others.
type SharerStat struct {
	Tenant  id.ID
	Free    int64 // slots of its workers, of all types, that are given something new
	Own     int64 // of its workers, in use by its own tasks
	Guests  int64 // of its workers, in use by other tenants' tasks
	Abroad  int64 // of other tenants' workers, in use by its tasks
	Waiting int64 // its tasks that wait for a worker
	SlotMS  int64 // how long its tasks have had slots, of any worker, since the owner began
}

// Sharers tells where the tenants stand that share workers, oldest first: for metrics, by a
// walk over workers and lanes.
func (s *Shard) Sharers(now Time) []SharerStat {
	if !s.Shares() {
		return nil
	}
	of := make(map[id.ID]*SharerStat, len(s.crews))
	for home := range s.crews {
		of[home] = &SharerStat{Tenant: home, SlotMS: *s.account(home)}
	}
	for home, c := range s.crews {
		for tenant, tn := range c.of {
			of[tenant].SlotMS += tn.owing(max(now, s.now))
			if tenant != home {
				of[home].Guests += tn.slots
				of[tenant].Abroad += tn.slots
			}
		}
	}
	for _, w := range s.workers {
		if stat := of[w.tenant]; stat != nil {
			stat.Own += w.inUse()
			stat.Free += w.free()
		}
	}
	for key, c := range s.classes {
		if stat := of[key.tenant]; stat != nil {
			for _, l := range c.byKey {
				stat.Waiting += int64(l.len()+len(l.arrived)) + l.stored
			}
		}
	}
	stats := make([]SharerStat, 0, len(of))
	for _, stat := range of {
		stat.Guests = min(stat.Guests, stat.Own) // a task without slots counts as one of a tenant's
		stat.Own -= stat.Guests
		stats = append(stats, *stat)
	}
	slices.SortFunc(stats, func(a, b SharerStat) int { return cmp.Compare(a.Tenant, b.Tenant) })
	return stats
}

// account is what a tenant's tasks have had of workers that are shared, in slot·ms: it goes on
// when grants come and go.
func (s *Shard) account(tenant id.ID) *int64 {
	account := s.accounts[tenant]
	if account == nil {
		account = new(int64)
		s.accounts[tenant] = account
	}
	return account
}

// owing is what the tenant's tasks have had since it was entered in the account.
func (tn *tenancy) owing(now Time) int64 { return tn.slots * int64(now-tn.entered) }

// enter brings the account up to date.
func (tn *tenancy) enter() {
	now := tn.crew.shard.now
	*tn.account += tn.owing(now)
	tn.entered = now
}

// inUse is how many slots of w are taken, of all types.
func (w *worker) inUse() int64 {
	used := int64(w.used)
	for _, r := range w.types {
		used += int64(r.used)
	}
	return used
}

// free is how many of its slots could be given away now, of all types.
func (w *worker) free() int64 {
	if !w.takes() {
		return 0
	}
	free := int64(max(w.slots-w.used, 0))
	for _, r := range w.types {
		free += int64(max(r.slots-r.used, 0))
	}
	return free
}
