package journal

import "github.com/adzehq/adze/internal/base/id"

// Waiting is how many requests of a tenant wait for room.
func (g *Gate) Waiting(tenant id.ID) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if t := g.turns[tenant]; t != nil {
		return t.waiting
	}
	return 0
}
