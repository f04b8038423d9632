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
	Workflow string        `arg:"" help:"The workflow's name."`
	Input    string        `short:"i" default:"null" placeholder:"JSON" help:"The input: JSON, @FILE, or - for standard input; null if there is none."`
	Metadata string        `placeholder:"JSON" help:"A JSON object to keep with the run."`
	Priority int32         `default:"0" help:"-1000 to 1000; a higher one goes first."`
	Delay    time.Duration `help:"Start no sooner than so long from now."`
	onceFlags
	Wait bool `short:"w" help:"Wait for the result and print it; exit code 3 if the run does not succeed."`
}

// onceFlags say which idempotency key a run holds, and how.
type onceFlags struct {
	Once         *string        `placeholder:"KEY" help:"Start only if no other run holds this idempotency key."`
	HeldFor      *time.Duration `help:"With --once: how long the run holds the key; 24h if nothing is said."`
	HeldUntilEnd bool           `help:"With --once: the run holds the key until it ends, with --held-for no longer than that."`
	OnCollision  string         `enum:",reject,existing,replace" default:"" help:"With --once: what becomes of the run if another one holds the key: reject, existing or replace."`
}

// Validate is called with the flags. An empty key is a variable that was not set: the run
// would not be held back by anything.
func (f *onceFlags) Validate() error {
	if f.Once == nil && (f.HeldFor != nil || f.HeldUntilEnd || f.OnCollision != "") {
		return errors.New("--held-for, --held-until-end and --on-collision are about a key; give it with --once")
	}
	if f.Once != nil && *f.Once == "" {
		return errors.New("--once is empty; give the key, or leave it out")
	}
	return nil
}

// options are none without a key.
func (f *onceFlags) options() []adze.RunOption {
	if f.Once == nil {
		return nil
	}
	var how []adze.OnceOption
	switch {
	case f.HeldUntilEnd && f.HeldFor != nil:
		how = append(how, adze.HeldUntilEndFor(*f.HeldFor))
	case f.HeldUntilEnd:
		how = append(how, adze.HeldUntilEnd())
	case f.HeldFor != nil:
		how = append(how, adze.HeldFor(*f.HeldFor))
	}
	switch f.OnCollision {
	case "existing":
		how = append(how, adze.OrExisting())
	case "replace":
		how = append(how, adze.OrReplace())
	}
	return []adze.RunOption{adze.Once(*f.Once, how...)}
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
	options := append(c.options(), adze.Priority(int(c.Priority)), adze.Delay(c.Delay))
	if c.Metadata != "" {
		metadata, err := metadataOption(c.Metadata)
		if err != nil {
			return err
		}
		options = append(options, metadata)
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
