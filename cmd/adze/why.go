package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/adzehq/adze"
)

type whyCmd struct {
	connection
	ID   string `arg:"" name:"run" help:"The run's id."`
	JSON bool   `name:"json" help:"As JSON."`
}

// Run says why a run is not done yet, of each of its tasks.
func (c *whyCmd) Run(e *env) error {
	client, run, err := c.dialAbout(e, c.ID)
	if err != nil {
		return err
	}
	defer client.Close()
	told, err := client.Why(e.ctx, run)
	if err != nil {
		return err
	}
	if c.JSON {
		return indentJSON(e.stdout, told)
	}
	if told.Ended {
		fmt.Fprintf(e.stdout, "%s has ended; adze runs get %s tells how\n", run, run)
		return nil
	}
	for i := range told.Reasons {
		printReason(e.stdout, told, &told.Reasons[i])
	}
	return nil
}

func printReason(to io.Writer, told *adze.Explanation, r *adze.Reason) {
	name := told.Workflow
	if r.Task != "" {
		name = r.Task
	}
	fmt.Fprintf(to, "%s (%s): %s\n", name, strings.ReplaceAll(string(r.Cause), "_", " "), r.Text)
}

type topCmd struct {
	connection
	JSON bool `name:"json" help:"As JSON."`
}

// Run shows where queues and limits stand.
func (c *topCmd) Run(e *env) error {
	client, err := c.dial(e)
	if err != nil {
		return err
	}
	defer client.Close()
	o, err := client.Overview(e.ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return indentJSON(e.stdout, o)
	}
	return printOverview(e.stdout, o)
}

// topKeys is how many keys of a queue or limit are shown.
const topKeys = 3

func printOverview(to io.Writer, o *adze.Overview) error {
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "QUEUE\tREADY\tOLDEST\tIN/MIN\tOUT/MIN\tDRAINS IN\tWORKERS\tSLOTS\tKEYS\tDEEPEST")
	for i := range o.Queues {
		q := &o.Queues[i]
		name := q.Name
		if q.Paused {
			name += " (paused)"
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%.0f\t%.0f\t%s\t%d\t%d/%d\t%d\t%s\n", name, q.Ready, age(q.Since),
			q.InPerMinute, q.OutPerMinute, orDash(q.Drain), q.Workers, q.SlotsUsed, q.Slots, q.Keys, deepest(q.Top))
	}
	if len(o.Limits) > 0 {
		fmt.Fprintln(table, "\nLIMIT\tMAX\tSTRATEGY\tTAKEN\tWAITING\tKEYS\tDEEPEST")
	}
	for i := range o.Limits {
		l := &o.Limits[i]
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%d\t%s\n", l.Name, places(l.Max, l.ByRun), l.Strategy, l.Held, l.Waiting, l.Keys, deepest(l.Top))
	}
	return table.Flush()
}

// age is how long ago that was.
func age(since time.Time) string {
	if since.IsZero() {
		return "-"
	}
	return time.Since(since).Round(time.Second / 10).String()
}

func orDash(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return d.Round(time.Second / 10).String()
}

// deepest names the keys that have most waiting.
func deepest(top []adze.KeyInfo) string {
	var parts []string
	for _, k := range top[:min(len(top), topKeys)] {
		if k.Key != "" && k.Waiting > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", k.Key, k.Waiting))
		}
	}
	return strings.Join(parts, ", ")
}
