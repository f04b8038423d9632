package shard

import (
	"sync"

	"github.com/adzehq/adze/internal/core"
)

// answers brings the core's answers to whoever asked, by Ref.
type answers struct {
	mu   sync.Mutex
	last uint64
	of   map[uint64]*pending
}

// pending is a question with some answers to come.
type pending struct {
	left int
	got  []core.Answer
	done chan struct{} // closed when none is left
}

func newAnswers() *answers { return &answers{of: map[uint64]*pending{}} }

func (a *answers) expect(n int) (uint64, *pending) {
	p := &pending{left: n, got: make([]core.Answer, 0, n), done: make(chan struct{})}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last++
	a.of[a.last] = p
	return a.last, p
}

func (a *answers) forget(ref uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.of, ref)
}

func (a *answers) deliver(list []core.Answer) {
	if len(list) == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, answer := range list {
		p := a.of[answer.Ref]
		if p == nil {
			continue
		}
		p.got = append(p.got, answer)
		if p.left--; p.left == 0 {
			delete(a.of, answer.Ref)
			close(p.done)
		}
	}
}
