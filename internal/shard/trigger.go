package shard

import (
	"fmt"
	"slices"
	"strings"

	"github.com/adzehq/adze/internal/base/expr"
)

// trigger is a Trigger that can be asked.
type trigger struct {
	pattern   string
	condition *expr.Program // nil: always
}

func newTriggers(from []Trigger) ([]trigger, error) {
	list := make([]trigger, len(from))
	for i, t := range from {
		list[i].pattern = t.Event
		if t.Expression == "" {
			continue
		}
		var err error
		if list[i].condition, err = expr.Event.Compile(t.Expression); err != nil {
			return nil, fmt.Errorf("compile condition of trigger %s: %w", t.Event, err)
		}
	}
	return list, nil
}

// anything is what stands for any characters in a pattern, and for none.
const anything = "*"

// matches tells whether key is what pattern describes: its parts come in their order,
// the first at the start of key, the last at its end.
func matches(pattern, key string) bool {
	first, rest, open := strings.Cut(pattern, anything)
	if !open {
		return pattern == key
	}
	key, found := strings.CutPrefix(key, first)
	for found {
		part, after, more := strings.Cut(rest, anything)
		if !more {
			return strings.HasSuffix(key, part)
		}
		_, key, found = strings.Cut(key, part)
		rest = after
	}
	return false
}

// keyBytesMax is how long a key of an event may be.
const keyBytesMax = 255

// listener is a trigger with the workflow that it is of.
type listener struct {
	*trigger
	version *version
}

// listeners finds triggers by the key of an event. Patterns are kept by what stands
// before their first *: the cost of a look-up is that of the prefixes in use of the key,
// and of the patterns that share one.
type listeners struct {
	exact    map[string][]listener
	patterns map[string][]listener
	lengths  [keyBytesMax + 1]int // how many patterns have a prefix so long
}

func newListeners() *listeners {
	return &listeners{exact: map[string][]listener{}, patterns: map[string][]listener{}}
}

func (l *listeners) add(v *version) {
	for i := range v.triggers {
		one := listener{&v.triggers[i], v}
		prefix, _, open := strings.Cut(one.pattern, anything)
		if !open {
			l.exact[prefix] = append(l.exact[prefix], one)
			continue
		}
		l.patterns[prefix] = append(l.patterns[prefix], one)
		l.lengths[len(prefix)]++
	}
}

func (l *listeners) remove(v *version) {
	for i := range v.triggers {
		prefix, _, open := strings.Cut(v.triggers[i].pattern, anything)
		if !open {
			removeFrom(l.exact, prefix, v)
			continue
		}
		removeFrom(l.patterns, prefix, v)
		l.lengths[len(prefix)]--
	}
}

func removeFrom(all map[string][]listener, name string, v *version) {
	left := slices.DeleteFunc(all[name], func(one listener) bool { return one.version == v })
	if len(left) == 0 {
		delete(all, name)
		return
	}
	all[name] = left
}

// of calls found with each trigger that fits key.
func (l *listeners) of(key string, found func(listener)) {
	for _, one := range l.exact[key] {
		found(one)
	}
	for n := range min(len(key), keyBytesMax) + 1 {
		if l.lengths[n] == 0 {
			continue
		}
		for _, one := range l.patterns[key[:n]] {
			if matches(one.pattern, key) {
				found(one)
			}
		}
	}
}
