package sim

import (
	"reflect"
	"slices"
	"sync"

	"github.com/adzehq/adze/internal/core"
)

// spot is a place where something may come about in histories: a field of an input, or of
// what follows from one. The leaves are fields that are not zero, and the values of
// enumerations.
type spot struct {
	name   string
	parts  []*spot         // of a struct, by field; nil for one that nobody sets from outside
	values map[int64]*spot // of an enumeration
	left   int             // leaves that did not come about
}

// coverage is what has come about in histories.
type coverage struct {
	values map[string]map[string]int64 // of enumerations, by type and name
	leaves []*spot
	mu     sync.Mutex
	roots  map[reflect.Type]*spot
}

// newCoverage knows inputs and effects. A field of what is new to the core is named by the
// way to it, as "Submit.Runs.Kept.Node": it may be played in one place, and forgotten in
// another. What has been through the core, and what it only passes on, is named by its
// type, as "OpenTask.Binds".
func newCoverage(inputs []core.Input, values map[string]map[string]int64) *coverage {
	c := &coverage{values: values, roots: map[reflect.Type]*spot{}}
	for _, in := range inputs {
		t := reflect.TypeOf(in).Elem()
		_, read := in.(*core.Loaded)
		_, restored := in.(*core.Restore)
		c.roots[t] = c.newSpot(t, t.Name(), read || restored)
	}
	effects := reflect.TypeFor[core.Effects]()
	c.roots[effects] = c.newSpot(effects, effects.Name(), true)
	return c
}

// passedOn is what means the same wherever it comes from.
var passedOn = []reflect.Type{
	reflect.TypeFor[core.Condition](), reflect.TypeFor[core.EndedNode](), reflect.TypeFor[core.Entry](), reflect.TypeFor[core.Label](),
	reflect.TypeFor[core.LimitKey](), reflect.TypeFor[core.Met](), reflect.TypeFor[core.NodeFlow](), reflect.TypeFor[core.RateKey](), reflect.TypeFor[core.Verdict](),
}

// newSpot lays out a type, but for what of it is within itself.
func (c *coverage) newSpot(t reflect.Type, name string, byType bool, within ...reflect.Type) *spot {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	values := c.values[t.Name()]
	s := &spot{name: name}
	switch {
	case t.Kind() == reflect.Struct && !slices.Contains(within, t):
		if byType = byType || slices.Contains(passedOn, t); byType {
			s.name = t.Name()
		}
		within = append(slices.Clone(within), t)
		for f := range t.NumField() {
			var part *spot
			if field := t.Field(f); field.IsExported() {
				part = c.newSpot(field.Type, s.name+"."+field.Name, byType, within...)
				s.left += part.left
			}
			s.parts = append(s.parts, part)
		}
	case t.PkgPath() == reflect.TypeFor[core.Effects]().PkgPath() && values != nil:
		s.values, s.left = map[int64]*spot{}, len(values)
		for value, number := range values {
			s.values[number] = c.newLeaf(name + "." + value)
		}
	default:
		return c.newLeaf(name)
	}
	return s
}

func (c *coverage) newLeaf(name string) *spot {
	leaf := &spot{name: name, left: 1}
	c.leaves = append(c.leaves, leaf)
	return leaf
}

// watch notes what comes about in an input, or in effects.
func (c *coverage) watch(what any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := reflect.ValueOf(what).Elem()
	c.roots[v.Type()].see(v)
}

// see notes what there is of v, and tells how many leaves of it are new.
func (s *spot) see(v reflect.Value) (fresh int) {
	switch {
	case s == nil || s.left == 0:
		return 0
	case s.parts == nil && s.values == nil: // a leaf
		if !v.IsZero() {
			fresh = 1
		}
	case v.Kind() == reflect.Pointer:
		if !v.IsNil() {
			return s.see(v.Elem())
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			fresh += s.see(v.Index(i))
		}
		return fresh
	case s.values != nil:
		if value := s.values[toInt(v)]; value != nil {
			fresh, value.left = value.left, 0
		}
	default:
		for f, part := range s.parts {
			fresh += part.see(v.Field(f))
		}
	}
	s.left -= fresh
	return fresh
}

// toInt is the number of a value of an enumeration.
func toInt(v reflect.Value) int64 {
	if v.CanUint() {
		return int64(v.Uint())
	}
	return v.Int()
}

// missing are the names of what did not come about anywhere, sorted; and of what did.
func (c *coverage) missing() (missing, there []string) {
	came := map[string]bool{}
	for _, leaf := range c.leaves {
		came[leaf.name] = came[leaf.name] || leaf.left == 0
	}
	for name, did := range came {
		if did {
			there = append(there, name)
		} else {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	return missing, there
}
