package main

import (
	"fmt"
	"io"
	"time"

	"github.com/adzehq/adze"
)

type onceCmd struct {
	List onceListCmd `cmd:"" help:"List what was set of idempotency and debounce keys, by workflow."`
	Set  onceSetCmd  `cmd:"" help:"Change the keys that a workflow declares, whatever it says of them."`
	Drop onceDropCmd `cmd:"" help:"Take back what was set: what is declared counts again."`
}

type onceListCmd struct {
	connection
	JSON bool `name:"json" help:"One JSON object a line."`
}

// Run prints a table for people, or a line of JSON a setting; what is blank is as declared.
func (c *onceListCmd) Run(e *env) error {
	client, err := c.dial(e)
	if err != nil {
		return err
	}
	defer client.Close()
	how := listing{json: c.JSON, head: "WORKFLOW\tKEY\tHELD\tLONGEST\tON COLLISION"}
	return list(e.stdout, how, client.OnceSettings(e.ctx), func(to io.Writer, o *adze.OnceSettingInfo) {
		fmt.Fprintf(to, "%s\t%s\t%s\t%s\t%s\n", o.Workflow, o.Key, orBlank(o.Held), orBlank(o.Longest), o.OnCollision)
	})
}

type onceSetCmd struct {
	connection
	Workflow    string         `arg:"" help:"The name of the task or workflow."`
	Key         string         `help:"For this key only."`
	Held        *time.Duration `xor:"time" help:"How long a key is held; 0s as declared."`
	Period      *time.Duration `xor:"time" help:"The pause that ends a burst, of a debounce; 0s as declared."`
	Longest     *time.Duration `help:"The longest delay of a debounce; 0s as declared."`
	OnCollision string         `enum:",reject,existing,replace" default:"" help:"What becomes of a run whose key is held: reject, existing or replace."`
}

// Run says nothing when all is well.
func (c *onceSetCmd) Run(e *env) error {
	return c.call(e, func(client *adze.Client) error {
		return client.SetOnce(e.ctx, c.Workflow, adze.OnceSetting{
			Key: c.Key, Held: c.Held, Period: c.Period, Longest: c.Longest, OnCollision: c.OnCollision,
		})
	})
}

type onceDropCmd struct{ dropFlags }

// Run says nothing when all is well.
func (c *onceDropCmd) Run(e *env) error { return c.by(e, (*adze.Client).DropOnce) }
