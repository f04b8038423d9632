package main

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/adzehq/adze"
)

type limitCmd struct {
	List limitListCmd `cmd:"" help:"List how concurrency limits work, by name."`
	Set  limitSetCmd  `cmd:"" help:"Change how a concurrency limit works, whatever workflows declare."`
	Drop limitDropCmd `cmd:"" help:"Take back what was set: what is declared counts again."`
}

type limitListCmd struct {
	connection
	JSON bool `name:"json" help:"One JSON object a line."`
}

// Run prints a table for people, or a line of JSON a limit.
func (c *limitListCmd) Run(e *env) error {
	client, err := c.dial(e)
	if err != nil {
		return err
	}
	defer client.Close()
	how := listing{json: c.JSON, head: "LIMIT\tKEY\tMAX\tSTRATEGY\tAGEING\tBY"}
	return list(e.stdout, how, client.LimitSettings(e.ctx), func(to io.Writer, l *adze.LimitSettingInfo) {
		fmt.Fprintf(to, "%s\t%s\t%s\t%s\t%s\t%s\n", l.Name, l.Key, places(l.Max, l.ByRun), l.Strategy, orBlank(l.Ageing), by(l.Declared))
	})
}

// places is how many there are, where each run does not say so for its key.
func places(most int, byRun bool) string {
	if byRun {
		return "by run"
	}
	return strconv.Itoa(most)
}

// by says who said so.
func by(declared bool) string {
	if declared {
		return "workflow"
	}
	return "setting"
}

type limitSetCmd struct {
	connection
	Name     string         `arg:"" help:"The limit's name; NAME#1 is the first one of task or workflow NAME."`
	Key      string         `help:"For this key only."`
	Max      *int           `help:"So many places; with 0 nobody gets one."`
	Strategy string         `enum:",queue,fifo,cancel_running,cancel_newest,keep_newest,keep_oldest" default:"" help:"What becomes of those that find no place: queue, fifo, cancel_running, cancel_newest, keep_newest or keep_oldest."`
	Ageing   *time.Duration `help:"With queue: so long a wait for a place is worth one of priority; 0s makes priority strict."`
}

// Run says nothing when all is well.
func (c *limitSetCmd) Run(e *env) error {
	return c.call(e, func(client *adze.Client) error {
		return client.SetLimit(e.ctx, c.Name, adze.LimitSetting{Key: c.Key, Max: c.Max, Strategy: adze.Strategy(c.Strategy), Ageing: c.Ageing})
	})
}

type limitDropCmd struct{ dropFlags }

// Run says nothing when all is well.
func (c *limitDropCmd) Run(e *env) error { return c.by(e, (*adze.Client).DropLimit) }
