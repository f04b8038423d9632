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

type eventCmd struct {
	Push   eventPushCmd   `cmd:"" help:"Push an event."`
	List   eventListCmd   `cmd:"" help:"List events, newest first."`
	Get    eventGetCmd    `cmd:"" help:"Show all of one event."`
	Replay eventReplayCmd `cmd:"" help:"Push events again."`
}

type eventPushCmd struct {
	connection
	Key      string `arg:"" help:"What happened, like user.created."`
	Payload  string `short:"p" default:"null" placeholder:"JSON" help:"The payload: JSON, @FILE, or - for standard input; null if there is none."`
	Scope    string `help:"Which filters are asked."`
	Metadata string `placeholder:"JSON" help:"A JSON object to keep with the event and its runs."`
	Priority int32  `default:"0" help:"Of the runs: -1000 to 1000; a higher one goes first."`
	JSON     bool   `name:"json" help:"As JSON."`
}

// Run prints the id of the event, and those of the runs that it started.
func (c *eventPushCmd) Run(e *env) error {
	payload, err := readInput(c.Payload, e.stdin)
	if err != nil {
		return err
	}
	options := []adze.EventOption{adze.Priority(int(c.Priority)), adze.Scope(c.Scope)}
	if c.Metadata != "" {
		metadata, err := metadataOption(c.Metadata)
		if err != nil {
			return err
		}
		options = append(options, metadata)
	}
	client, err := c.dial(e)
	if err != nil {
		return err
	}
	defer client.Close()
	pushed, err := client.Push(e.ctx, c.Key, payload, options...)
	if err != nil {
		return err
	}
	return printPushed(e.stdout, []adze.Pushed{*pushed}, c.JSON)
}

// pushedJSON is what came of an event, as the command prints it.
type pushedJSON struct {
	Event   adze.ID   `json:"event"`
	Runs    []adze.ID `json:"runs"`
	Warning string    `json:"warning,omitempty"`
}

func printPushed(to io.Writer, all []adze.Pushed, asJSON bool) error {
	for _, p := range all {
		if asJSON {
			out := pushedJSON{p.ID, append([]adze.ID{}, p.Runs...), p.Warning}
			if err := json.NewEncoder(to).Encode(out); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintln(to, p.ID)
		for _, run := range p.Runs {
			fmt.Fprintln(to, "  started", run)
		}
		if p.Warning != "" {
			fmt.Fprintln(to, "  warning:", strings.ReplaceAll(p.Warning, "\n", "\n           "))
		}
	}
	return nil
}

type eventListCmd struct {
	connection
	Key   string `help:"With this key only."`
	Since ago    `placeholder:"DURATION" help:"Pushed no longer ago than this."`
	Limit atMost `short:"n" default:"20" help:"At most so many; 0 for all."`
	JSON  bool   `name:"json" help:"One JSON object a line."`
}

// Run prints a table for people, or a line of JSON an event.
func (c *eventListCmd) Run(e *env) error {
	client, err := c.dial(e)
	if err != nil {
		return err
	}
	defer client.Close()
	query := adze.EventQuery{Key: c.Key, Since: c.Since.before(time.Now())}
	how := listing{json: c.JSON, head: "EVENT\tKEY\tSCOPE\tPUSHED\tRUNS\tWARNING", limit: c.Limit}
	return list(e.stdout, how, client.Events(e.ctx, query), func(to io.Writer, event *adze.EventInfo) {
		fmt.Fprintf(to, "%s\t%s\t%s\t%s\t%s\t%s\n", event.ID, firstLine(event.Key, 40), firstLine(event.Scope, 20),
			clockTime(event.PushedAt), runsOf(event), firstLine(event.Warning, 60))
	})
}

// runsOf counts the runs of an event by their status: "2 succeeded, 1 failed".
func runsOf(e *adze.EventInfo) string {
	count := map[adze.Status]int{}
	for _, run := range e.Runs {
		count[run.Status]++
	}
	var parts []string
	for _, status := range []adze.Status{adze.Queued, adze.Delayed, adze.Running, adze.Succeeded, adze.Failed, adze.Cancelled} {
		if n := count[status]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, status))
		}
	}
	if e.MoreRuns {
		parts = append(parts, "and more")
	}
	return strings.Join(parts, ", ")
}

type eventGetCmd struct {
	connection
	ID   string `arg:"" name:"event" help:"The event's id."`
	JSON bool   `name:"json" help:"As JSON."`
}

// Run prints all that is known of an event.
func (c *eventGetCmd) Run(e *env) error {
	client, event, err := c.dialAbout(e, c.ID)
	if err != nil {
		return err
	}
	defer client.Close()
	info, err := client.GetEvent(e.ctx, event)
	if err != nil {
		return err
	}
	if c.JSON {
		return indentJSON(e.stdout, info)
	}
	return printEvent(e.stdout, info)
}

// printEvent writes a line for each thing that is known.
func printEvent(to io.Writer, e *adze.EventInfo) error {
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(table, "%s\t%s\n", name, value)
		}
	}
	line("event", e.ID.String())
	line("key", e.Key)
	line("scope", e.Scope)
	line("pushed", clockTime(e.PushedAt))
	line("priority", fmt.Sprint(e.Priority))
	if e.ReplayOf != 0 {
		line("replay of", e.ReplayOf.String())
	}
	line("metadata", string(e.Metadata))
	line("payload", string(e.Payload))
	for _, warning := range strings.Split(e.Warning, "\n") {
		line("warning", warning)
	}
	for _, run := range e.Runs {
		line("started", fmt.Sprintf("%s  %s  %s", run.ID, run.Task, run.Status))
	}
	if e.MoreRuns {
		line("started", "and more")
	}
	return table.Flush()
}

type eventReplayCmd struct {
	connection
	IDs  []string `arg:"" name:"event" help:"Ids of events."`
	JSON bool     `name:"json" help:"One JSON object a line."`
}

// Run prints the new events, all or none.
func (c *eventReplayCmd) Run(e *env) error {
	events, err := parseIDs(c.IDs)
	if err != nil {
		return err
	}
	client, err := c.dial(e)
	if err != nil {
		return err
	}
	defer client.Close()
	pushed, err := client.ReplayEvents(e.ctx, events...)
	if err != nil {
		return err
	}
	return printPushed(e.stdout, pushed, c.JSON)
}
