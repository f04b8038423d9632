// Package thumbnail is a workflow with a map: each picture of an album is made small, ten
// at a time, and then a contact sheet is made of all of them.
//
// It owns the workflow and what its tasks do with a Studio. It promises that a picture
// which cannot be fetched at once is tried again by itself, without the others, and that
// the sheet has the pictures in the order of the album.
package thumbnail

import (
	"context"
	"strings"
	"time"

	"github.com/adzehq/adze"
)

// Album is the input of the workflow.
type Album struct {
	Name string `json:"name"`
}

// Image is a picture that was made small.
type Image struct {
	URL   string `json:"url"`
	Bytes int    `json:"bytes"`
}

// Studio is the world outside.
type Studio interface {
	List(ctx context.Context, album string) (urls []string, err error)
	Shrink(ctx context.Context, url string) (Image, error)
}

// Flow is the workflow, with the task whose output callers want.
type Flow struct {
	*adze.Workflow[Album]
	Sheet *adze.Node[string]
}

// New makes the workflow of a studio.
func New(studio Studio) *Flow {
	flow := adze.NewWorkflow[Album]("thumbnail")

	urls := adze.AddTask(flow, "list", func(ctx context.Context, a Album) ([]string, error) {
		return studio.List(ctx, a.Name)
	})

	images := adze.AddMap(flow, "shrink", urls, func(ctx context.Context, url string) (Image, error) {
		return studio.Shrink(ctx, url)
	}, adze.Concurrency(10), adze.Retries(5), adze.Timeout(time.Minute))

	sheet := adze.AddTask(flow, "sheet", func(ctx context.Context, a Album) (string, error) {
		all, err := images.Output(ctx)
		if err != nil {
			return "", err
		}
		names := make([]string, len(all))
		for i, image := range all {
			names[i] = image.URL
		}
		return a.Name + ": " + strings.Join(names, " "), nil
	}, adze.After(images))

	return &Flow{flow, sheet}
}
