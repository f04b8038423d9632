// Drive is a program on the official Hatchet SDK for Go, unmodified: a client and a
// worker in one process. `adze bench --wire hatchet` builds and runs it.
//
// It finds the engine in the environment, as programs on the SDK do. It says "ready" when
// its worker has run a task, waits for a line on its input, loads the engine until the
// time is over and all has run, prints what it measured as one line of JSON, and ends
// when its input does.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hatchet-dev/hatchet/pkg/client"
	hatchet "github.com/hatchet-dev/hatchet/sdks/go"
)

const (
	slots      = 1_000
	submitters = 512 // goroutines that trigger one run at a time
	bulkSize   = 1_000
	bulkCaller = 4
	perSecond  = 20 // of the mode latency
	pollPause  = 2 * time.Millisecond
)

// ping is the input and the output of the task, which does nothing.
type ping struct {
	Sent int64 `json:"sent"` // Unix nanoseconds
}

// Result is what was measured.
type Result struct {
	Tasks   int             `json:"tasks"`
	Starts  []time.Duration `json:"starts_ns"`  // trigger → start
	Results []time.Duration `json:"results_ns"` // trigger → result
}

// load is the program.
type load struct {
	sdk   *hatchet.Client
	admin client.AdminClient // triggers many runs in one call
	task  *hatchet.StandaloneTask
	done  atomic.Int64

	watch  atomic.Bool
	mu     sync.Mutex
	starts []time.Duration
}

func main() {
	mode := flag.String("mode", "plain", "plain, bulk or latency")
	span := flag.Duration("for", 10*time.Second, "how long to load the engine")
	flag.Parse()
	if err := run(*mode, *span); err != nil {
		fmt.Fprintln(os.Stderr, "drive:", err)
		os.Exit(1)
	}
}

func run(mode string, span time.Duration) error {
	l, err := newLoad()
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(context.Background())
	defer end()
	worker, err := l.sdk.NewWorker("drive", hatchet.WithWorkflows(l.task), hatchet.WithSlots(slots))
	if err != nil {
		return fmt.Errorf("make worker: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- worker.StartBlocking(ctx) }()
	if err := l.call(ctx); err != nil {
		return fmt.Errorf("warm up: %w", err)
	}
	fmt.Println("ready")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return fmt.Errorf("wait for the start: %w", err)
	}
	result, err := l.measure(ctx, mode, span)
	if err != nil {
		return fmt.Errorf("mode %s: %w", mode, err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil { // what it has used is read until then
		return err
	}
	end()
	return <-ended
}

func newLoad() (*load, error) {
	sdk, err := hatchet.NewClient()
	if err != nil {
		return nil, fmt.Errorf("make client: %w", err)
	}
	plain, err := client.New()
	if err != nil {
		return nil, fmt.Errorf("make client: %w", err)
	}
	l := &load{sdk: sdk, admin: plain.Admin()}
	l.task = sdk.NewStandaloneTask("drive", func(_ hatchet.Context, in ping) (ping, error) {
		if l.watch.Load() {
			took := time.Duration(time.Now().UnixNano() - in.Sent)
			l.mu.Lock()
			l.starts = append(l.starts, took)
			l.mu.Unlock()
		}
		l.done.Add(1)
		return in, nil
	})
	return l, nil
}

func (l *load) measure(ctx context.Context, mode string, span time.Duration) (r Result, err error) {
	before := l.done.Load()
	until := time.Now().Add(span)
	switch mode {
	case "plain":
		r.Tasks, err = many(submitters, func() (int, error) { return l.singles(ctx, until) })
	case "bulk":
		r.Tasks, err = many(bulkCaller, func() (int, error) { return l.bulks(until) })
	case "latency":
		return l.paced(ctx, until)
	default:
		return r, fmt.Errorf("there is none of that name")
	}
	if err != nil {
		return r, err
	}
	for l.done.Load()-before < int64(r.Tasks) {
		time.Sleep(pollPause)
	}
	return r, l.call(ctx) // its result is recorded after all before it
}

func (l *load) call(ctx context.Context) error {
	_, err := l.task.Run(ctx, ping{Sent: time.Now().UnixNano()})
	return err
}

func (l *load) singles(ctx context.Context, until time.Time) (n int, err error) {
	for ; time.Now().Before(until); n++ {
		if _, err := l.task.RunNoWait(ctx, ping{Sent: time.Now().UnixNano()}); err != nil {
			return n, err
		}
	}
	return n, nil
}

func (l *load) bulks(until time.Time) (n int, err error) {
	runs := make([]*client.WorkflowRun, bulkSize)
	for time.Now().Before(until) {
		for i := range runs {
			runs[i] = &client.WorkflowRun{Name: "drive", Input: ping{Sent: time.Now().UnixNano()}}
		}
		started, err := l.admin.BulkRunWorkflow(runs)
		n += len(started)
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func (l *load) paced(ctx context.Context, until time.Time) (r Result, err error) {
	l.watch.Store(true)
	tick := time.NewTicker(time.Second / perSecond)
	defer tick.Stop()
	for ; time.Now().Before(until); r.Tasks++ {
		<-tick.C
		sent := time.Now()
		if err := l.call(ctx); err != nil {
			return r, err
		}
		r.Results = append(r.Results, time.Since(sent))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Starts = l.starts
	return r, nil
}

// many runs one in n goroutines and adds up what they did.
func many(n int, one func() (int, error)) (int, error) {
	var group sync.WaitGroup
	var total atomic.Int64
	failures := make(chan error, n)
	for range n {
		group.Go(func() {
			did, err := one()
			total.Add(int64(did))
			if err != nil {
				failures <- err
			}
		})
	}
	group.Wait()
	close(failures)
	return int(total.Load()), <-failures
}
