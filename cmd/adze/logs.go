package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/adzehq/adze"
)

type logsCmd struct {
	connection
	ID      string `arg:"" name:"run" help:"The run's id."`
	Follow  bool   `short:"f" help:"Go on with the lines to come, until the run has ended."`
	Level   string `enum:"debug,info,warn,error" default:"debug" help:"From this level on: ${enum}."`
	Grep    string `placeholder:"TEXT" help:"Only lines with this text in the message or the fields."`
	Task    string `help:"Of this task of a workflow only."`
	Attempt int    `help:"Of this attempt only."`
	Limit   atMost `short:"n" help:"At most so many lines; 0 for all."`
	JSON    bool   `name:"json" help:"One JSON object a line."`
}

// Run prints what the tasks of a run logged.
func (c *logsCmd) Run(e *env) error {
	client, run, err := c.dialAbout(e, c.ID)
	if err != nil {
		return err
	}
	defer client.Close()
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		return err
	}
	lines := client.Logs(e.ctx, run, adze.LogFilter{
		Task: c.Task, Attempt: c.Attempt, Level: level, Contains: c.Grep, Limit: int(c.Limit), Follow: c.Follow,
	})
	s := newScreen(e.stdout)
	for line, err := range lines {
		if err != nil {
			return interrupted(e, err)
		}
		if c.JSON {
			err = json.NewEncoder(e.stdout).Encode(line)
		} else {
			err = s.printLine(&line)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// printLine prints a line for people.
func (s *screen) printLine(l *adze.LogLine) error {
	colour := "36"
	switch {
	case l.Level >= slog.LevelError:
		colour = "31"
	case l.Level >= slog.LevelWarn:
		colour = "33"
	case l.Level < slog.LevelInfo:
		colour = "2"
	}
	_, err := fmt.Fprintf(s.to, "%s %s %s#%d %s", l.Time.Local().Format(time.StampMilli),
		s.paint(colour, fmt.Sprintf("%-5s", l.Level)), l.Name, l.Attempt, l.Message)
	if err == nil && len(l.Fields) > 0 {
		_, err = fmt.Fprintf(s.to, " %s", l.Fields)
	}
	if err == nil {
		_, err = fmt.Fprintln(s.to)
	}
	return err
}

type streamCmd struct {
	connection
	ID    string `arg:"" name:"run" help:"The run's id."`
	Task  string `help:"Of this task of a workflow only."`
	After string `placeholder:"CURSOR" help:"Only what comes after this cursor of a chunk."`
	JSON  bool   `name:"json" help:"One JSON object a chunk, with its cursor; the data is base64."`
}

// Run prints what the tasks of a run streamed, as it came, until the run has ended.
// That a task began anew goes to the log.
func (c *streamCmd) Run(e *env) error {
	client, run, err := c.dialAbout(e, c.ID)
	if err != nil {
		return err
	}
	defer client.Close()
	for chunk, err := range client.ReadStream(e.ctx, run, adze.StreamFrom{Task: c.Task, After: c.After}) {
		if err != nil {
			return interrupted(e, err)
		}
		if c.JSON {
			err = json.NewEncoder(e.stdout).Encode(chunk)
		} else {
			if chunk.Restarted {
				e.log.Warn("task began anew, what it streamed before is void", "task", chunk.Name, "attempt", chunk.Attempt)
			}
			_, err = e.stdout.Write(chunk.Data)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// interrupted is err, unless it is the end of what was asked to end.
func interrupted(e *env, err error) error {
	if e.ctx.Err() != nil {
		return nil
	}
	return err
}
