package adze

import (
	"context"
	"sync"
)

// background owns what a client does beside its callers. Nothing starts once it
// was stopped, and nothing runs when stop has returned.
type background struct {
	life context.Context // ends with stop
	end  context.CancelFunc

	mu      sync.Mutex
	stopped bool
	parts   sync.WaitGroup
}

func newBackground() *background {
	b := &background{}
	b.life, b.end = context.WithCancel(context.Background())
	return b
}

// start runs part, which ends with life; false if it is too late.
func (b *background) start(part func()) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped {
		return false
	}
	b.parts.Go(part)
	return true
}

func (b *background) stop() {
	b.mu.Lock()
	b.stopped = true
	b.mu.Unlock()
	b.end()
	b.parts.Wait()
}
