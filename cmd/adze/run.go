package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/internal/base/fault"
)

// inputBytesMax is more than any engine takes: what is larger is not even read.
const inputBytesMax = 64 << 20

type runCmd struct {
	connection
	Workflow     string        `arg:"" help:"The workflow's name."`
	Input        string        `short:"i" default:"null" placeholder:"JSON" help:"The input: JSON, @FILE, or - for standard input; null if there is none."`
	Metadata     string        `placeholder:"JSON" help:"A JSON object to keep with the run."`
	Priority     int32         `default:"0" help:"-1000 to 1000; a higher one goes first."`
	Delay        time.Duration `help:"Start no sooner than so long from now."`
	Once         string        `placeholder:"KEY" help:"Start only if no other run holds this idempotency key."`
	HeldFor      time.Duration `default:"24h" help:"With --once: how long the run holds the key."`
	HeldUntilEnd bool          `help:"With --once: the run holds the key until it ends."`
	OnCollision  string        `enum:"reject,existing,replace" default:"reject" help:"With --once: what becomes of the run if another one holds the key: ${enum}."`
	Wait         bool          `short:"w" help:"Wait for the result and print it; exit code 3 if the run does not succeed."`
}

// once says how the run holds its key, and what becomes of it if another one does.
func (c *runCmd) once() []adze.OnceOption {
	options := []adze.OnceOption{adze.HeldFor(c.HeldFor)}
	if c.HeldUntilEnd {
		options = []adze.OnceOption{adze.HeldUntilEnd()}
	}
	switch c.OnCollision {
	case "existing":
		options = append(options, adze.OrExisting())
	case "replace":
		options = append(options, adze.OrReplace())
	}
	return options
}

// runEndedError says that a run which was waited for did not succeed.
type runEndedError struct{ *adze.RunError }

func (e *runEndedError) Unwrap() error { return e.RunError }

// Run prints the id of the run or, with --wait, its output.
func (c *runCmd) Run(e *env) error {
	input, err := readInput(c.Input, e.stdin)
	if err != nil {
		return err
	}
	options := []adze.RunOption{adze.Priority(int(c.Priority)), adze.Delay(c.Delay)}
	if c.Metadata != "" {
		metadata, err := metadataOption(c.Metadata)
		if err != nil {
			return err
		}
		options = append(options, metadata)
	}
	if c.Once != "" {
		options = append(options, adze.Once(c.Once, c.once()...))
	}
	client, err := c.dial(e)
	if err != nil {
		return err
	}
	defer client.Close()
	task := adze.NewTask[json.RawMessage, json.RawMessage](c.Workflow, nil)
	run, err := task.Run(e.ctx, client, input, options...)
	if err != nil {
		return err
	}
	if !c.Wait {
		fmt.Fprintln(e.stdout, run.ID)
		return nil
	}
	output, err := run.Result(e.ctx)
	var ended *adze.RunError
	if errors.As(err, &ended) {
		return &runEndedError{ended}
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "%s\n", output)
	return nil
}

func metadataOption(text string) (adze.RunOption, error) {
	if !json.Valid([]byte(text)) {
		return nil, fault.New(fault.Invalid, "metadata", `is not JSON; write it as '{"key": "value"}'`)
	}
	return adze.Metadata(json.RawMessage(text)), nil
}

// readInput takes JSON from where arg says.
func readInput(arg string, stdin io.Reader) (json.RawMessage, error) {
	input := []byte(arg)
	var err error
	switch {
	case arg == "-":
		input, err = io.ReadAll(io.LimitReader(stdin, inputBytesMax))
	case arg != "" && arg[0] == '@':
		input, err = os.ReadFile(arg[1:])
	}
	if err != nil {
		return nil, fmt.Errorf("read input: %w", err)
	}
	if !json.Valid(input) {
		return nil, fault.New(fault.Invalid, "input", "is not JSON; text needs quotes of its own, like --input '\"text\"'")
	}
	return input, nil
}
