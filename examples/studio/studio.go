// Package studio renders films on machines that differ: some have graphics cards, some
// have much memory, and some already have the film at hand.
//
// It owns the tasks that docs/guides/routing.md shows. It promises that each goes to a
// worker that can run it.
package studio

import (
	"context"

	"github.com/adzehq/adze"
)

// Film is what is worked on.
type Film struct{ Title string }

// Render needs two graphics cards of one machine.
var Render = adze.NewTask("render", work,
	adze.Uses("gpu", 2),
	adze.OnWorkers(
		adze.Require("memory_gb", ">=", 64),
		adze.Prefer("zone", "==", "eu"),
		adze.Prefer("disk", "==", "ssd").Weight(20),
	),
)

// New is the workflow whose tasks share what the first of them has loaded.
func New() *adze.Workflow[Film] {
	w := adze.NewWorkflow[Film]("cut", adze.Sticky(adze.StickyPrefer))
	load := adze.AddTask(w, "load", work)
	adze.AddTask(w, "trim", work, adze.After(load))
	return w
}

// Preview runs where its parent does.
var Preview = adze.NewTask("preview", work, adze.Sticky(adze.StickyOnly))

// NewPublish is a task that starts a preview beside itself, and gives its slot back while
// it waits for it.
func NewPublish(c *adze.Client) *adze.Task[Film, adze.ID] {
	return adze.NewTask("publish", func(ctx context.Context, film Film) (adze.ID, error) {
		preview, err := Preview.Run(ctx, c, film, adze.OnSameWorker())
		if err != nil {
			return 0, err
		}
		adze.ReleaseSlots(ctx)
		return preview.Result(ctx)
	})
}

// Options are those of a worker of the studio.
func Options() []adze.WorkerOption {
	return []adze.WorkerOption{
		adze.Slots(8),
		adze.SlotsOf("gpu", 4),
		adze.Labels(map[string]string{"memory_gb": "128", "zone": "eu", "disk": "ssd"}),
	}
}

// work tells which worker did it.
func work(ctx context.Context, _ Film) (adze.ID, error) { return adze.WorkerID(ctx), nil }
