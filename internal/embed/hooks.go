package embed

import "context"

// Hooks let a test into durable functions. They come with the context that a worker runs
// with; nil means nothing.
type Hooks struct {
	// Step is asked before each try of the function of a step: an error is what the try
	// gives, and the function is not called.
	Step func(name string) error
	// Rehearse ends an attempt where its function comes to the end of the log, as if it
	// waited: nothing is done that was not done before.
	Rehearse bool
	// Departed is told where a function does something else than is in its log.
	Departed func(index int32, expected, got string)
}

type hooksKey struct{}

// WithHooks is a context that has a worker use hooks.
func WithHooks(ctx context.Context, hooks *Hooks) context.Context {
	return context.WithValue(ctx, hooksKey{}, hooks)
}

// HooksOf gives the hooks that come with ctx; ones that do nothing if there are none.
func HooksOf(ctx context.Context) *Hooks {
	if hooks, are := ctx.Value(hooksKey{}).(*Hooks); are {
		return hooks
	}
	return &Hooks{}
}
