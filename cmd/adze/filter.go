package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/adzehq/adze"
)

type filterCmd struct {
	Add    filterAddCmd    `cmd:"" help:"Add a filter of a workflow."`
	List   filterListCmd   `cmd:"" help:"List filters, oldest first."`
	Delete filterDeleteCmd `cmd:"" help:"Delete filters."`
}

type filterAddCmd struct {
	connection
	Workflow string `arg:"" help:"Whose runs events start."`
	Scope    string `arg:"" help:"Of the events that it is asked for."`
	If       string `name:"if" placeholder:"CEL" help:"Only events for which this holds, like 'event.total > filter.least'."`
	Payload  string `short:"p" placeholder:"JSON" help:"What the runs are given besides, and filter in the condition: JSON, @FILE, or - for standard input."`
}

// Run prints the id of the filter.
func (c *filterAddCmd) Run(e *env) error {
	filter := adze.EventFilter{Task: c.Workflow, Scope: c.Scope, If: c.If}
	if c.Payload != "" {
		payload, err := readInput(c.Payload, e.stdin)
		if err != nil {
			return err
		}
		filter.Payload = payload
	}
	client, err := c.dial(e)
	if err != nil {
		return err
	}
	defer client.Close()
	id, err := client.PutFilter(e.ctx, filter)
	if err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, id)
	return nil
}

type filterListCmd struct {
	connection
	Workflow string `help:"Of this workflow only."`
	JSON     bool   `name:"json" help:"One JSON object a line."`
}

// Run prints a table for people, or a line of JSON a filter.
func (c *filterListCmd) Run(e *env) error {
	client, err := c.dial(e)
	if err != nil {
		return err
	}
	defer client.Close()
	how := listing{json: c.JSON, head: "FILTER\tWORKFLOW\tSCOPE\tIF\tPAYLOAD\tCREATED"}
	return list(e.stdout, how, client.Filters(e.ctx, c.Workflow), func(to io.Writer, f *adze.EventFilter) {
		payload, _ := f.Payload.(json.RawMessage)
		fmt.Fprintf(to, "%s\t%s\t%s\t%s\t%s\t%s\n", f.ID, f.Task, firstLine(f.Scope, 20),
			firstLine(f.If, 60), firstLine(string(payload), 40), clockTime(f.CreatedAt))
	})
}

type filterDeleteCmd struct {
	connection
	IDs []string `arg:"" name:"filter" help:"Ids of the filters."`
}

// Run deletes one filter after the other.
func (c *filterDeleteCmd) Run(e *env) error {
	return eachID(e, &c.connection, c.IDs, func(client *adze.Client, filter adze.ID) error {
		if err := client.DeleteFilter(e.ctx, filter); err != nil {
			return err
		}
		fmt.Fprintln(e.stdout, "deleted", filter)
		return nil
	})
}
