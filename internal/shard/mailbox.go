package shard

import "sync"

// mailbox hands values to one reader, who takes all that are there at once. It is
// not bounded by itself: whoever fills it has passed a Gate, or is one of few.
type mailbox[T any] struct {
	ready chan struct{} // holds a token while there is something to take

	mu    sync.Mutex
	items []T
	spare []T
}

func newMailbox[T any]() *mailbox[T] { return &mailbox[T]{ready: make(chan struct{}, 1)} }

func (m *mailbox[T]) put(item T) {
	m.mu.Lock()
	m.items = append(m.items, item)
	m.mu.Unlock()
	select {
	case m.ready <- struct{}{}:
	default:
	}
}

// take is what is there, in the order it came, until the next take: the two slices
// take turns.
func (m *mailbox[T]) take() []T {
	m.mu.Lock()
	defer m.mu.Unlock()
	items := m.items
	clear(m.spare)
	m.items, m.spare = m.spare[:0], items
	return items
}
