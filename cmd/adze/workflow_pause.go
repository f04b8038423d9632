package main

import (
	"time"

	"github.com/adzehq/adze"
)

type workflowPauseCmd struct {
	connection
	Name string        `arg:"" help:"The workflow's name."`
	TTL  time.Duration `name:"ttl" help:"Cancel what has waited so long while it is paused; 0 to let it wait."`
}

// Run says nothing when all is well.
func (c *workflowPauseCmd) Run(e *env) error {
	return c.call(e, func(client *adze.Client) error { return client.PauseWorkflow(e.ctx, c.Name, c.TTL) })
}

type workflowResumeCmd struct {
	connection
	Name string `arg:"" help:"The workflow's name."`
}

// Run says nothing when all is well.
func (c *workflowResumeCmd) Run(e *env) error {
	return c.call(e, func(client *adze.Client) error { return client.ResumeWorkflow(e.ctx, c.Name) })
}
