package tail

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// Place is a row's place in what its task writes. Tokens ascend from one assignment of
// the task to the next. The zero Place is before all.
type Place struct {
	Token core.Token
	Seq   int32
}

func (p Place) before(other Place) bool {
	return cmp.Or(cmp.Compare(p.Token, other.Token), cmp.Compare(p.Seq, other.Seq)) < 0
}

// cursor is how far a reader has come: the place in each task that has written.
//
// As text it is the node of the task, the token and the number, to base 36 and with
// dots between; with commas between tasks. It is opaque to readers.
type cursor struct {
	tasks []Task
	marks []mark // by ascending node
}

type mark struct {
	node  int
	place Place
}

const base = 36

// node is the index of task; -1 if there is none.
func (c *cursor) node(task id.ID) int {
	if len(c.tasks) > 0 { // ids of the tasks of a run are consecutive
		if at := int(task - c.tasks[0].ID); at >= 0 && at < len(c.tasks) {
			return at
		}
	}
	return -1
}

func (c *cursor) find(task id.ID) (at int, found bool) {
	return slices.BinarySearchFunc(c.marks, c.node(task), func(m mark, node int) int { return cmp.Compare(m.node, node) })
}

// at is the place in task.
func (c *cursor) at(task id.ID) Place {
	if at, found := c.find(task); found {
		return c.marks[at].place
	}
	return Place{}
}

func (c *cursor) move(task id.ID, place Place) {
	at, found := c.find(task)
	if !found {
		c.marks = slices.Insert(c.marks, at, mark{node: c.node(task)})
	}
	c.marks[at].place = place
}

func (c *cursor) String() string {
	var text []byte
	for i, m := range c.marks {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, int64(m.node), base)
		text = append(text, '.')
		text = strconv.AppendInt(text, int64(m.place.Token), base)
		text = append(text, '.')
		text = strconv.AppendInt(text, int64(m.place.Seq), base)
	}
	return string(text)
}

// parseCursor reads a cursor of the run with these tasks; an empty text is its start.
func parseCursor(tasks []Task, text string) (*cursor, error) {
	c := &cursor{tasks: tasks}
	if text == "" {
		return c, nil
	}
	for one := range strings.SplitSeq(text, ",") {
		m, ok := parseMark(one)
		if !ok || m.node >= len(tasks) || len(c.marks) > 0 && c.marks[len(c.marks)-1].node >= m.node {
			return nil, fault.New(fault.Invalid, "after", "is no cursor of this run: pass the cursor of a chunk or line as it came, or nothing")
		}
		c.marks = append(c.marks, m)
	}
	return c, nil
}

func parseMark(text string) (m mark, ok bool) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return m, false
	}
	node, err1 := strconv.ParseInt(parts[0], base, 32)
	token, err2 := strconv.ParseInt(parts[1], base, 64)
	seq, err3 := strconv.ParseInt(parts[2], base, 32)
	if err1 != nil || err2 != nil || err3 != nil || node < 0 || token <= 0 || seq < 0 {
		return m, false
	}
	return mark{int(node), Place{core.Token(token), int32(seq)}}, true
}
