package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/adzehq/adze"
)

// marks are the statuses of tasks in a drawing.
var marks = map[adze.Status]string{
	adze.Waiting: "·", adze.Delayed: "◷", adze.Queued: "○", adze.Running: "▶",
	adze.Succeeded: "✓", adze.Failed: "✗", adze.Cancelled: "⊘", adze.Skipped: "↷",
}

// taskErrorRunesMax fits the error of a task into its line.
const taskErrorRunesMax = 80

// printTasks draws the tasks of a run with where each stands.
func printTasks(s *screen, tasks []adze.TaskInfo) error {
	if len(tasks) == 0 {
		return nil
	}
	var all, handlers []drawn
	for i := range tasks {
		t := &tasks[i]
		one := drawn{name: t.Name, parents: t.Parents, mark: s.mark(t.Status), text: standing(t)}
		if t.Role == "" {
			all = append(all, one)
		} else {
			handlers = append(handlers, one)
		}
	}
	_, err := fmt.Fprint(s.to, indented(all), indented(handlers))
	return err
}

// indented draws tasks a little to the right, with an empty line before them.
func indented(tasks []drawn) string {
	if len(tasks) == 0 {
		return ""
	}
	return "\n  " + strings.Join(drawGraph(tasks), "\n  ") + "\n"
}

// mark is the sign of a status, in its colour.
func (s *screen) mark(status adze.Status) string {
	colour := map[adze.Status]string{
		adze.Succeeded: "32", adze.Failed: "31", adze.Cancelled: "33", adze.Running: "36",
	}[status]
	if colour == "" {
		return marks[status]
	}
	return s.paint(colour, marks[status])
}

// standing says where a task stands.
func standing(t *adze.TaskInfo) string {
	text := fmt.Sprintf("%-9s", t.Status)
	begin := t.StartedAt
	if begin.IsZero() {
		begin = t.AssignedAt
	}
	if !begin.IsZero() && !t.FinishedAt.IsZero() {
		text += "  " + t.FinishedAt.Sub(begin).Round(time.Millisecond).String()
	}
	if t.Attempt > 1 {
		text += fmt.Sprintf("  attempt %d", t.Attempt)
	}
	if len(t.WaitsFor) > 0 {
		text += "  for " + awaited(t.WaitsFor)
	}
	if t.Error != "" {
		text += "  " + firstLine(t.Error, taskErrorRunesMax)
	}
	return text
}

// awaited says what a task waits for: alternatives together.
func awaited(waits []adze.WaitInfo) string {
	var groups []string
	for i, w := range waits {
		text := "event " + w.Event
		switch {
		case !w.Until.IsZero():
			text = clockTime(w.Until)
		case w.Scope != "":
			text += " of " + w.Scope
		}
		if i > 0 && waits[i-1].Group == w.Group {
			groups[len(groups)-1] += " or " + text
		} else {
			groups = append(groups, text)
		}
	}
	return strings.Join(groups, " and ")
}
