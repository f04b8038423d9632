package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/adzehq/adze"
)

type workerCmd struct {
	List   workerListCmd   `cmd:"" help:"List the workers that are connected, or expected back."`
	Pause  workerPauseCmd  `cmd:"" help:"Give workers nothing new; what they run goes on."`
	Drain  workerDrainCmd  `cmd:"" help:"Give workers nothing new, and wait until they run nothing."`
	Resume workerResumeCmd `cmd:"" help:"Give paused workers tasks again."`
}

type workerListCmd struct {
	connection
	JSON bool `name:"json" help:"One JSON object a line."`
}

// Run prints a table for people, or a line of JSON a worker.
func (c *workerListCmd) Run(e *env) error {
	client, err := c.dial(e)
	if err != nil {
		return err
	}
	defer client.Close()
	workers, err := client.Workers(e.ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		encoder := json.NewEncoder(e.stdout)
		for i := range workers {
			if err := encoder.Encode(&workers[i]); err != nil {
				return err
			}
		}
		return nil
	}
	table := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "WORKER\tNAME\tSTATE\tRUNNING\tSLOTS\tLABELS\tACTIONS")
	for i := range workers {
		printWorker(table, &workers[i])
	}
	return table.Flush()
}

func printWorker(table *tabwriter.Writer, w *adze.WorkerInfo) {
	state := "connected"
	switch {
	case !w.AwayUntil.IsZero():
		state = "away"
	case w.Paused:
		state = "paused"
	}
	if w.Tenant != "" {
		state += ", of " + w.Tenant
	}
	var slots, labels []string
	for _, s := range w.Slots {
		slots = append(slots, strings.TrimSpace(fmt.Sprintf("%d/%d %s", s.Used, s.Max, s.Type)))
	}
	for _, key := range slices.Sorted(maps.Keys(w.Labels)) {
		labels = append(labels, key+"="+w.Labels[key])
	}
	running := fmt.Sprint(w.Running)
	if w.Guests > 0 {
		running += fmt.Sprintf(", %d of guests", w.Guests)
	}
	fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", w.ID, w.Name, state, running,
		strings.Join(slots, ", "), strings.Join(labels, " "), strings.Join(w.Actions, " "))
}

type workerPauseCmd struct {
	connection
	Workers []string `arg:"" help:"Their ids."`
}

// Run says nothing when all is well.
func (c *workerPauseCmd) Run(e *env) error {
	return eachID(e, &c.connection, c.Workers, func(client *adze.Client, worker adze.ID) error {
		return client.PauseWorker(e.ctx, worker)
	})
}

type workerDrainCmd struct {
	connection
	Workers []string      `arg:"" help:"Their ids."`
	Timeout time.Duration `help:"Give up after so long; the workers stay paused. 0 = never." default:"0"`
}

// Run says nothing when all is well.
func (c *workerDrainCmd) Run(e *env) error {
	ctx := e.ctx
	if c.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.Timeout)
		defer cancel()
	}
	return eachID(e, &c.connection, c.Workers, func(client *adze.Client, worker adze.ID) error {
		return client.DrainWorker(ctx, worker)
	})
}

type workerResumeCmd struct {
	connection
	Workers []string `arg:"" help:"Their ids."`
}

// Run says nothing when all is well.
func (c *workerResumeCmd) Run(e *env) error {
	return eachID(e, &c.connection, c.Workers, func(client *adze.Client, worker adze.ID) error {
		return client.ResumeWorker(e.ctx, worker)
	})
}
