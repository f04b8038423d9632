package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/adzehq/adze"
)

type rateCmd struct {
	List     rateListCmd     `cmd:"" help:"List rate limits by name, with the keys that are not full."`
	Settings rateSettingsCmd `cmd:"" help:"List how rate limits work, as was declared or set."`
	Set      rateSetCmd      `cmd:"" help:"Change how a rate limit works, whatever tasks declare."`
	Drop     rateDropCmd     `cmd:"" help:"Take back what was set: what is declared counts again."`
}

type rateListCmd struct {
	connection
	JSON bool `name:"json" help:"One JSON object a line."`
}

// Run prints a table for people, or a line of JSON a rate limit.
func (c *rateListCmd) Run(e *env) error {
	client, err := c.dial(e)
	if err != nil {
		return err
	}
	defer client.Close()
	o, err := client.Overview(e.ctx)
	if err != nil {
		return err
	}
	if !c.JSON {
		return printRates(e.stdout, o.Rates)
	}
	for i := range o.Rates {
		if err := json.NewEncoder(e.stdout).Encode(&o.Rates[i]); err != nil {
			return err
		}
	}
	return nil
}

// printRates gives each rate limit a line, and each of its keys that is not full.
func printRates(to io.Writer, rates []adze.RateInfo) error {
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "RATE\tKEY\tLIMIT\tLEFT\tPERIOD\tSINCE\tFULL IN")
	for i := range rates {
		r := &rates[i]
		fmt.Fprintf(table, "%s\t\t%d\t\t%s\t\t\n", r.Name, r.Limit, cmp.Or(period(r.Period, r.Smooth), "not known"))
		for _, k := range r.Top {
			full := "-"
			if !k.Full.IsZero() {
				full = max(time.Until(k.Full), 0).Round(time.Second / 10).String()
			}
			fmt.Fprintf(table, "\t%s\t%d\t%d\t\t%s\t%s\n", k.Key, k.Limit, k.Left, age(k.Since), full)
		}
	}
	return table.Flush()
}

type rateSettingsCmd struct {
	connection
	JSON bool `name:"json" help:"One JSON object a line."`
}

// Run prints a table for people, or a line of JSON a setting.
func (c *rateSettingsCmd) Run(e *env) error {
	client, err := c.dial(e)
	if err != nil {
		return err
	}
	defer client.Close()
	how := listing{json: c.JSON, head: "RATE\tKEY\tLIMIT\tPERIOD\tBY"}
	return list(e.stdout, how, client.RateSettings(e.ctx), func(to io.Writer, r *adze.RateSettingInfo) {
		fmt.Fprintf(to, "%s\t%s\t%d\t%s\t%s\n", r.Name, r.Key, r.Limit, period(r.Period, r.Smooth), by(r.Declared))
	})
}

// period is empty of a key that has that of all keys.
func period(d time.Duration, smooth bool) string {
	switch {
	case d == 0:
		return ""
	case smooth:
		return d.String() + " smooth"
	}
	return d.String()
}

type rateSetCmd struct {
	connection
	Name   string         `arg:"" help:"The rate limit's name; NAME#1 is the first one of task NAME."`
	Key    string         `help:"For this key only; with --limit."`
	Limit  *int           `help:"Units in each period; with 0 nothing can be drawn."`
	Period *time.Duration `help:"The period, like 1s or 24h."`
	Smooth *bool          `negatable:"" help:"Units come back one by one, not all at the end of the period."`
}

// Run says nothing when all is well.
func (c *rateSetCmd) Run(e *env) error {
	return c.call(e, func(client *adze.Client) error {
		return client.SetRate(e.ctx, c.Name, adze.RateSetting{Key: c.Key, Limit: c.Limit, Period: c.Period, Smooth: c.Smooth})
	})
}

type rateDropCmd struct{ dropFlags }

// Run says nothing when all is well.
func (c *rateDropCmd) Run(e *env) error { return c.by(e, (*adze.Client).DropRate) }
