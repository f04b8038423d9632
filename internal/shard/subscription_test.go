package shard

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

const owner = id.ID(1)

func TestAPatternFitsAKeyAsARegularExpressionWould(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringOfN(rapid.RuneFrom([]rune("ab.*")), 0, 8, -1).Draw(t, "pattern")
		key := rapid.StringOfN(rapid.RuneFrom([]rune("ab.*")), 0, 12, -1).Draw(t, "key")
		like := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$")
		require.Equal(t, like.MatchString(key), matches(pattern, key))

		v := listening(7, "w", Trigger{Event: pattern})
		all := newListeners()
		all.add(v)
		found := 0
		all.of(key, func(listener) { found++ })
		require.Equal(t, like.MatchString(key), found == 1)
		all.remove(v)
		all.of(key, func(listener) { t.Fatal("it was removed") })
	})
}

func listening(number id.ID, workflow string, triggers ...Trigger) *version {
	v, err := newVersion(&StoredDefinition{
		Definition: core.Definition{Version: number, Tenant: owner, Workflow: workflow}, Triggers: triggers,
	})
	if err != nil {
		panic(err)
	}
	return v
}

func started(t *testing.T, s *subscriptions, e NewEvent) (names []string) {
	t.Helper()
	starts, warning := s.match(owner, &e)
	require.Empty(t, warning)
	for _, one := range starts {
		name := one.version.Workflow
		if one.filter != nil {
			name += ":" + string(one.filter.payload)
		}
		names = append(names, name)
	}
	return names
}

func TestAnEventStartsOneRunOfEachWorkflowWhoseTriggerFits(t *testing.T) {
	t.Parallel()
	s := &subscriptions{}
	s.replace(nil, listening(1, "all", Trigger{Event: "*"}, Trigger{Event: "user.created"}))
	s.replace(nil, listening(2, "users", Trigger{Event: "user.*"}))
	s.replace(nil, listening(3, "pros", Trigger{Event: "user.created", Expression: `event.plan == "pro"`}, Trigger{Event: "user.upgraded"}))
	s.replace(nil, listening(4, "silent"))

	require.Equal(t, []string{"all", "users", "pros"}, started(t, s, NewEvent{Key: "user.created", Payload: []byte(`{"plan":"pro"}`)}))
	require.Equal(t, []string{"all", "users"}, started(t, s, NewEvent{Key: "user.created", Payload: []byte(`{"plan":"free"}`)}))
	require.Equal(t, []string{"all"}, started(t, s, NewEvent{Key: "users", Payload: []byte(`{"plan":"pro"}`)}))
	require.Nil(t, started(t, &subscriptions{}, NewEvent{Key: "x"}))
	starts, _ := s.match(owner+1, &NewEvent{Key: "user.created"})
	require.Empty(t, starts, "another tenant's")
}

func TestANewVersionsTriggersTakeThePlaceOfTheOldOnes(t *testing.T) {
	t.Parallel()
	s := &subscriptions{}
	first, second := listening(1, "w", Trigger{Event: "a"}, Trigger{Event: "x.*"}), listening(2, "w", Trigger{Event: "b"})
	s.replace(nil, first)
	s.replace(first, second)
	require.Empty(t, started(t, s, NewEvent{Key: "a"}))
	require.Empty(t, started(t, s, NewEvent{Key: "x.y"}))
	require.Equal(t, []string{"w"}, started(t, s, NewEvent{Key: "b"}))
	s.replace(second, listening(3, "w"))
	require.Empty(t, started(t, s, NewEvent{Key: "b"}))
	require.Empty(t, s.of[owner].listeners.exact)
	require.Empty(t, s.of[owner].listeners.patterns)
}

func filtering(t *testing.T, number id.ID, f Filter) *filter {
	t.Helper()
	one, err := newFilter(number, f)
	require.NoError(t, err)
	return one
}

func TestFiltersOfTheScopeDecideOnceAWorkflowHasAny(t *testing.T) {
	t.Parallel()
	s := &subscriptions{}
	s.replace(nil, listening(1, "w", Trigger{Event: "e"}))
	s.replace(nil, listening(2, "free", Trigger{Event: "e"}))
	name := filterName{"w", "eu"}
	s.addFilter(owner, name, filtering(t, 11, Filter{Expression: "event.n > filter.least", Payload: []byte(`{"least":5}`)}))
	s.addFilter(owner, name, filtering(t, 12, Filter{Expression: "event.n > 1", Payload: []byte(`2`)}))
	s.addFilter(owner, name, filtering(t, 13, Filter{}))

	push := func(scope string, n int) []string {
		return started(t, s, NewEvent{Key: "e", Scope: scope, Payload: fmt.Appendf(nil, `{"n":%d}`, n)})
	}
	require.Equal(t, []string{`w:{"least":5}`, "w:2", "w:", "free"}, push("eu", 6), "a run for each that holds")
	require.Equal(t, []string{"w:", "free"}, push("eu", 0))
	require.Equal(t, []string{"free"}, push("us", 6), "a scope without filters")
	require.Equal(t, []string{"free"}, push("", 6), "no scope")
	for _, number := range []id.ID{11, 12, 13, 99} {
		s.removeFilter(owner, number)
	}
	require.Zero(t, s.filters(owner))
	require.Equal(t, []string{"w", "free"}, push("", 6), "no filters at all")
}

func TestAConditionThatCannotBeEvaluatedStartsNothingAndIsTold(t *testing.T) {
	t.Parallel()
	s := &subscriptions{}
	s.replace(nil, listening(1, "w", Trigger{Event: "e", Expression: "event.n > 1"}))
	s.replace(nil, listening(2, "v", Trigger{Event: "e"}))
	s.addFilter(owner, filterName{"v", "eu"}, filtering(t, 11, Filter{Expression: "event.m > 1"}))
	starts, warning := s.match(owner, &NewEvent{Key: "e", Scope: "eu", Payload: []byte(`{}`)})
	require.Empty(t, starts)
	require.Contains(t, warning, "workflow w, trigger e: evaluate condition: no such key: n\nworkflow v, filter ")

	for i := range 2 * warningsMax {
		s.addFilter(owner, filterName{"v", "eu"}, filtering(t, id.ID(20+i), Filter{Expression: "event.m > 1 || metadata." + strings.Repeat("x", 3_000) + " == 1"}))
	}
	_, warning = s.match(owner, &NewEvent{Key: "e", Scope: "eu", Payload: []byte(`{}`)})
	require.Len(t, strings.Split(warning, "\n"), warningsMax+1)
	require.Less(t, len(warning), (warningsMax+1)*(warningBytesMax+10))
	require.Contains(t, warning, "\nand 7 more")
}

// BenchmarkMatch: what an event costs that fits one of 1,000 workflows.
func BenchmarkMatch(b *testing.B) {
	s := &subscriptions{}
	for i := range 1_000 {
		s.replace(nil, listening(id.ID(i+1), fmt.Sprintf("w%d", i), Trigger{Event: fmt.Sprintf("topic%d.*", i)}))
	}
	e := NewEvent{Key: "topic7.created", Payload: []byte(`{}`)}
	b.ReportAllocs()
	for b.Loop() {
		if starts, _ := s.match(owner, &e); len(starts) != 1 {
			b.Fatal("it should start one")
		}
	}
}
