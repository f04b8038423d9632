package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"text/tabwriter"
	"time"
)

// indentJSON writes what a command tells, for programs and for people.
func indentJSON(to io.Writer, told any) error {
	encoder := json.NewEncoder(to)
	encoder.SetIndent("", "  ")
	return encoder.Encode(told)
}

// atMost bounds a list.
type atMost int // 0 = all of it

// Validate is called with the flag.
func (n atMost) Validate() error {
	if n < 0 {
		return errors.New("must not be negative; 0 is for all")
	}
	return nil
}

// ago is a flag that says how long ago something was.
type ago struct{ time.Duration } // 0 = any time

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *ago) UnmarshalText(text []byte) (err error) {
	if a.Duration, err = time.ParseDuration(string(text)); err != nil || a.Duration < 0 {
		return errors.New("is not how long ago; write it as 90s, 1h30m or 24h")
	}
	return nil
}

// before is when that was; zero for any time.
func (a ago) before(now time.Time) time.Time {
	if a.Duration == 0 {
		return time.Time{}
	}
	return now.Add(-a.Duration)
}

// orBlank leaves out what is zero: nothing was said of it.
func orBlank[T comparable](v T) string {
	var none T
	if v == none {
		return ""
	}
	return fmt.Sprint(v)
}

// listing is how a list is printed: a table for people, or a line of JSON for each.
type listing struct {
	json  bool
	head  string // of the table, tabs between the columns
	limit atMost // rows
}

// first gives the first n.
func first[T any](n atMost, all iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		given := atMost(0)
		for one, err := range all {
			if !yield(one, err) {
				return
			}
			if given++; given == n {
				return
			}
		}
	}
}

// list prints all, for people as row writes it.
func list[T any](to io.Writer, how listing, all iter.Seq2[T, error], row func(to io.Writer, one *T)) error {
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	if !how.json {
		fmt.Fprintln(table, how.head)
	}
	for one, err := range first(how.limit, all) {
		if err != nil {
			return err
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
