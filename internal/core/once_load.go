package core

import "github.com/adzehq/adze/internal/base/id"

// recallOnce has keys loaded that are not known.
func (s *Shard) recallOnce(in *Recall) {
	if missing := s.Missing(in.Tenant, in.Keys); len(missing) > 0 {
		s.requestOnce(Load{Kind: LoadOnce, Tenant: in.Tenant, Keys: missing})
	}
}

func (s *Shard) requestOnce(load Load) {
	if s.once.flying == 0 {
		s.once.moved, s.once.news = map[onceName]uint64{}, map[id.ID]onceNews{}
	}
	s.once.flying++
	s.request(load)
}

// landedOnce notes that a load of keys was answered.
func (s *Shard) landedOnce() {
	if s.once.flying--; s.once.flying == 0 {
		s.once.moved, s.once.news = nil, nil
	}
}

// loadedOnce brings keys to memory, or that nobody holds them. Of one that has been here
// since it was asked for, what was read is too old.
func (s *Shard) loadedOnce(in *Loaded) {
	defer s.landedOnce()
	rows := make(map[string]OnceKey, len(in.Once))
	for _, row := range in.Once {
		rows[row.Key] = row
	}
	for _, key := range in.Load.Keys {
		name := onceName{in.Load.Tenant, key}
		if s.once.of[name] != nil || s.once.moved[name] > in.Load.Seq {
			continue
		}
		row, held := rows[key]
		if held {
			s.once.stored--
			news := s.once.news[row.Run]
			row.Begun, row.Ended = row.Begun || news.begun || s.begunHere(row.Run), row.Ended || news.ended
		}
		if held && row.over(s.now) {
			s.closeOnce(&row)
			held = false
		}
		if !held {
			row = OnceKey{Tenant: in.Load.Tenant, Key: key, Until: s.now + onceFreeMS}
		}
		s.rememberOnce(&row)
	}
}

// begunHere tells whether a run is in memory and a worker was given a task of it.
func (s *Shard) begunHere(run id.ID) bool {
	if t := s.tasks[run]; t != nil {
		return t.begun()
	}
	r := s.runs[run]
	if r == nil {
		return false
	}
	for i, state := range r.nodes {
		if t := s.tasks[r.task(int32(i))]; state == nodeSucceeded || state == nodeFailed || t != nil && t.begun() {
			return true
		}
	}
	return false
}

// over tells whether a key that was read is free by now.
func (k *OnceKey) over(now Time) bool {
	return k.Until != 0 && k.Until <= now || k.Ended && k.Hold != OnceTTL
}

// closeOnce deletes the row of a key that is not in memory.
func (s *Shard) closeOnce(row *OnceKey) {
	s.out.ClosedOnceKeys = append(s.out.ClosedOnceKeys, row.Run)
}

// loadedOnceDue frees keys that were in Postgres only.
func (s *Shard) loadedOnceDue(in *Loaded) {
	defer s.landedOnce()
	s.freeStored(in)
	o := &s.once
	o.loading, o.due = false, in.NextDue
	if len(in.Once) == in.Load.Limit {
		o.due = in.Load.Until
	}
	o.awaits(o.between)
}

// loadedOnceEnded frees keys that were in Postgres only when their runs ended.
func (s *Shard) loadedOnceEnded(in *Loaded) {
	defer s.landedOnce()
	s.freeStored(in)
}

// freeStored frees those of the keys that were read that are in Postgres only.
func (s *Shard) freeStored(in *Loaded) {
	for i := range in.Once {
		row := &in.Once[i]
		name := onceName{row.Tenant, row.Key}
		if s.once.of[name] == nil && s.once.moved[name] <= in.Load.Seq {
			s.once.stored--
			s.closeOnce(row)
			s.once.touch(name, s.seq)
		}
	}
}

// restoreOnce goes on with the keys of the owner before, and with the cancels that it
// owed to runs that were replaced.
func (s *Shard) restoreOnce(in *Restore) {
	s.once.stored, s.once.due = in.OnceStored, in.OnceDue
	for i := range in.Once {
		row := &in.Once[i]
		switch {
		case row.By != 0:
			text := replacedText(row.Hold, row.By)
			s.once.replaced[row.Run] = text
			s.request(Load{Kind: LoadTasks, Tenant: row.Tenant, Tasks: []id.ID{row.Run}, Text: text})
		case row.over(s.now):
			s.closeOnce(row)
		default:
			s.rememberOnce(row)
		}
	}
}
