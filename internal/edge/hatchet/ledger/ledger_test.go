package ledger_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/hatchet/ledger"
)

// book is the native log as the shard would keep it.
type book struct {
	*testing.T
	log  []core.Entry
	mets []core.Met
}

func (b *book) add(e *core.NewEntry) int32 {
	b.Helper()
	require.NotNil(b, e)
	require.EqualValues(b, len(b.log)+1, e.Index)
	b.log = append(b.log, core.Entry{Index: e.Index, Kind: e.Kind, Name: e.Name, Data: e.Data, Conditions: e.Conditions})
	return e.Index
}

func (b *book) meet(l *ledger.Ledger, index, condition int32, data string) {
	m := core.Met{Index: index, Condition: condition, Order: int64(len(b.mets) + 1), Data: core.Payload(data)}
	b.mets = append(b.mets, m)
	l.Met(&m)
}

func (b *book) open() *ledger.Ledger { return ledger.Open(b.log, b.mets) }

func sleep(key, text string) ledger.Condition {
	return ledger.Condition{Key: key, Group: "g", Sleep: text, Native: core.Condition{Kind: core.OnSleep, ForMS: 1}}
}

func event(key, group, name string) ledger.Condition {
	return ledger.Condition{Key: key, Group: group, Event: name, Native: core.Condition{Kind: core.OnEvent, Key: name}}
}

func (b *book) wait(l *ledger.Ledger, conditions ...ledger.Condition) (*ledger.Node, int32) {
	b.Helper()
	n, e, err := l.Wait(conditions, "")
	require.NoError(b, err)
	return n, b.add(e)
}

func TestOperationsAreFoundAgainByTheirOrder(t *testing.T) {
	t.Parallel()
	b := &book{T: t}
	l := b.open()
	n, err := l.Memo([]byte("now"))
	require.NoError(t, err)
	require.Equal(t, ledger.Place{Branch: 1, Node: 1}, n.Place)
	require.False(t, n.Complete())
	waited, index := b.wait(l, sleep("s", "10s"))
	require.EqualValues(t, 2, waited.Node)
	b.add(l.Complete(n, []byte(`{"ts":1}`))) // after the wait: nodes need not be recorded in their order
	b.meet(l, index, 0, "")

	l = b.open()
	n, err = l.Memo([]byte("now"))
	require.NoError(t, err)
	require.True(t, n.Complete())
	require.JSONEq(t, `{"ts":1}`, string(n.Payload))
	require.Nil(t, l.Complete(n, []byte(`2`)), "the first value counts")
	require.Nil(t, l.Next(false), "nobody has asked for the wait yet")
	waited, e, err := l.Wait([]ledger.Condition{sleep("s", "10s")}, "")
	require.NoError(t, err)
	require.Nil(t, e)
	require.Same(t, waited, l.Next(false))
	// Trap 24: the text of a duration comes back as it was sent.
	require.JSONEq(t, `{"CREATE":{"s":[{"sleep_duration":"10s"}]}}`, string(waited.Payload))
}

func TestMemoNeedNotBeJSON(t *testing.T) {
	t.Parallel()
	b := &book{T: t}
	l := b.open()
	n, err := l.Memo([]byte{0, 255})
	require.NoError(t, err)
	b.add(l.Complete(n, []byte{1, 254, 0}))
	n, err = b.open().Memo([]byte{0, 255})
	require.NoError(t, err)
	require.Equal(t, []byte{1, 254, 0}, n.Payload)
}

func TestWaitGivesWhatMetIt(t *testing.T) {
	t.Parallel()
	b := &book{T: t}
	l := b.open()
	n, index := b.wait(l, event("a", "1", "x"), event("b", "1", "y"), event("c", "2", "z"))
	b.meet(l, index, 1, `{"y":1}`)
	require.Nil(t, l.Next(false), "a group is still open")
	b.meet(l, index, 2, `{"z":1}`)
	require.Same(t, n, l.Next(false))
	require.JSONEq(t, `{"CREATE":{"b":[{"y":1}],"c":[{"z":1}]}}`, string(n.Payload))
}

func TestConditionsOfAWaitMayComeInAnyOrder(t *testing.T) {
	t.Parallel()
	b := &book{T: t}
	l := b.open()
	_, index := b.wait(l, event("b", "1", "y"), event("a", "2", "x"))
	b.meet(l, index, 0, `{"x":1}`)
	b.meet(l, index, 1, `{"y":1}`)
	n, e, err := b.open().Wait([]ledger.Condition{event("a", "8", "x"), event("b", "9", "y")}, "")
	require.NoError(t, err)
	require.Nil(t, e)
	require.JSONEq(t, `{"CREATE":{"a":[{"x":1}],"b":[{"y":1}]}}`, string(n.Payload))
}

// Trap 25: an invocation is told the ends in the order in which they came.
func TestEndsAreToldInTheirOrder(t *testing.T) {
	t.Parallel()
	b := &book{T: t}
	l := b.open()
	_, first := b.wait(l, sleep("s", "2s"))
	_, second := b.wait(l, sleep("s", "1s"))
	b.meet(l, second, 0, "")
	b.meet(l, first, 0, "")

	l = b.open()
	slow, _, err := l.Wait([]ledger.Condition{sleep("s", "2s")}, "")
	require.NoError(t, err)
	require.Nil(t, l.Next(false), "the other one ended first")
	require.Same(t, slow, l.Next(true))
	fast, _, err := l.Wait([]ledger.Condition{sleep("s", "1s")}, "")
	require.NoError(t, err)
	require.Same(t, fast, l.Next(false))
	fast.Tell()
	require.Same(t, slow, l.Next(false))
	slow.Tell()
	require.Nil(t, l.Next(false))
	l.Untold([]ledger.Place{slow.Place})
	require.Same(t, slow, l.Next(false), "its word was lost with a stream")
}

func TestOtherOperationThanBeforeIsToldApart(t *testing.T) {
	t.Parallel()
	b := &book{T: t}
	b.wait(b.open(), sleep("s", "10s"))
	for name, try := range map[string]func(*ledger.Ledger) error{
		"another kind": func(l *ledger.Ledger) error { _, err := l.Memo([]byte("s")); return err },
		"another time": func(l *ledger.Ledger) error {
			_, _, err := l.Wait([]ledger.Condition{sleep("s", "11s")}, "")
			return err
		},
		"a child": func(l *ledger.Ledger) error { _, err := l.Run(&ledger.Child{Workflow: "w"}); return err },
	} {
		var mismatch *ledger.Mismatch
		require.ErrorAs(t, try(b.open()), &mismatch, name)
		require.Equal(t, ledger.Place{Branch: 1, Node: 1}, mismatch.Place)
	}
}

func TestChildIsFoundAgainByItsKey(t *testing.T) {
	t.Parallel()
	b := &book{T: t}
	l := b.open()
	child := func(key string, indexed bool, input string) *ledger.Child {
		return &ledger.Child{Workflow: "w", Input: []byte(input), Key: key, Indexed: indexed}
	}
	first, err := l.Run(child("k:a", false, "1"))
	require.NoError(t, err)
	index := b.add(l.Born(first, id.ID(71)))
	same, err := l.Run(child("k:a", false, "2"))
	require.NoError(t, err, "what an explicit key names is not looked at")
	require.Same(t, first, same)
	second, err := l.Run(child("i:1", true, "1"))
	require.NoError(t, err)
	require.EqualValues(t, 2, second.Node, "a child that is there takes no number")
	b.add(l.Born(second, id.ID(72)))
	b.meet(l, index, 0, "")
	require.Same(t, first, l.Next(false))

	l = b.open()
	again, err := l.Run(child("i:1", true, "1"))
	require.NoError(t, err)
	require.True(t, again.Recorded())
	require.Equal(t, id.ID(72), again.Child)
	_, err = b.open().Run(child("i:1", true, "9"))
	require.ErrorContains(t, err, "non-determinism error")
	n, err := l.Memo([]byte("m"))
	require.NoError(t, err)
	require.EqualValues(t, 3, n.Node, "it goes on behind what it found")
}

func TestChildThatWasNotStartedLeavesNothing(t *testing.T) {
	t.Parallel()
	b := &book{T: t}
	l := b.open()
	n, err := l.Run(&ledger.Child{Workflow: "none", Key: "k"})
	require.NoError(t, err)
	l.Drop(n)
	again, err := l.Run(&ledger.Child{Workflow: "w", Key: "k"})
	require.NoError(t, err)
	require.NotSame(t, n, again)
}

func TestBranchKeepsWhatCameBefore(t *testing.T) {
	t.Parallel()
	b := &book{T: t}
	l := b.open()
	for _, key := range []string{"a", "b", "c"} {
		n, err := l.Memo([]byte(key))
		require.NoError(t, err)
		b.add(l.Complete(n, []byte(`"`+key+`"`)))
	}
	branch, e, err := l.Fork(ledger.Place{Branch: 1, Node: 2})
	require.NoError(t, err)
	require.EqualValues(t, 2, branch)
	e.Index = int32(len(b.log) + 1)
	b.log = append(b.log, e)

	l = b.open()
	n, err := l.Memo([]byte("a"))
	require.NoError(t, err)
	require.True(t, n.Complete())
	require.EqualValues(t, 1, n.Branch)
	n, err = l.Memo([]byte("other"))
	require.NoError(t, err, "the old branch binds it no longer")
	require.False(t, n.Complete())
	require.Equal(t, ledger.Place{Branch: 2, Node: 2}, n.Place)
	b.add(l.Complete(n, []byte(`1`)))

	branch, e, err = l.Fork(ledger.Place{Branch: 1, Node: 3}) // of the old branch once more
	require.NoError(t, err)
	require.EqualValues(t, 3, branch)
	e.Index = int32(len(b.log) + 1)
	b.log = append(b.log, e)
	l = b.open()
	for _, key := range []string{"a", "b"} {
		n, err = l.Memo([]byte(key))
		require.NoError(t, err)
		require.Equal(t, `"`+key+`"`, string(n.Payload))
	}
	_, _, err = l.Fork(ledger.Place{Branch: 4, Node: 1})
	require.ErrorContains(t, err, "unknown")
}

func TestInvocationMayRestWhenItHeardAllAndWaits(t *testing.T) {
	t.Parallel()
	b := &book{T: t}
	l := b.open()
	require.False(t, l.Idle(), "it has asked for nothing")
	n, index := b.wait(l, sleep("s", "1s"))
	require.True(t, l.Idle())
	b.meet(l, index, 0, "")
	require.False(t, l.Idle())
	n.Tell()
	require.False(t, l.Idle(), "what it asked for last has come")
	b.wait(l, sleep("s", "2s"))
	require.True(t, l.Idle())
}
