package main

import (
	"fmt"

	"github.com/adzehq/adze"
)

type cancelCmd struct {
	connection
	IDs    []string `arg:"" name:"run" help:"Ids of the runs."`
	Tree   bool     `help:"And all that they started, and so on."`
	Reason string   `default:"cancelled with the adze command" help:"Why, for people; part of the run's error."`
}

// Run cancels one run after the other. A run that has ended stays as it is.
func (c *cancelCmd) Run(e *env) error {
	return eachID(e, &c.connection, c.IDs, func(client *adze.Client, run adze.ID) error {
		cancel := client.Cancel
		if c.Tree {
			cancel = client.CancelTree
		}
		if err := cancel(e.ctx, run, c.Reason); err != nil {
			return err
		}
		fmt.Fprintln(e.stdout, "cancelling", run)
		return nil
	})
}

type replayCmd struct {
	connection
	IDs        []string `arg:"" name:"run" help:"Ids of runs that have ended."`
	FromFailed bool     `name:"from-failed" help:"Of workflows: keep what succeeded, and run what has to run again."`
}

// Run prints the ids of the new runs.
func (c *replayCmd) Run(e *env) error {
	return eachID(e, &c.connection, c.IDs, func(client *adze.Client, run adze.ID) error {
		replay := client.Replay
		if c.FromFailed {
			replay = client.ReplayFailed
		}
		fresh, err := replay(e.ctx, run)
		if err != nil {
			return err
		}
		fmt.Fprintln(e.stdout, fresh)
		return nil
	})
}
