package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/internal/base/fault"
)

type scheduleCmd struct {
	List    scheduleListCmd    `cmd:"" help:"List schedules, oldest first."`
	Create  scheduleCreateCmd  `cmd:"" help:"Start a run at a time, or at the times of a cron expression."`
	Move    scheduleMoveCmd    `cmd:"" help:"Let a one-off start its run at another time."`
	Delete  scheduleDeleteCmd  `cmd:"" help:"End schedules; the runs that they started go on."`
	Run     scheduleRunCmd     `cmd:"" help:"Start a run of schedules now."`
	Pause   schedulePauseCmd   `cmd:"" help:"Keep schedules from starting runs."`
	Resume  scheduleResumeCmd  `cmd:"" help:"Let paused schedules go on."`
	Preview schedulePreviewCmd `cmd:"" help:"Show the next times of a cron expression."`
}

type scheduleListCmd struct {
	connection
	Workflow string `help:"Of this workflow only."`
	Limit    atMost `short:"n" default:"100" help:"At most so many; 0 for all."`
	JSON     bool   `name:"json" help:"One JSON object a line."`
}

// Run prints a table for people, or a line of JSON a schedule.
func (c *scheduleListCmd) Run(e *env) error {
	client, err := c.dial(e)
	if err != nil {
		return err
	}
	defer client.Close()
	how := listing{json: c.JSON, head: "SCHEDULE\tWORKFLOW\tNAME\tTIMES\tNEXT\tLAST RUN\tSKIPPED", limit: c.Limit}
	return list(e.stdout, how, client.Schedules(e.ctx, adze.ScheduleFilter{Task: c.Workflow}), func(to io.Writer, s *adze.ScheduleInfo) {
		last := ""
		if s.LastRun != 0 {
			last = s.LastRun.String()
		}
		fmt.Fprintf(to, "%s\t%s\t%s\t%s\t%s\t%s\t%d\n", s.ID, s.Task, s.Name, timesOf(s), nextOf(s), last, s.Skipped)
	})
}

func timesOf(s *adze.ScheduleInfo) string {
	switch {
	case s.Expression == "":
		return "once"
	case s.Zone == "":
		return s.Expression
	}
	return s.Expression + " " + s.Zone
}

func nextOf(s *adze.ScheduleInfo) string {
	if s.Paused {
		return "paused"
	}
	return clockTime(s.Due)
}

type scheduleCreateCmd struct {
	connection
	Workflow string        `arg:"" help:"The workflow's name."`
	At       string        `placeholder:"TIME" help:"Once, at this time: 2030-01-02T15:04:05Z."`
	In       time.Duration `placeholder:"DURATION" help:"Once, so long from now."`
	Cron     string        `placeholder:"EXPRESSION" help:"At the times of an expression: five fields, six with seconds in front, @daily, @every 5m."`
	Name     string        `help:"Of a cron; one of that name is changed."`
	Zone     string        `help:"Time zone of the expression, like Europe/Berlin; UTC if it is not given."`
	Jitter   time.Duration `help:"A tick starts its run up to so much later."`
	Overlap  string        `enum:"allow,skip,queue,cancel_old" default:"allow" help:"While the run of the tick before is open: allow, skip, queue or cancel_old."`
	CatchUp  string        `enum:"last,none,all" default:"last" help:"Of ticks that were missed: last, none or all."`
	Max      int           `default:"100" help:"With --catch-up all: at most so many."`
	Input    string        `short:"i" default:"null" placeholder:"JSON" help:"The input of the runs: JSON, @FILE, or - for standard input."`
	Metadata string        `placeholder:"JSON" help:"A JSON object to keep with the runs."`
	Priority int32         `default:"0" help:"Of the runs: -1000 to 1000; a higher one goes first."`
}

// Run prints the schedule's id.
func (c *scheduleCreateCmd) Run(e *env) error {
	input, err := readInput(c.Input, e.stdin)
	if err != nil {
		return err
	}
	runs := []adze.RunOption{adze.Priority(int(c.Priority))}
	if c.Metadata != "" {
		metadata, err := metadataOption(c.Metadata)
		if err != nil {
			return err
		}
		runs = append(runs, metadata)
	}
	at, err := c.at()
	if err != nil {
		return err
	}
	client, err := c.dial(e)
	if err != nil {
		return err
	}
	defer client.Close()
	task := adze.NewTask[json.RawMessage, json.RawMessage](c.Workflow, nil)
	var made adze.ID
	if c.Cron != "" {
		made, err = task.Cron(e.ctx, client, c.Name, c.Cron, input, c.cronOptions(runs)...)
	} else {
		made, err = task.Schedule(e.ctx, client, at, input, runs...)
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, made)
	return nil
}

// at is when a one-off starts its run.
func (c *scheduleCreateCmd) at() (at time.Time, err error) {
	given := 0
	for _, one := range []bool{c.At != "", c.In != 0, c.Cron != ""} {
		if one {
			given++
		}
	}
	switch {
	case given != 1:
		return at, fault.New(fault.Invalid, "at", "give one of --at, --in and --cron")
	case c.At != "":
		return parseTime("at", c.At)
	}
	return time.Now().Add(c.In), nil
}

func parseTime(field, text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, fault.New(fault.Invalid, field, "%q is not a time; write it as 2030-01-02T15:04:05Z or 2030-01-02T15:04:05+01:00", text)
	}
	return at, nil
}

func (c *scheduleCreateCmd) cronOptions(runs []adze.RunOption) []adze.CronOption {
	options := []adze.CronOption{adze.In(c.Zone), adze.Jitter(c.Jitter)}
	for _, o := range runs {
		options = append(options, o)
	}
	switch c.Overlap {
	case "skip":
		options = append(options, adze.SkipWhileRunning())
	case "queue":
		options = append(options, adze.QueueWhileRunning())
	case "cancel_old":
		options = append(options, adze.CancelRunning())
	}
	switch c.CatchUp {
	case "none":
		options = append(options, adze.CatchUpNone())
	case "all":
		options = append(options, adze.CatchUpAll(c.Max))
	}
	return options
}

type scheduleMoveCmd struct {
	connection
	ID string `arg:"" name:"schedule" help:"The one-off's id."`
	At string `arg:"" help:"When: 2030-01-02T15:04:05Z."`
}

// Run says where it was moved to.
func (c *scheduleMoveCmd) Run(e *env) error {
	at, err := parseTime("at", c.At)
	if err != nil {
		return err
	}
	return eachID(e, &c.connection, []string{c.ID}, func(client *adze.Client, schedule adze.ID) error {
		if err := client.MoveSchedule(e.ctx, schedule, at); err != nil {
			return err
		}
		fmt.Fprintln(e.stdout, "moved", schedule, "to", clockTime(at))
		return nil
	})
}

// scheduleIDs are the schedules that a command is about.
type scheduleIDs struct {
	connection
	IDs []string `arg:"" name:"schedule" help:"Ids of the schedules."`
}

type scheduleDeleteCmd struct{ scheduleIDs }

// Run deletes one schedule after the other.
func (c *scheduleDeleteCmd) Run(e *env) error {
	return eachID(e, &c.connection, c.IDs, func(client *adze.Client, schedule adze.ID) error {
		deleted, err := client.DeleteSchedules(e.ctx, schedule)
		if err != nil {
			return err
		}
		if !deleted[0] {
			return fault.New(fault.NotFound, "schedule", "no schedule %s", schedule)
		}
		fmt.Fprintln(e.stdout, "deleted", schedule)
		return nil
	})
}

type scheduleRunCmd struct{ scheduleIDs }

// Run prints the ids of the runs.
func (c *scheduleRunCmd) Run(e *env) error {
	return eachID(e, &c.connection, c.IDs, func(client *adze.Client, schedule adze.ID) error {
		runs, err := client.RunSchedules(e.ctx, schedule)
		if err != nil {
			return err
		}
		fmt.Fprintln(e.stdout, runs[0])
		return nil
	})
}

type schedulePauseCmd struct{ scheduleIDs }

// Run pauses one schedule after the other.
func (c *schedulePauseCmd) Run(e *env) error {
	return eachID(e, &c.connection, c.IDs, func(client *adze.Client, schedule adze.ID) error {
		if err := client.PauseSchedules(e.ctx, schedule); err != nil {
			return err
		}
		fmt.Fprintln(e.stdout, "paused", schedule)
		return nil
	})
}

type scheduleResumeCmd struct{ scheduleIDs }

// Run resumes one schedule after the other.
func (c *scheduleResumeCmd) Run(e *env) error {
	return eachID(e, &c.connection, c.IDs, func(client *adze.Client, schedule adze.ID) error {
		if err := client.ResumeSchedules(e.ctx, schedule); err != nil {
			return err
		}
		fmt.Fprintln(e.stdout, "resumed", schedule)
		return nil
	})
}

// ticksMax is how many ticks adze.PreviewCron gives.
const ticksMax = 100

type schedulePreviewCmd struct {
	Expression string `arg:"" help:"Five fields, six with seconds in front, @daily, @every 5m."`
	Zone       string `help:"Time zone, like Europe/Berlin; UTC if it is not given."`
	After      string `placeholder:"TIME" help:"Not from now, but from this time on: 2030-01-02T15:04:05Z."`
	Count      int    `short:"n" default:"10" help:"So many, at most 100."`
}

// Run asks no engine.
func (c *schedulePreviewCmd) Run(e *env) error {
	after := time.Now()
	if c.After != "" {
		var err error
		if after, err = parseTime("after", c.After); err != nil {
			return err
		}
	}
	if c.Count < 1 || c.Count > ticksMax {
		return fault.New(fault.Invalid, "count", "is %d, allowed is 1 to %d", c.Count, ticksMax)
	}
	ticks, err := adze.PreviewCron(c.Expression, c.Zone, after, c.Count)
	for _, tick := range ticks {
		fmt.Fprintln(e.stdout, tick.Format("Mon 2006-01-02 15:04:05 -07:00"))
	}
	return err
}
