package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/adzehq/adze/internal/bench"
)

// benchCmd measures this machine. It needs no engine: it starts its own.
type benchCmd struct {
	Mode    []string `help:"Modes to run, comma-separated; all if empty. ${bench_modes}" placeholder:"NAME"`
	Wire    string   `enum:"native,hatchet" default:"native" help:"What the load speaks to the engine: native, or hatchet. ${bench_wires}"`
	Driver  string   `help:"The program that loads the engine with --wire hatchet, instead of the one in the source tree." type:"existingfile" placeholder:"FILE"`
	Quick   bool     `help:"Short loads and small backlogs; all modes within two minutes."`
	JSON    string   `name:"json" help:"Write the figures to this file." type:"path" placeholder:"FILE"`
	Chart   string   `help:"Draw the time of a task by the depth of its queue, of the modes keys and classic, to this SVG file." type:"path" placeholder:"FILE"`
	Figures string   `help:"Measure nothing: take the figures from this file, which --json wrote." type:"path" placeholder:"FILE"`
}

func (c *benchCmd) Run(e *env) error {
	report, err := c.measure(e)
	if len(report) == 0 {
		return err
	}
	fmt.Fprintln(e.stdout)
	return errors.Join(err, report.WriteTable(e.stdout), c.write(report))
}

func (c *benchCmd) measure(e *env) (bench.Report, error) {
	if c.Figures != "" {
		return bench.ReadJSON(c.Figures)
	}
	return bench.Run(e.ctx, bench.Options{Wire: c.Wire, Driver: c.Driver, Modes: c.Mode, Quick: c.Quick, Log: os.Stderr})
}

// write keeps the figures in the files that were asked for.
func (c *benchCmd) write(report bench.Report) error {
	var failures []error
	if c.JSON != "" {
		failures = append(failures, report.WriteJSON(c.JSON))
	}
	if c.Chart != "" {
		failures = append(failures, report.WriteChart(c.Chart))
	}
	return errors.Join(failures...)
}

// benchWires is the part of the help that lists the modes that the other wire has.
func benchWires() string {
	return "The latter is a program on the official Go SDK, client and worker in one process, built from the source tree, with these modes: " +
		modesOf(bench.WireHatchet)
}

// benchModes is the part of the help that lists the modes.
func benchModes() string { return modesOf(bench.WireNative) }

func modesOf(wire string) string {
	names, says := bench.Modes(wire)
	lines := make([]string, len(names))
	for i := range names {
		lines[i] = names[i] + ": " + says[i]
	}
	return strings.Join(lines, "; ") + "."
}
