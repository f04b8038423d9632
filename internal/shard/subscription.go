package shard

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/adzehq/adze/internal/base/expr"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// subscriptions say which workflows an event starts: the triggers of the current
// versions, and the filters. An event costs nothing for a workflow that does not ask
// for its key.
type subscriptions struct {
	mu sync.RWMutex
	of map[id.ID]*subscription // by tenant
}

type subscription struct {
	listeners *listeners
	filters   *filters
}

// tenant is what a tenant subscribes to. Called with mu held.
func (s *subscriptions) tenant(tenant id.ID) *subscription {
	one := s.of[tenant]
	if one == nil {
		one = &subscription{newListeners(), newFilters()}
		if s.of == nil {
			s.of = map[id.ID]*subscription{}
		}
		s.of[tenant] = one
	}
	return one
}

// replace puts the triggers of a workflow's new version in the place of the old one's.
func (s *subscriptions) replace(was, v *version) {
	if was != nil && len(was.triggers) > 0 || len(v.triggers) > 0 {
		s.mu.Lock()
		defer s.mu.Unlock()
		listeners := s.tenant(v.Tenant).listeners
		if was != nil {
			listeners.remove(was)
		}
		listeners.add(v)
	}
}

// forget takes the triggers of a workflow away.
func (s *subscriptions) forget(was *version) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tenant(was.Tenant).listeners.remove(was)
}

// filtersOf are those of a workflow.
func (s *subscriptions) filtersOf(tenant id.ID, workflow string) (all []id.ID) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	one := s.of[tenant]
	if one == nil {
		return nil
	}
	for _, list := range one.filters.of[workflow] {
		for _, f := range list {
			all = append(all, f.id)
		}
	}
	slices.Sort(all)
	return all
}

func (s *subscriptions) addFilter(tenant id.ID, name filterName, one *filter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tenant(tenant).filters.add(name, one)
}

func (s *subscriptions) removeFilter(tenant, number id.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tenant(tenant).filters.remove(number)
}

// hasFilter tells whether the tenant has a filter.
func (s *subscriptions) hasFilter(tenant, number id.ID) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	one := s.of[tenant]
	if one == nil {
		return false
	}
	_, there := one.filters.names[number]
	return there
}

// declaredFilters are those that a workflow declares, by what they say, and all of their
// ids.
func (s *subscriptions) declaredFilters(tenant id.ID, workflow string) (byKey map[string][]id.ID, all map[id.ID]bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	byKey, all = map[string][]id.ID{}, map[id.ID]bool{}
	one := s.of[tenant]
	if one == nil {
		return byKey, all
	}
	for scope, list := range one.filters.of[workflow] {
		for _, f := range list {
			if f.declared {
				said := Filter{Scope: scope, Expression: f.text, Payload: f.payload}
				byKey[said.key()] = append(byKey[said.key()], f.id)
				all[f.id] = true
			}
		}
	}
	return byKey, all
}

// filters counts those of a tenant.
func (s *subscriptions) filters(tenant id.ID) int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if one := s.of[tenant]; one != nil {
		return len(one.filters.names)
	}
	return 0
}

// candidate is a workflow that asks for the key of an event.
type candidate struct {
	version  *version
	triggers []*trigger // those that fit the key: one whose condition holds is enough
	filtered bool       // it has filters: then only those of the event's scope start runs
	filters  []*filter
}

// candidates are the workflows that e may start, in the order of their versions.
func (s *subscriptions) candidates(tenant id.ID, e *NewEvent) (all []candidate) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	one := s.of[tenant]
	if one == nil {
		return nil
	}
	one.listeners.of(e.Key, func(l listener) {
		at := slices.IndexFunc(all, func(c candidate) bool { return c.version == l.version })
		if at < 0 {
			at = len(all)
			scopes := one.filters.of[l.version.Workflow]
			all = append(all, candidate{version: l.version, filtered: scopes != nil, filters: scopes[e.Scope]})
		}
		all[at].triggers = append(all[at].triggers, l.trigger)
	})
	slices.SortFunc(all, func(a, b candidate) int { return cmp.Compare(a.version.Version, b.version.Version) })
	return all
}

// start is a run that an event starts.
type start struct {
	version *version
	filter  *filter // that chose it, or nil
	row     core.NewTask
	once    *core.NewOnceKey
}

// match decides which runs an event starts. A condition that cannot be evaluated starts
// none, and is told of: better a run that is missing and says so than one by mistake.
func (s *subscriptions) match(tenant id.ID, e *NewEvent) ([]start, string) {
	candidates := s.candidates(tenant, e)
	if len(candidates) == 0 {
		return nil, ""
	}
	m := matching{event: e}
	for i := range candidates {
		m.ask(&candidates[i])
	}
	return m.starts, m.warning()
}

// matching is an event while it is matched.
type matching struct {
	event    *NewEvent
	payload  expr.Value // parsed when the first condition looks at it
	metadata expr.Value
	parsed   bool
	failure  error // of parsing

	starts   []start
	warnings []string
}

func (m *matching) ask(c *candidate) {
	if !m.triggered(c) {
		return
	}
	row := core.NewTask{
		Tenant: c.version.Tenant, Version: c.version.Version, Priority: m.event.Priority,
		Input: m.event.Payload, Metadata: m.event.Metadata,
	}
	if err := c.version.complete(&row); err != nil {
		m.warn(c, "run", err)
		return
	}
	once, err := c.version.onceOf(m.event.Payload, m.event.Metadata, nil)
	if err != nil {
		m.warn(c, "key", err)
		return
	}
	if !c.filtered {
		m.starts = append(m.starts, start{version: c.version, row: row, once: once})
		return
	}
	for _, one := range c.filters {
		switch holds, err := m.holds(one.condition, one.value); {
		case err != nil:
			m.warn(c, "filter "+one.id.String(), err)
		case holds:
			m.starts = append(m.starts, start{c.version, one, row, once})
		}
	}
}

// triggered tells whether the condition of one of the triggers holds.
func (m *matching) triggered(c *candidate) bool {
	for _, t := range c.triggers {
		holds, err := m.holds(t.condition, expr.Value{})
		if err != nil {
			m.warn(c, "trigger "+t.pattern, err)
		}
		if holds {
			return true
		}
	}
	return false
}

func (m *matching) holds(condition *expr.Program, given expr.Value) (bool, error) {
	if condition == nil {
		return true, nil
	}
	if !m.parsed {
		m.parse()
	}
	if m.failure != nil {
		return false, m.failure
	}
	return condition.Holds(m.payload, m.metadata, expr.Text(m.event.Key), expr.Text(m.event.Scope), given)
}

func (m *matching) parse() {
	m.parsed = true
	if m.payload, m.failure = expr.Parse(m.event.Payload); m.failure == nil && m.event.Metadata != nil {
		m.metadata, m.failure = expr.Parse(m.event.Metadata)
	}
}

const (
	// warningsMax is how many conditions that could not be evaluated are told of.
	warningsMax = 5
	// warningBytesMax bounds what is told of one.
	warningBytesMax = 500
)

func (m *matching) warn(c *candidate, by string, err error) {
	text := fmt.Sprintf("workflow %s, %s: %s", c.version.Workflow, by, err)
	if len(text) > warningBytesMax {
		text = strings.ToValidUTF8(text[:warningBytesMax], "") + "…"
	}
	m.warnings = append(m.warnings, text)
}

func (m *matching) warning() string {
	if more := len(m.warnings) - warningsMax; more > 0 {
		m.warnings = append(m.warnings[:warningsMax], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(m.warnings, "\n")
}
