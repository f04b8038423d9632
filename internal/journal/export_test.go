package journal

import "github.com/adzehq/adze/internal/base/id"

// Waiting is how many requests of a tenant wait for room.
func (g *Gate) Waiting(tenant id.ID) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c := g.of[tenant]; c != nil {
		return c.waiting
	}
	return 0
}

// Tenants is how many are remembered.
func (g *Gate) Tenants() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.of)
}
