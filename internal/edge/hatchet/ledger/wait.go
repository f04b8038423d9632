package ledger

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// Condition is one thing that is waited for, as the wire has it, and natively.
type Condition struct {
	Key        string // under which its data is given
	Group      string // one of each suffices
	Expression string
	Sleep      string // how long; of a time
	Event      string // its key; of an event
	Native     core.Condition
}

// sought is what has to be known of a condition beside what the core knows of it.
type sought struct {
	Key   string `json:"key"`
	Sleep string `json:"sleep,omitempty"`
}

// Wait is the next operation: until conditions are met. The entry is nil if the log has
// one.
func (l *Ledger) Wait(conditions []Condition, label string) (*Node, *core.NewEntry, error) {
	conditions = slices.Clone(conditions)
	slices.SortStableFunc(conditions, func(a, b Condition) int { // as they are hashed: their order is the SDK's affair
		return cmp.Or(cmp.Compare(a.Expression, b.Expression), cmp.Compare(a.Key, b.Key),
			cmp.Compare(a.Native.Kind, b.Native.Kind), cmp.Compare(a.Sleep, b.Sleep), cmp.Compare(a.Event, b.Event))
	})
	var parts [][]byte
	for i := range conditions {
		c := &conditions[i]
		parts = append(parts, []byte(c.Expression), []byte(c.Key), []byte(strconv.Itoa(int(c.Native.Kind))), []byte(c.Sleep), []byte(c.Event))
	}
	n, err := l.find(l.next(), wait, digest(parts...))
	if err != nil || n.Recorded() {
		return n, nil, err
	}
	native, data, err := n.seek(conditions)
	if err != nil {
		return nil, nil, err
	}
	return n, l.record(n, core.NewEntry{Kind: core.EntryWait, Name: n.name(wait.String(), label), Data: data, Conditions: native}), nil
}

// Signal is a wait that is known by a key, and not by its place. The entry is nil if the
// log has one; with no conditions so is the node of one that it has not.
func (l *Ledger) Signal(key string, conditions []Condition) (*Node, *core.NewEntry, error) {
	hash := digest([]byte(key))
	if n := l.signals[hash]; n != nil || conditions == nil {
		return n, nil, nil
	}
	n := &Node{kind: wait, hash: hash}
	native, data, err := n.seek(conditions)
	if err != nil {
		return nil, nil, err
	}
	l.signals[hash] = n
	return n, l.record(n, core.NewEntry{Kind: core.EntryWait, Name: signals + ":" + hash, Data: data, Conditions: native}), nil
}

// Over tells whether a wait is over: it has its Payload then.
func (n *Node) Over() bool { return n.order != 0 }

// seek is what the core and the log are told of conditions.
func (n *Node) seek(conditions []Condition) ([]core.Condition, []byte, error) {
	native := make([]core.Condition, len(conditions))
	groups := map[string]int32{}
	n.keys = make([]sought, len(conditions))
	for i, c := range conditions {
		group, known := groups[c.Group]
		if !known {
			group = int32(len(groups))
			groups[c.Group] = group
		}
		native[i] = c.Native
		native[i].Group = group
		n.keys[i] = sought{c.Key, c.Sleep}
	}
	data, err := json.Marshal(n.keys)
	if err != nil {
		return nil, nil, fmt.Errorf("write keys of a wait: %w", err)
	}
	return native, data, nil
}

// Child is a run that is asked for.
type Child struct {
	Workflow string
	Input    []byte
	Key      string // under which it is found again; empty = by its place alone
	Indexed  bool   // the key is a number that the SDK counts: another child under it is an error
}

// Run is the next operation: a child. It is on its way already if it has been asked for by
// its key, at its old place; then that is where the invocation stands, at least.
func (l *Ledger) Run(c *Child) (*Node, error) {
	hash, key := digest([]byte(c.Workflow), c.Input), ""
	if c.Key != "" {
		key = digest([]byte(c.Key))
	}
	if there := l.children[key]; key != "" && there != nil {
		if c.Indexed && there.hash != hash {
			return nil, &Mismatch{there.Place, there.text(), (&Node{kind: run, hash: hash}).text()}
		}
		l.last = max(l.last, there.Node)
		there.asked = true
		l.untell(there) // it is waited for once more
		return there, nil
	}
	n, err := l.find(l.next(), run, hash)
	if err != nil {
		return nil, err
	}
	n.keys = []sought{{Key: key}}
	if key != "" {
		l.children[key] = n
	}
	return n, nil
}

func (n *Node) key() string {
	if n.kind != run || len(n.keys) == 0 {
		return ""
	}
	return n.keys[0].Key
}

// Born gives a node of Run its child, and is the entry that waits for its end.
func (l *Ledger) Born(n *Node, child id.ID) *core.NewEntry {
	n.Child = child
	return l.record(n, core.NewEntry{
		Kind: core.EntryWait, Name: n.name(run.String(), n.key()),
		Conditions: []core.Condition{{Kind: core.OnRuns, Runs: []id.ID{child}}},
	})
}

// Drop forgets a node of Run that has no child.
func (l *Ledger) Drop(n *Node) {
	delete(l.nodes, n.Place)
	if l.children[n.key()] == n {
		delete(l.children, n.key())
	}
}

// meet notes what was met of a node, and that it ended if that was the last.
func (l *Ledger) meet(n *Node, m *core.Met) {
	again := slices.ContainsFunc(n.mets, func(other core.Met) bool { return other.Condition == m.Condition })
	if n.order != 0 || n.kind == memo || again || int(m.Condition) >= len(n.conditions) {
		return
	}
	n.mets = append(n.mets, *m)
	if !core.Fulfilled(&core.Entry{Index: m.Index, Conditions: n.conditions}, n.mets) {
		return
	}
	n.order = m.Order
	if n.kind == wait {
		n.Payload = n.given()
	}
	n.mets = nil
	if n.Branch == l.branchOf(n.Node) {
		l.ends = append(l.ends, n)
	}
}

// given is what a wait gives: of each of its keys, what met the conditions that have it.
func (n *Node) given() []byte {
	of := map[string][]json.RawMessage{}
	for i := range n.mets {
		m := &n.mets[i]
		if int(m.Condition) >= len(n.keys) {
			continue
		}
		key, data := n.keys[m.Condition], json.RawMessage(m.Data)
		if n.conditions[m.Condition].Kind == core.OnSleep {
			data, _ = json.Marshal(map[string]string{"sleep_duration": key.Sleep}) // texts never fail
		}
		if len(data) == 0 {
			data = json.RawMessage("{}")
		}
		of[key.Key] = append(of[key.Key], data)
	}
	payload, err := json.Marshal(map[string]any{"CREATE": of})
	if err != nil { // an event's payload is JSON: it was admitted
		return []byte(`{"CREATE":{}}`)
	}
	return payload
}
