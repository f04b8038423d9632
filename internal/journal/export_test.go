package journal

import "github.com/adzehq/adze/internal/base/id"

// Users is how many requests of a tenant have room, or wait for it.
func (g *Gate) Users(tenant id.ID) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c := g.of[tenant]; c != nil {
		return c.users
	}
	return 0
}

// Tenants is how many are remembered.
func (g *Gate) Tenants() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.of)
}
