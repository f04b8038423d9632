package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/adzehq/adze"
)

type runsCmd struct {
	List runsListCmd `cmd:"" help:"List runs, newest first."`
	Get  runsGetCmd  `cmd:"" help:"Show all of one run."`
	Log  runsLogCmd  `cmd:"" help:"Show what a run of a durable task did."`
}

type runsListCmd struct {
	connection
	Workflow string   `help:"Of this workflow only."`
	Status   []string `enum:"waiting,delayed,queued,running,succeeded,failed,cancelled" help:"In these statuses only: ${enum}."`
	Since    ago      `placeholder:"DURATION" help:"Submitted no longer ago than this."`
	Limit    atMost   `short:"n" default:"20" help:"At most so many; 0 for all."`
	JSON     bool     `name:"json" help:"One JSON object a line."`
}

// Run prints a table for people, or a line of JSON a run.
func (c *runsListCmd) Run(e *env) error {
	client, err := c.dial(e)
	if err != nil {
		return err
	}
	defer client.Close()
	filter := adze.Filter{Task: c.Workflow, Since: c.Since.before(time.Now())}
	for _, s := range c.Status {
		filter.Statuses = append(filter.Statuses, adze.Status(s))
	}
	table := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	if !c.JSON {
		fmt.Fprintln(table, "RUN\tWORKFLOW\tSTATUS\tATTEMPT\tSUBMITTED\tTOOK\tERROR")
	}
	for run, err := range first(c.Limit, client.List(e.ctx, filter)) {
		if err != nil {
			return err
		}
		if c.JSON {
			if err := json.NewEncoder(e.stdout).Encode(asJSON(&run)); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
			run.ID, run.Task, run.Status, attempt(run.Attempt), clockTime(run.SubmittedAt), took(&run), firstLine(run.Error, 60))
	}
	return table.Flush()
}

type runsGetCmd struct {
	connection
	ID   string `arg:"" name:"run" help:"The run's id."`
	JSON bool   `name:"json" help:"As JSON."`
}

// Run prints all that is known of a run.
func (c *runsGetCmd) Run(e *env) error {
	client, run, err := c.dialAbout(e, c.ID)
	if err != nil {
		return err
	}
	defer client.Close()
	info, err := client.Get(e.ctx, run)
	if err != nil {
		return err
	}
	if c.JSON {
		return indentJSON(e.stdout, asJSON(info))
	}
	if err := printRun(e.stdout, info); err != nil {
		return err
	}
	if err := printTasks(newScreen(e.stdout), info.Tasks); err != nil {
		return err
	}
	return printLog(e.stdout, info)
}

// heldKey is the idempotency key that a run holds, and until when.
func heldKey(r *adze.RunInfo) string {
	if r.Once == "" || r.OnceHeld.IsZero() {
		return r.Once
	}
	return r.Once + " until " + clockTime(r.OnceHeld)
}

// printRun writes a line for each thing that is known.
func printRun(to io.Writer, r *adze.RunInfo) error {
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(table, "%s\t%s\n", name, value)
		}
	}
	line("run", r.ID.String())
	line("workflow", r.Task)
	line("status", string(r.Status))
	if len(r.Tasks) == 0 {
		line("attempt", attempt(r.Attempt))
	}
	line("priority", fmt.Sprint(r.Priority))
	if r.ReplayOf != 0 {
		line("replay of", r.ReplayOf.String())
	}
	if r.Event != 0 {
		line("event", r.Event.String())
	}
	if r.ParentID != 0 {
		line("child of", r.ParentID.String())
	}
	line("key", heldKey(r))
	line("submitted", clockTime(r.SubmittedAt))
	line("not before", clockTime(r.RunAt))
	line("assigned", clockTime(r.AssignedAt))
	line("started", clockTime(r.StartedAt))
	line("finished", clockTime(r.FinishedAt))
	line("took", took(r))
	line("metadata", string(r.Metadata))
	line("input", string(r.Input))
	line("output", string(r.Output))
	for _, a := range r.Attempts {
		line(fmt.Sprintf("attempt %d", a.Number),
			fmt.Sprintf("%s %s: %s", clockTime(a.FinishedAt), a.Outcome, firstLine(a.Error, 200)))
	}
	for i := range r.Moments {
		line("on its way", happened(&r.Moments[i]))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if r.Error != "" { // it may have lines of its own: a stack
		fmt.Fprintf(to, "error:\n%s\n", r.Error)
	}
	return nil
}

// happened says what happened to an attempt.
func happened(m *adze.MomentInfo) string {
	text := fmt.Sprintf("%s attempt %d ", clockTime(m.At), m.Attempt)
	switch m.Kind {
	case adze.MomentPostponed:
		return text + fmt.Sprintf("may run until %s, %s longer", clockTime(m.Deadline), m.By)
	case adze.MomentReleased:
		return text + "gave its slots back"
	case adze.MomentSuspended:
		return text + "gave its worker back, to wait"
	}
	return text + string(m.Kind)
}

// runJSON is a run as the command prints it.
type runJSON struct {
	Run         adze.ID          `json:"run"`
	Workflow    string           `json:"workflow"`
	Status      adze.Status      `json:"status"`
	Attempt     int              `json:"attempt"`
	Priority    int              `json:"priority"`
	SubmittedAt time.Time        `json:"submitted_at"`
	RunAt       time.Time        `json:"run_at,omitzero"`
	AssignedAt  time.Time        `json:"assigned_at,omitzero"`
	StartedAt   time.Time        `json:"started_at,omitzero"`
	FinishedAt  time.Time        `json:"finished_at,omitzero"`
	ReplayOf    adze.ID          `json:"replay_of,omitzero"`
	Event       adze.ID          `json:"event,omitzero"`
	Error       string           `json:"error,omitempty"`
	Metadata    json.RawMessage  `json:"metadata,omitempty"`
	Input       json.RawMessage  `json:"input,omitempty"`
	Output      json.RawMessage  `json:"output,omitempty"`
	Attempts    []attemptJSON    `json:"attempts,omitempty"`
	Moments     []momentJSON     `json:"moments,omitempty"`
	Tasks       []adze.TaskInfo  `json:"tasks,omitempty"`
	ParentID    adze.ID          `json:"parent_id,omitzero"`
	Log         []adze.EntryInfo `json:"log,omitempty"`
	Children    []adze.ChildInfo `json:"children,omitempty"`
	Once        string           `json:"once,omitempty"`
	OnceHeld    time.Time        `json:"once_held,omitzero"`
}

type attemptJSON struct {
	Number     int       `json:"number"`
	Outcome    string    `json:"outcome"`
	AssignedAt time.Time `json:"assigned_at,omitzero"`
	StartedAt  time.Time `json:"started_at,omitzero"`
	FinishedAt time.Time `json:"finished_at,omitzero"`
	RetryAt    time.Time `json:"retry_at,omitzero"`
	Error      string    `json:"error,omitempty"`
}

type momentJSON struct {
	Kind       adze.MomentKind `json:"kind"`
	At         time.Time       `json:"at"`
	Attempt    int             `json:"attempt"`
	Deadline   time.Time       `json:"deadline,omitzero"`
	ByMS       int64           `json:"by_ms,omitzero"`
	AssignedAt time.Time       `json:"assigned_at,omitzero"`
	StartedAt  time.Time       `json:"started_at,omitzero"`
}

func asJSON(r *adze.RunInfo) *runJSON {
	out := runJSON{
		Run: r.ID, Workflow: r.Task, Status: r.Status, Attempt: r.Attempt, Priority: r.Priority,
		SubmittedAt: r.SubmittedAt, RunAt: r.RunAt, AssignedAt: r.AssignedAt, StartedAt: r.StartedAt,
		FinishedAt: r.FinishedAt, ReplayOf: r.ReplayOf, Event: r.Event, Error: r.Error,
		Metadata: r.Metadata, Input: r.Input, Output: r.Output, Tasks: r.Tasks,
		ParentID: r.ParentID, Log: r.Log, Children: r.Children, Once: r.Once, OnceHeld: r.OnceHeld,
	}
	for _, a := range r.Attempts {
		out.Attempts = append(out.Attempts, attemptJSON(a))
	}
	for _, m := range r.Moments {
		out.Moments = append(out.Moments, momentJSON{
			Kind: m.Kind, At: m.At, Attempt: m.Attempt, Deadline: m.Deadline, ByMS: m.By.Milliseconds(),
			AssignedAt: m.AssignedAt, StartedAt: m.StartedAt,
		})
	}
	return &out
}

// attempt is empty for what was never given to a worker, and for runs of several
// tasks, whose tasks have attempts of their own.
func attempt(number int) string {
	if number == 0 {
		return ""
	}
	return fmt.Sprint(number)
}

// took is how long the run's last attempt took, or has taken so far.
func took(r *adze.RunInfo) string {
	begin := r.StartedAt
	if begin.IsZero() {
		begin = r.AssignedAt
	}
	if begin.IsZero() || r.FinishedAt.IsZero() {
		return ""
	}
	return r.FinishedAt.Sub(begin).Round(time.Millisecond).String()
}

func clockTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05.000")
}

// firstLine fits a text into a table.
func firstLine(s string, runesMax int) string {
	s, _, _ = strings.Cut(s, "\n")
	if runes := []rune(s); len(runes) > runesMax {
		return string(runes[:runesMax-1]) + "…"
	}
	return s
}
