package main

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"text/tabwriter"
)

// indentJSON writes what a command tells, for programs and for people.
func indentJSON(to io.Writer, told any) error {
	encoder := json.NewEncoder(to)
	encoder.SetIndent("", "  ")
	return encoder.Encode(told)
}

// listing is how a list is printed: a table for people, or a line of JSON for each.
type listing struct {
	json  bool
	head  string // of the table, tabs between the columns
	limit int    // rows at most; 0 = all
}

// list prints all, for people as row writes it.
func list[T any](to io.Writer, how listing, all iter.Seq2[T, error], row func(to io.Writer, one *T)) error {
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	if !how.json {
		fmt.Fprintln(table, how.head)
	}
	rows := 0
	for one, err := range all {
		if err != nil {
			return err
		}
		if rows++; how.limit > 0 && rows > how.limit {
			break
		}
		if !how.json {
			row(table, &one)
			continue
		}
		if err := json.NewEncoder(to).Encode(&one); err != nil {
			return err
		}
	}
	return table.Flush()
}
