package adzetest

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/internal/embed"
)

// Replay calls the function of a durable task, which may be one of a workflow, against what
// a run of it recorded, and fails
// the test if the code does something else by now: then runs that are as far as this one
// would fail when their worker is updated (see [adze.Patched]). It says where:
//
//	entry 3: recorded step "charge", the code now comes to wait "event paid"
//
// Nothing is done by it: no step runs, for what was recorded is told the function instead,
// and it ends where the log does. That the code does more from there on is no departure,
// nor is another output.
//
// A history is recorded by [adze.Client.History] or `adze runs log RUN --json`.
func Replay(t testing.TB, code Code, history *adze.History) {
	t.Helper()
	if text := rehearse(t, code, history); text != "" {
		t.Error(text)
	}
}

// ReplayFile is [Replay] of a history in a file, as JSON.
func ReplayFile(t testing.TB, code Code, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("read history: %v", err)
	}
	var history adze.History
	if err := json.Unmarshal(text, &history); err != nil {
		t.Fatalf("decode history %s: %v", file, err)
	}
	Replay(t, code, &history)
}

// Code is an [adze.Task] or an [adze.Workflow].
type Code interface {
	adze.WorkerOption
	Name() string
}

// rehearsalMax is how long a function may take to come to the end of a log: it does
// nothing on the way.
const rehearsalMax = time.Minute

// departure is where the code left a log.
type departure struct {
	index         int
	expected, got string
}

// rehearse says where the code departs from a history, or nothing.
func rehearse(t testing.TB, code Code, history *adze.History) string {
	t.Helper()
	if code.Name() != history.Task {
		return fmt.Sprintf("the history is one of %s, and not of %s", history.Task, code.Name())
	}
	assigned, err := assignment(history)
	if err != nil {
		t.Fatalf("read history: %v", err)
	}
	var departed *departure
	hooks := &embed.Hooks{Rehearse: true, Departed: func(index int32, expected, got string) {
		departed = &departure{int(index), expected, got}
	}}
	stage := newStage(assigned, history.Children)
	log := slog.New(slog.DiscardHandler)
	client := adze.Embed(embed.Engine{Tenant: tenant, Shards: stage, Reader: stageReader{}, Close: func() error { return nil }}, log)
	ctx, stop := context.WithCancel(embed.WithHooks(context.Background(), hooks))
	worked := make(chan error, 1)
	go func() { worked <- client.Work(ctx, code, adze.DrainTimeout(0)) }()
	late := time.NewTimer(rehearsalMax)
	defer late.Stop()
	select {
	case <-stage.ended: // what was departed from is known
	case err = <-worked:
	case <-late.C:
		err = fmt.Errorf("the function did not come to the end of the log within %v", rehearsalMax)
	}
	stop()
	if err != nil {
		_ = client.Close()
		t.Fatalf("replay %s: %v", code.Name(), err)
	}
	if err := <-worked; err != nil {
		t.Errorf("end worker: %v", err)
	}
	_ = client.Close()
	if departed == nil {
		return ""
	}
	return departed.text(history)
}

// How much of a log is shown around a departure.
const (
	linesBefore = 5
	linesAfter  = 3
)

// text shows the departure in its log.
func (d *departure) text(h *adze.History) string {
	var b strings.Builder
	fmt.Fprintf(&b, "the code of %s departs from run %s\n", h.Task, h.Run)
	fmt.Fprintf(&b, "entry %d: recorded %s, the code now comes to %s\n\n", d.index, d.expected, d.got)
	for i := max(0, d.index-1-linesBefore); i < min(len(h.Log), d.index+linesAfter); i++ {
		e := &h.Log[i]
		mark := " "
		if e.Index == d.index {
			mark = "-"
		}
		fmt.Fprintf(&b, "  %s %4d  %s %s\n", mark, e.Index, e.Kind, strconv.Quote(e.Name))
		if e.Index == d.index {
			got, _, _ := strings.Cut(d.got, "\n")
			fmt.Fprintf(&b, "  + %4d  %s\n", e.Index, got)
		}
	}
	return b.String()
}
