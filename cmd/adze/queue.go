package main

import (
	"fmt"
	"io"
	"time"

	"github.com/adzehq/adze"
)

type queueCmd struct {
	Settings queueSettingsCmd `cmd:"" help:"List how queues work of which something was declared or set."`
	Set      queueSetCmd      `cmd:"" help:"Change how a queue works, whatever workflows declare."`
	Drop     queueDropCmd     `cmd:"" help:"Take back what was set: what is declared counts again."`
	Pause    queuePauseCmd    `cmd:"" help:"Let no task of a queue begin."`
	Resume   queueResumeCmd   `cmd:"" help:"Let a paused queue go on."`
}

type queueSettingsCmd struct {
	connection
	JSON bool `name:"json" help:"One JSON object a line."`
}

// Run prints a table for people, or a line of JSON a queue.
func (c *queueSettingsCmd) Run(e *env) error {
	client, err := c.dial(e)
	if err != nil {
		return err
	}
	defer client.Close()
	how := listing{json: c.JSON, head: "QUEUE\tKEY\tWEIGHT\tSHARED\tAGEING\tSPREAD\tPAUSED\tBY"}
	return list(e.stdout, how, client.QueueSettings(e.ctx), printQueue)
}

func printQueue(table io.Writer, q *adze.QueueSettingInfo) {
	weight, shared := "", "by task"
	if q.Key != "" {
		weight, shared = fmt.Sprint(q.Weight), ""
	} else if q.ByCost {
		shared = "by cost"
	}
	paused := ""
	if q.Paused {
		paused = "paused"
		if q.PausedTTL > 0 {
			paused += ", ttl " + q.PausedTTL.String()
		}
	}
	fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", q.Name, q.Key, weight, shared, orBlank(q.Ageing), orBlank(q.Spread), paused, by(q.Declared))
}

type queueSetCmd struct {
	connection
	Name   string         `arg:"" help:"The queue's name; that of its action if it has none of its own."`
	Key    string         `help:"For this key only; with --weight."`
	Weight *float64       `help:"The share of a key beside others: 0.001 to 1000, 1 if it is not set."`
	ByCost *bool          `negatable:"" help:"Keys share the time of the workers, instead of taking turns task by task."`
	Spread *int           `help:"Each key is dealt so many workers; 0 for all."`
	Ageing *time.Duration `help:"So long a wait is worth one of priority; 0s makes priority strict."`
}

// Run says nothing when all is well.
func (c *queueSetCmd) Run(e *env) error {
	return setQueue(e, &c.connection, c.Name, adze.QueueSetting{Key: c.Key, Weight: c.Weight, ByCost: c.ByCost, Ageing: c.Ageing, Spread: c.Spread})
}

func setQueue(e *env, c *connection, name string, to adze.QueueSetting) error {
	return c.call(e, func(client *adze.Client) error { return client.SetQueue(e.ctx, name, to) })
}

type queueDropCmd struct{ dropFlags }

// Run says nothing when all is well.
func (c *queueDropCmd) Run(e *env) error { return c.by(e, (*adze.Client).DropQueue) }

type queuePauseCmd struct {
	connection
	Name string        `arg:"" help:"The queue's name."`
	TTL  time.Duration `name:"ttl" help:"Cancel what has waited so long while it is paused; 0 to let it wait."`
}

// Run says nothing when all is well.
func (c *queuePauseCmd) Run(e *env) error {
	return setQueue(e, &c.connection, c.Name, adze.QueueSetting{Paused: new(true), PausedTTL: &c.TTL})
}

type queueResumeCmd struct {
	connection
	Name string `arg:"" help:"The queue's name."`
}

// Run says nothing when all is well.
func (c *queueResumeCmd) Run(e *env) error {
	return setQueue(e, &c.connection, c.Name, adze.QueueSetting{Paused: new(false)})
}
