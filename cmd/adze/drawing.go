package main

import (
	"slices"
	"strings"
)

// drawn is a task in a drawing of a graph.
type drawn struct {
	name    string
	parents []string
	mark    string // one column wide
	text    string // what stands behind the name
}

// drawGraph draws tasks from top to bottom, each with a line down to those that wait
// for it, and their names in a column of their own:
//
//	● charge
//	├─╮
//	│ ● pack
//	├─╯
//	● ship
func drawGraph(tasks []drawn) []string {
	d := newDrawing(tasks)
	for _, i := range d.inOrder() {
		d.add(i)
	}
	return d.lines()
}

// free is a column without a line.
const free = -1

// drawing is a graph that is drawn from top to bottom.
type drawing struct {
	tasks   []drawn
	parents [][]int
	left    []int // by task: how many wait for it and are not drawn
	columns []int // the task whose line goes down there, or free
	rows    []drawnRow
}

type drawnRow struct {
	lines string
	width int // of lines on the screen: a mark may have colours
	task  int // free: there are only lines
}

func newDrawing(tasks []drawn) *drawing {
	d := &drawing{tasks: tasks, parents: make([][]int, len(tasks)), left: make([]int, len(tasks))}
	places := make(map[string]int, len(tasks))
	for i := range tasks {
		places[tasks[i].name] = i
	}
	for i := range tasks {
		for _, name := range tasks[i].parents {
			if parent, known := places[name]; known {
				d.parents[i] = append(d.parents[i], parent)
				d.left[parent]++
			}
		}
	}
	return d
}

// inOrder gives each task after its parents, else as they come. What is in a cycle is
// left out.
func (d *drawing) inOrder() []int {
	order := make([]int, 0, len(d.tasks))
	placed := make([]bool, len(d.tasks))
	for progress := true; progress; {
		progress = false
		for i := range d.tasks {
			if !placed[i] && !slices.ContainsFunc(d.parents[i], func(p int) bool { return !placed[p] }) {
				placed[i], progress = true, true
				order = append(order, i)
			}
		}
	}
	return order
}

// add draws the task at place i below all that was drawn.
func (d *drawing) add(i int) {
	var from []int // columns of the parents
	for _, parent := range d.parents[i] {
		d.left[parent]--
		from = append(from, slices.Index(d.columns, parent))
	}
	own := d.column(from)
	if len(from) > 0 {
		d.rows = append(d.rows, drawnRow{d.join(from, own), 2 * len(d.columns), free})
	}
	for _, column := range from {
		if d.left[d.columns[column]] == 0 {
			d.columns[column] = free
		}
	}
	d.columns[own] = i
	d.rows = append(d.rows, drawnRow{d.node(own), 2 * len(d.columns), i})
	if d.left[i] == 0 {
		d.columns[own] = free
	}
}

// column is where a task stands whose parents are in the columns from: below one for
// which nobody else waits, or where there is room.
func (d *drawing) column(from []int) int {
	own := free
	for _, column := range from {
		if d.left[d.columns[column]] == 0 && (own == free || column < own) {
			own = column
		}
	}
	if own == free {
		own = slices.Index(d.columns, free)
	}
	if own == free {
		own = len(d.columns)
		d.columns = append(d.columns, free)
	}
	return own
}

// Where the lines of a corner go.
const (
	up = 1 << iota
	down
	left
	right
)

var corners = map[int]string{
	0:                        " ",
	up | down:                "│",
	left | right:             "─",
	up | right:               "╰",
	up | left:                "╯",
	up | left | right:        "┴",
	down | right:             "╭",
	down | left:              "╮",
	down | left | right:      "┬",
	up | down | right:        "├",
	up | down | left:         "┤",
	up | down | left | right: "┼",
}

// join draws the lines from the columns from to the column own.
func (d *drawing) join(from []int, own int) string {
	first, last := min(own, slices.Min(from)), max(own, slices.Max(from))
	var b strings.Builder
	for column, task := range d.columns {
		parent := slices.Contains(from, column)
		lines := 0
		if task != free {
			lines |= up
		}
		if column == own || task != free && !(parent && d.left[task] == 0) {
			lines |= down
		}
		if column > first && column <= last {
			lines |= left
		}
		if column >= first && column < last {
			lines |= right
		}
		if task != free && !parent && column != own {
			lines &^= left | right // another's line, which the join passes behind
		}
		b.WriteString(corners[lines])
		b.WriteString(map[bool]string{true: "─", false: " "}[column >= first && column < last])
	}
	return b.String()
}

// node draws the row of the task in the column own.
func (d *drawing) node(own int) string {
	var b strings.Builder
	for column, task := range d.columns {
		switch {
		case column == own:
			b.WriteString(d.tasks[task].mark)
		case task != free:
			b.WriteString("│")
		default:
			b.WriteString(" ")
		}
		b.WriteString(" ")
	}
	return b.String()
}

// lines puts names and texts beside the rows, in columns of their own.
func (d *drawing) lines() []string {
	wide, nameWide := 2*len(d.columns), 0
	for i := range d.tasks {
		nameWide = max(nameWide, len(d.tasks[i].name))
	}
	lines := make([]string, len(d.rows))
	for i, row := range d.rows {
		if row.task == free {
			lines[i] = strings.TrimRight(row.lines, " ")
			continue
		}
		t := &d.tasks[row.task]
		name := t.name + strings.Repeat(" ", nameWide-len(t.name)+2)
		lines[i] = row.lines + strings.Repeat(" ", wide-row.width) + strings.TrimRight(name+t.text, " ")
	}
	return lines
}
