package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/adzehq/adze/internal/bench"
)

// benchCmd measures this machine. It needs no engine: it starts its own.
type benchCmd struct {
	Mode  []string `help:"Modes to run, comma-separated; all if empty. ${bench_modes}" placeholder:"NAME"`
	Quick bool     `help:"Short loads and small backlogs; all modes within two minutes."`
	JSON  string   `name:"json" help:"Write the figures to this file." type:"path" placeholder:"FILE"`
}

func (c *benchCmd) Run(e *env) error {
	report, err := bench.Run(e.ctx, bench.Options{Modes: c.Mode, Quick: c.Quick, Log: os.Stderr})
	if len(report) > 0 {
		fmt.Fprintln(e.stdout)
		if err := report.WriteTable(e.stdout); err != nil {
			return err
		}
		if c.JSON != "" {
			if err := report.WriteJSON(c.JSON); err != nil {
				return err
			}
		}
	}
	return err
}

// benchModes is the part of the help that lists the modes.
func benchModes() string {
	names, says := bench.Modes()
	lines := make([]string, len(names))
	for i := range names {
		lines[i] = names[i] + ": " + says[i]
	}
	return strings.Join(lines, "; ") + "."
}
