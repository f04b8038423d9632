package main

import (
	"fmt"
	"io"
	"time"

	"github.com/adzehq/adze"
)

type batchCmd struct {
	List batchListCmd `cmd:"" help:"List what was set of batches, by task."`
	Set  batchSetCmd  `cmd:"" help:"Change when batches of a task go, whatever it declares."`
	Drop batchDropCmd `cmd:"" help:"Take back what was set: what is declared counts again."`
}

type batchListCmd struct {
	connection
	JSON bool `name:"json" help:"One JSON object a line."`
}

// Run prints a table for people, or a line of JSON a setting; what is blank is as declared.
func (c *batchListCmd) Run(e *env) error {
	client, err := c.dial(e)
	if err != nil {
		return err
	}
	defer client.Close()
	how := listing{json: c.JSON, head: "TASK\tKEY\tSIZE\tBYTES\tINTERVAL\tCONCURRENCY"}
	return list(e.stdout, how, client.BatchSettings(e.ctx), func(to io.Writer, b *adze.BatchSettingInfo) {
		fmt.Fprintf(to, "%s\t%s\t%s\t%s\t%s\t%s\n", b.Task, b.Key, orBlank(b.Size), orBlank(b.Bytes), orBlank(b.Interval), orBlank(b.Concurrency))
	})
}

type batchSetCmd struct {
	connection
	Task        string         `arg:"" help:"The task's name; WORKFLOW:TASK of a task of a workflow."`
	Key         string         `help:"For batches of this key only."`
	Size        *int           `help:"So many runs at most; 0 as declared."`
	Bytes       *int           `help:"So many bytes of inputs at most; 0 as declared."`
	Interval    *time.Duration `help:"A batch goes when a run has waited so long; 0s as declared."`
	Concurrency *int           `help:"So many batches of a key at a time; 0 as declared."`
}

// Run says nothing when all is well.
func (c *batchSetCmd) Run(e *env) error {
	return c.call(e, func(client *adze.Client) error {
		return client.SetBatch(e.ctx, c.Task, adze.BatchSetting{
			Key: c.Key, Size: c.Size, Bytes: c.Bytes, Interval: c.Interval, Concurrency: c.Concurrency,
		})
	})
}

type batchDropCmd struct{ dropFlags }

// Run says nothing when all is well.
func (c *batchDropCmd) Run(e *env) error { return c.by(e, (*adze.Client).DropBatch) }
