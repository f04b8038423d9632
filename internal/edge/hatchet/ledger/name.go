package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
)

// kind is what an operation is.
type kind uint8

const (
	memo kind = iota + 1
	wait
	run
)

var kinds = [...]string{"", "memo", "wait", "run"}

func (k kind) String() string { return kinds[k] }

// An entry's name says what it is: branch:node:kind:hash, and more of some kinds. A value
// that is no JSON is stored as the JSON text of its bytes, under rawMemo.
const (
	rawMemo  = "rawmemo"
	branches = "branch"
	signals  = "signal"
)

// hashBytes is how much of a SHA-256 tells operations apart.
const hashBytes = 16

// digest is the hash of parts, each by itself.
func digest(parts ...[]byte) string {
	sum := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(sum, "%d:", len(part))
		sum.Write(part)
	}
	return hex.EncodeToString(sum.Sum(nil)[:hashBytes])
}

func (n *Node) name(kind string, more ...string) string {
	parts := append([]string{strconv.FormatInt(n.Branch, 10), strconv.FormatInt(n.Node, 10), kind, n.hash}, more...)
	name := strings.TrimRight(strings.Join(parts, ":"), ":")
	if len(name) > admit.EntryNameBytesMax {
		name = strings.ToValidUTF8(name[:admit.EntryNameBytesMax], "")
	}
	return name
}

func branchName(p point) string {
	return fmt.Sprintf("%s:%d:%d:%d", branches, p.branch, p.parent, p.node)
}

// memoEntry is the name and the data of an entry of a memo.
func memoEntry(n *Node, value []byte) (string, core.Payload) {
	var compact bytes.Buffer
	if json.Compact(&compact, value) == nil {
		return n.name(memo.String()), core.Payload(value)
	}
	data, _ := json.Marshal(value) // bytes never fail
	return n.name(rawMemo), data
}

// read takes in an entry. Those that are not of this package are left alone.
func (l *Ledger) read(e *core.Entry) {
	if key, is := strings.CutPrefix(e.Name, signals+":"); is {
		n := &Node{kind: wait, hash: key, entry: e.Index, conditions: e.Conditions}
		_ = json.Unmarshal(e.Data, &n.keys) // what Signal wrote
		l.signals[key], l.byEntry[n.entry] = n, n
		return
	}
	parts := strings.SplitN(e.Name, ":", 5)
	if len(parts) < 4 {
		return
	}
	if parts[0] == branches {
		l.readPoint(parts[1:])
		return
	}
	branch, err := strconv.ParseInt(parts[0], 10, 64)
	node, err2 := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || err2 != nil {
		return
	}
	n := &Node{Place: Place{branch, node}, hash: parts[3], entry: e.Index, conditions: e.Conditions}
	switch parts[2] {
	case memo.String():
		n.kind, n.Payload = memo, e.Data
	case rawMemo:
		n.kind = memo
		_ = json.Unmarshal(e.Data, &n.Payload) // what memoEntry wrote
	case wait.String():
		n.kind = wait
		_ = json.Unmarshal(e.Data, &n.keys) // what Wait wrote
	case run.String():
		if len(e.Conditions) != 1 || len(e.Conditions[0].Runs) != 1 {
			return
		}
		n.kind, n.Child = run, e.Conditions[0].Runs[0]
		if len(parts) == 5 {
			n.keys = []sought{{Key: parts[4]}}
		}
	default:
		return
	}
	if before := l.nodes[n.Place]; before != nil {
		return // the first counts
	}
	l.nodes[n.Place] = n
	l.byEntry[n.entry] = n
}

func (l *Ledger) readPoint(parts []string) {
	var numbers [3]int64
	for i := range numbers {
		var err error
		if numbers[i], err = strconv.ParseInt(parts[i], 10, 64); err != nil {
			return
		}
	}
	l.branch = max(l.branch, numbers[0])
	l.points = append(l.points, point{branch: numbers[0], parent: numbers[1], node: numbers[2]})
}
