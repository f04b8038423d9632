package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/adzehq/adze"
)

// graphSteps is how many tasks in a row the measured workflow has.
const graphSteps = 10

// chain is a workflow of tasks that do nothing, each after the one before.
type chain struct {
	client   *adze.Client
	workflow *adze.Workflow[ping]
}

func newChain(client *adze.Client) *chain {
	c := &chain{client, adze.NewWorkflow[ping]("bench.graph")}
	step := func(_ context.Context, in ping) (ping, error) { return in, nil }
	last := adze.AddTask(c.workflow, "step1", step)
	for i := 2; i <= graphSteps; i++ {
		last = adze.AddTask(c.workflow, fmt.Sprintf("step%d", i), step, adze.After(last))
	}
	return c
}

// graph measures a run of tasks in a row: its time and commits on an idle system,
// then how many runs a second many callers get through.
func (b *bench) graph(ctx context.Context) error {
	return b.rigged(ctx, "graph", func(r *rig) error {
		c := newChain(r.client)
		return r.serving(ctx, func(ctx context.Context) error {
			return errors.Join(b.graphLatency(ctx, r, c), b.graphLoad(ctx, r, c))
		}, adze.Slots(workerSlots), c.workflow)
	})
}

func (b *bench) graphLatency(ctx context.Context, r *rig, c *chain) error {
	if _, err := c.workflow.Call(ctx, c.client, ping{}); err != nil { // warm
		return err
	}
	before, err := r.meter.read(ctx)
	if err != nil {
		return err
	}
	var times latencies
	n := b.size(200, 50)
	for range n {
		begin := time.Now()
		if _, err := c.workflow.Call(ctx, c.client, ping{Sent: begin.UnixNano()}); err != nil {
			return err
		}
		times.add(time.Since(begin))
	}
	after, err := r.meter.read(ctx)
	if err != nil {
		return err
	}
	times.report(&b.report, "graph", "submit_to_result_ms")
	b.report.add("graph", "commits_per_graph", "transactions", float64(after.xids-before.xids)/float64(n))
	return nil
}

func (b *bench) graphLoad(ctx context.Context, r *rig, c *chain) error {
	before, err := r.meter.read(ctx)
	if err != nil {
		return err
	}
	until := time.Now().Add(b.span())
	n, err := many(submitters, func() (int, error) {
		n := 0
		for time.Now().Before(until) {
			if _, err := c.workflow.Call(ctx, c.client, ping{}); err != nil {
				return n, err
			}
			n++
		}
		return n, nil
	})
	if err != nil {
		return err
	}
	after, err := r.meter.read(ctx)
	if err != nil {
		return err
	}
	took := after.at.Sub(before.at)
	b.report.add("graph", "graphs_per_s", "graphs/s", float64(n)/took.Seconds())
	b.throughput("graph", n*graphSteps, took)
	b.report.costs("graph", before, after, n*graphSteps)
	return b.memory("graph", r)
}
