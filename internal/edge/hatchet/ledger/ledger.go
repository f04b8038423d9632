// Package ledger keeps what a durable task of the Hatchet wire has done: operations that
// are numbered anew by each invocation, on branches.
//
// It owns how these are written in the native log of a task, and in which order the ends of
// what is waited for are told. It reads and writes nothing itself. It promises that an
// invocation that does what the ones before did is given what they were given, in the
// same order, and that one that does something else is told so.
package ledger

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// Place is where an operation stands: the node counts the operations of an invocation from
// 1 on.
type Place struct {
	Branch int64
	Node   int64
}

// Node is an operation.
type Node struct {
	Place
	kind kind
	hash string

	entry int32 // of the log that says so; 0 = none yet
	asked bool  // by this invocation
	told  bool  // its end, to this invocation
	order int64 // of its end among those of the task; 0 = it has not ended

	Child      id.ID  // of a run: the child
	Payload    []byte // of a memo that is complete: its value; of a wait that is over: what it gives
	conditions []core.Condition
	keys       []sought   // of conditions; of a run, its own
	mets       []core.Met // until it ends
}

// Complete tells whether a memo has a value.
func (n *Node) Complete() bool { return n.kind == memo && n.entry > 0 }

// Recorded tells whether the log has the node.
func (n *Node) Recorded() bool { return n.entry > 0 }

// Mismatch says that an invocation does something else than the one before it did.
type Mismatch struct {
	Place
	Expected, Received string
}

func (m *Mismatch) Error() string {
	return fmt.Sprintf("non-determinism error at node %d:%d\nexpected: %s\nreceived: %s", m.Node, m.Branch, m.Expected, m.Received)
}

// Ledger is what one invocation goes by.
type Ledger struct {
	entries int32 // how many the log has, with those that are on their way
	points  []point
	branch  int64 // the newest
	last    int64 // node that was asked for

	nodes    map[Place]*Node
	byEntry  map[int32]*Node
	signals  map[string]*Node // waits that are known by a key, on no branch
	children map[string]*Node // by key, on the branches of this invocation
	told     int              // of ends: these at least, from the first on
	ends     []*Node          // of those that this invocation can be told: in the order that they came
}

// point is where a branch begins.
type point struct {
	node, parent, branch int64
}

// Open reads the log of a task, with what was met of its waits.
func Open(log []core.Entry, mets []core.Met) *Ledger {
	l := &Ledger{
		entries: int32(len(log)), branch: 1,
		nodes: map[Place]*Node{}, byEntry: map[int32]*Node{}, children: map[string]*Node{}, signals: map[string]*Node{},
	}
	for i := range log {
		l.read(&log[i])
	}
	for _, n := range l.nodes {
		if n.kind == run && n.Branch == l.branchOf(n.Node) {
			l.children[n.key()] = n
		}
	}
	delete(l.children, "")
	of := map[int32][]core.Met{}
	for i := range mets {
		of[mets[i].Index] = append(of[mets[i].Index], mets[i])
	}
	for index, n := range l.byEntry {
		for i := range of[index] {
			l.meet(n, &of[index][i])
		}
	}
	slices.SortFunc(l.ends, func(a, b *Node) int { return cmp.Compare(a.order, b.order) })
	return l
}

// branchOf is the branch that a node is on.
func (l *Ledger) branchOf(node int64) int64 {
	branch := l.branch
	for i := len(l.points) - 1; i >= 0; i-- { // a branch begins on an older one
		if p := &l.points[i]; p.branch == branch && node < p.node {
			branch = p.parent
		}
	}
	return branch
}

// next is the place of the next operation.
func (l *Ledger) next() Place {
	l.last++
	return Place{l.branchOf(l.last), l.last}
}

// find is the node at a place, or a new one. It must be of that kind, and of that hash.
func (l *Ledger) find(at Place, k kind, hash string) (*Node, error) {
	n := l.nodes[at]
	if n == nil {
		n = &Node{Place: at, kind: k, hash: hash}
		l.nodes[at] = n
	}
	if n.kind != k || n.hash != hash {
		return nil, &Mismatch{at, n.text(), (&Node{kind: k, hash: hash}).text()}
	}
	n.asked = true
	return n, nil
}

func (n *Node) text() string { return n.kind.String() + " " + n.hash }

// record is the next entry of the log, of n.
func (l *Ledger) record(n *Node, e core.NewEntry) *core.NewEntry {
	l.entries++
	e.Index = l.entries
	n.entry, n.conditions = e.Index, slices.Clone(e.Conditions)
	l.byEntry[e.Index] = n
	return &e
}

// Memo is the next operation: a value under a key.
func (l *Ledger) Memo(key []byte) (*Node, error) {
	return l.find(l.next(), memo, digest(key))
}

// Complete gives a memo its value, unless it has one: then there is no entry.
func (l *Ledger) Complete(n *Node, value []byte) *core.NewEntry {
	if n.Complete() {
		return nil
	}
	n.Payload = value
	name, data := memoEntry(n, value)
	return l.record(n, core.NewEntry{Kind: core.EntryStep, Name: name, Data: data})
}

// Settled notes when an entry was recorded: its times count from then. It is the node of
// that entry, or nil.
func (l *Ledger) Settled(entry int32, at core.Time) *Node {
	n := l.byEntry[entry]
	if n == nil {
		return nil
	}
	for i := range n.conditions {
		if c := &n.conditions[i]; c.ForMS > 0 {
			c.Due, c.ForMS = at+core.Time(c.ForMS), 0
		}
	}
	return n
}

// Times are when those come that n waits for.
func (n *Node) Times() (times []core.Time) {
	if n.order != 0 {
		return nil
	}
	for i := range n.conditions {
		if c := &n.conditions[i]; c.Kind == core.OnSleep && c.Due > 0 {
			times = append(times, c.Due)
		}
	}
	return times
}

// At is the node at a place that this invocation asked for; nil if there is none.
func (l *Ledger) At(at Place) *Node {
	if n := l.nodes[at]; n != nil && n.asked {
		return n
	}
	return nil
}

// waits tells whether the last thing that this invocation asked for has not come.
func (l *Ledger) waits() bool {
	n := l.nodes[Place{l.branchOf(l.last), l.last}]
	return n != nil && n.kind != memo && n.order == 0
}

// Idle tells whether nothing was told to this invocation that it may not have heard, and
// the last thing that it asked for has not come: it may rest until something does.
func (l *Ledger) Idle() bool {
	for _, n := range l.ends[l.told:] {
		if n.asked && !n.told {
			return false
		}
	}
	return l.waits()
}

// Met notes that a condition of a wait is met.
func (l *Ledger) Met(m *core.Met) {
	if n := l.byEntry[m.Index]; n != nil {
		l.meet(n, m)
	}
}

// Next is the next node whose end the invocation is to be told, if it has asked for it:
// the one that ended first of those that it was not told. With loosely the order does not
// count.
func (l *Ledger) Next(loosely bool) *Node {
	for l.told < len(l.ends) && l.ends[l.told].told {
		l.told++
	}
	for _, n := range l.ends[l.told:] {
		switch {
		case n.told:
		case n.asked:
			return n
		case !loosely:
			return nil
		}
	}
	return nil
}

// Order is the number of the end of n, from 1: the same for each invocation on a branch.
func (l *Ledger) Order(n *Node) int64 { return int64(slices.Index(l.ends, n) + 1) }

// Tell notes that the invocation was told the end of n.
func (n *Node) Tell() { n.told = true }

func (l *Ledger) untell(n *Node) { n.told, l.told = false, 0 }

// Untold has the ends of nodes at some places be told again.
func (l *Ledger) Untold(places []Place) {
	for _, at := range places {
		if n := l.At(at); n != nil {
			l.untell(n)
		}
	}
}

// Fork is the branch that begins at a node of another one, and the entry that says so.
func (l *Ledger) Fork(from Place) (int64, core.Entry, error) {
	if from.Branch < 1 || from.Branch > l.branch {
		return 0, core.Entry{}, fmt.Errorf("branch %d is unknown, there are 1 to %d", from.Branch, l.branch)
	}
	if from.Node < 1 {
		return 0, core.Entry{}, fmt.Errorf("node %d is unknown, they begin with 1", from.Node)
	}
	branch := l.branch + 1
	return branch, core.Entry{Kind: core.EntryPatch, Name: branchName(point{from.Node, from.Branch, branch})}, nil
}
