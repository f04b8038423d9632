package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/adzehq/adze"
)

// dataRunesMax is how much of what an entry holds fits into its line.
const dataRunesMax = 80

type runsLogCmd struct {
	connection
	ID   string `arg:"" name:"run" help:"The run's id."`
	Task string `help:"Of a run of several tasks: the one whose log it is."`
	JSON bool   `name:"json" help:"As JSON, to be replayed against new code by adzetest.Replay."`
}

// Run prints the log, or all that is needed to replay it.
func (c *runsLogCmd) Run(e *env) error {
	client, run, err := c.dialAbout(e, c.ID)
	if err != nil {
		return err
	}
	defer client.Close()
	history, err := client.HistoryOf(e.ctx, run, c.Task)
	if err != nil {
		return err
	}
	if !c.JSON {
		return printLog(e.stdout, &adze.RunInfo{Log: history.Log})
	}
	return indentJSON(e.stdout, history)
}

// printLog writes a line for each entry of the log of a durable task, with what met a
// wait beneath it, and then its children.
func printLog(to io.Writer, r *adze.RunInfo) error {
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	if len(r.Log) > 0 {
		fmt.Fprintln(table, "\nLOG\tAT\tKIND\tNAME\tGAVE")
	}
	for _, e := range r.Log {
		gave := string(e.Data)
		switch {
		case e.Error != "":
			gave = "failed: " + e.Error
		case e.Kind == "wait" && len(e.Mets) == 0:
			gave = "waiting"
		case e.Kind == "wait":
			gave = metBy(e.Mets)
		}
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\n", e.Index, clockTime(e.At), e.Kind, e.Name, firstLine(gave, dataRunesMax))
	}
	if len(r.Children) > 0 {
		fmt.Fprintln(table, "\nCHILD\tKEY")
	}
	for _, c := range r.Children {
		fmt.Fprintf(table, "%s\t%s\n", c.ID, c.Key)
	}
	return table.Flush()
}

// metBy says what came of a wait.
func metBy(mets []adze.MetInfo) string {
	parts := make([]string, len(mets))
	for i, m := range mets {
		parts[i] = clockTime(m.At)
		if len(m.Data) > 0 {
			parts[i] += " " + string(m.Data)
		}
	}
	return strings.Join(parts, ", ")
}

type signalCmd struct {
	connection
	ID      string `arg:"" name:"run" help:"The run's id."`
	Name    string `arg:"" help:"What the run waits for."`
	Payload string `short:"p" default:"null" placeholder:"JSON" help:"The payload: JSON, @FILE, or - for standard input; null if there is none."`
}

// Run stores the signal.
func (c *signalCmd) Run(e *env) error {
	payload, err := readInput(c.Payload, e.stdin)
	if err != nil {
		return err
	}
	return eachID(e, &c.connection, []string{c.ID}, func(client *adze.Client, run adze.ID) error {
		return client.Signal(e.ctx, run, c.Name, payload)
	})
}

type forkCmd struct {
	connection
	ID    string `arg:"" name:"run" help:"Id of a run of a durable task."`
	Step  string `xor:"place" help:"Run again from the first entry of this name in its log."`
	Entry int    `xor:"place" help:"Run again from this entry of its log, counted from 1."`
	Input string `short:"i" placeholder:"JSON" help:"Another input: JSON, @FILE, or - for standard input."`
}

// Run prints the id of the new run.
func (c *forkCmd) Run(e *env) error {
	var options []adze.ForkOption
	switch {
	case c.Step != "":
		options = append(options, adze.FromStep(c.Step))
	case c.Entry != 0:
		options = append(options, adze.FromEntry(c.Entry))
	}
	if c.Input != "" {
		input, err := readInput(c.Input, e.stdin)
		if err != nil {
			return err
		}
		options = append(options, adze.WithInput(input))
	}
	return eachID(e, &c.connection, []string{c.ID}, func(client *adze.Client, run adze.ID) error {
		fresh, err := client.Fork(e.ctx, run, options...)
		if err == nil {
			fmt.Fprintln(e.stdout, fresh)
		}
		return err
	})
}
