package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/adzehq/adze"
)

// failureFilter is which failed runs a command is about.
type failureFilter struct {
	Workflow string `help:"Of this workflow only."`
	Task     string `help:"In which this task of the workflow failed."`
	Since    ago    `default:"24h" placeholder:"DURATION" help:"Submitted no longer ago than this; 0 for ever."`
	Until    ago    `placeholder:"DURATION" help:"Submitted longer ago than this."`
}

func (f *failureFilter) filter(now time.Time) adze.FailureFilter {
	return adze.FailureFilter{Task: f.Workflow, Node: f.Task, Since: f.Since.before(now), Until: f.Until.before(now)}
}

type failuresCmd struct {
	connection
	failureFilter
	Limit atMost `short:"n" default:"20" help:"At most so many groups; 0 for all."`
	JSON  bool   `name:"json" help:"One JSON object a line."`
}

// Run prints a table for people, or a line of JSON a group.
func (c *failuresCmd) Run(e *env) error {
	client, err := c.dial(e)
	if err != nil {
		return err
	}
	defer client.Close()
	groups, err := client.Failures(e.ctx, c.filter(time.Now()))
	if err != nil {
		return err
	}
	if c.Limit > 0 {
		groups = groups[:min(int(c.Limit), len(groups))]
	}
	return printFailures(e.stdout, groups, c.JSON)
}

func printFailures(to io.Writer, groups []adze.FailureGroup, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(to)
		for i := range groups {
			if err := encoder.Encode(&groups[i]); err != nil {
				return err
			}
		}
		return nil
	}
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "FINGERPRINT\tRUNS\tWORKFLOW\tTASK\tLAST\tSAMPLE\tERROR")
	for _, g := range groups {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
			g.Fingerprint, thousands(g.Runs), g.Task, g.Node, clockTime(g.Last), g.Sample, firstLine(g.Error, 80))
	}
	return table.Flush()
}

type redriveCmd struct {
	connection
	failureFilter
	Fingerprint string `help:"Of the error, as adze failures tells it; this or --workflow is needed."`
	Limit       atMost `short:"n" help:"At most so many runs, those submitted last; 0 for all."`
	FromFailed  bool   `name:"from-failed" help:"Of workflows: keep what succeeded, and run what has to run again."`
	Again       bool   `help:"Also runs that were replayed before."`
	DryRun      bool   `name:"dry-run" help:"Replay nothing, and say what it would be."`
	JSON        bool   `name:"json" help:"As JSON."`
}

// Run says how many runs were replayed. Broken off, it may be called again.
func (c *redriveCmd) Run(e *env) error {
	what := adze.Redrive{
		FailureFilter: c.filter(time.Now()), Limit: int(c.Limit), FromFailed: c.FromFailed, Again: c.Again, DryRun: c.DryRun,
	}
	if c.Fingerprint != "" {
		var err error
		if what.Fingerprint, err = adze.ParseFingerprint(c.Fingerprint); err != nil {
			return err
		}
	}
	client, err := c.dial(e)
	if err != nil {
		return err
	}
	defer client.Close()
	done, err := client.Redrive(e.ctx, what)
	if done != nil && (err == nil || done.Runs > 0) {
		if printErr := c.print(e.stdout, done); printErr != nil {
			return printErr
		}
	}
	return err
}

// redrivenJSON is what came of a redrive, as the command prints it.
type redrivenJSON struct {
	DryRun  bool      `json:"dry_run"`
	Runs    int       `json:"runs"`
	Skipped int       `json:"skipped"`
	Refused int       `json:"refused"`
	Refusal string    `json:"refusal,omitempty"`
	Sample  []adze.ID `json:"sample"`
}

func (c *redriveCmd) print(to io.Writer, done *adze.Redriven) error {
	refusal := ""
	if done.Refusal != nil {
		refusal = done.Refusal.Error()
	}
	if c.JSON {
		return json.NewEncoder(to).Encode(redrivenJSON{
			c.DryRun, done.Runs, done.Skipped, done.Refused, refusal, append([]adze.ID{}, done.Sample...),
		})
	}
	verb := "replayed"
	if c.DryRun {
		verb = "would replay"
	}
	fmt.Fprintf(to, "%s %s runs\n", verb, thousands(done.Runs))
	if done.Skipped > 0 {
		fmt.Fprintf(to, "skipped %s that were replayed before\n", thousands(done.Skipped))
	}
	if done.Refused > 0 {
		fmt.Fprintf(to, "%s were refused: %s\n", thousands(done.Refused), refusal)
	}
	for _, run := range done.Sample {
		fmt.Fprintln(to, "  such as", run)
	}
	return nil
}
