package main

import (
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/lease"
	"github.com/adzehq/adze/internal/record/tenant"
	"github.com/adzehq/adze/internal/server"
)

type tenantCmd struct {
	Create  tenantCreateCmd  `cmd:"" help:"Make a tenant."`
	List    tenantListCmd    `cmd:"" help:"List the tenants of a database."`
	Show    tenantShowCmd    `cmd:"" help:"Show whose workers run a tenant's tasks, and whose tasks its workers run."`
	Share   tenantShareCmd   `cmd:"" help:"Have all workers of another tenant, on Adze's SDK or on Hatchet's, run a tenant's tasks too."`
	Unshare tenantUnshareCmd `cmd:"" help:"End that; what they run goes on."`
}

type tenantCreateCmd struct {
	database
	Name   string `arg:"" help:"Its name."`
	Beside string `placeholder:"TENANT" help:"Make it in the shard of this one, so that the two can share workers."`
}

// Run says nothing when all is well.
func (c *tenantCreateCmd) Run(e *env) error {
	pool, err := c.open(e)
	if err != nil {
		return err
	}
	defer pool.Close()
	_, err = server.MakeTenant(e.ctx, pool, c.Name, c.Beside, time.Now())
	return err
}

type tenantListCmd struct{ database }

// Run prints a table.
func (c *tenantListCmd) Run(e *env) error {
	pool, err := c.open(e)
	if err != nil {
		return err
	}
	defer pool.Close()
	all, err := tenant.All(e.ctx, pool)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TENANT\tSHARD\tCREATED\tUUID")
	for _, t := range all {
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\n", t.Name, t.Shard, t.CreatedAt.UTC().Format(time.RFC3339), t.UUID)
	}
	return table.Flush()
}

// asTenant is how commands speak for a tenant: by a token of it, or as the operator, who
// has its database and makes one that is good for a moment, and is told there which engine
// serves it.
type asTenant struct {
	connection
	DatabaseURL string `name:"database-url" env:"ADZE_DATABASE_URL" placeholder:"URL" help:"For the operator: the engine's database, instead of a token of the tenant."`
	Tenant      string `arg:"" help:"The tenant's name."`
}

// operatorTTL is how long a token of the operator's is good.
const operatorTTL = time.Minute

func (c *asTenant) speak(e *env, do func(*adze.Client) error) error {
	if c.DatabaseURL != "" {
		if err := c.issue(e); err != nil {
			return err
		}
	}
	client, err := c.dial(e)
	if err != nil {
		return err
	}
	defer client.Close()
	name, _, err := client.Grants(e.ctx)
	if err != nil {
		return err
	}
	if name != c.Tenant {
		return fault.New(fault.Forbidden, "token", "is one of tenant %q, not of %q; give one of that, or --database-url", name, c.Tenant)
	}
	return do(client)
}

func (c *asTenant) issue(e *env) error {
	db := database{c.DatabaseURL}
	pool, err := db.open(e)
	if err != nil {
		return err
	}
	defer pool.Close()
	owner, err := tenant.ByName(e.ctx, pool, c.Tenant)
	if err != nil {
		return err
	}
	if c.Address == "" {
		if c.Address, err = lease.Address(e.ctx, pool, owner.Shard); err != nil {
			return err
		}
	}
	if c.Address == "" {
		return fault.New(fault.Unavailable, "", "no engine listens for this database, and one has to decide about its tenants; start it with adze server, or say where it is with --address")
	}
	c.Token, err = server.IssueToken(e.ctx, pool, server.TokenRequest{
		Tenant: c.Tenant, Name: "operator", TTL: operatorTTL, GRPCAddr: c.Address,
	}, time.Now())
	return err
}

type tenantShowCmd struct{ asTenant }

// Run prints a table of grants.
func (c *tenantShowCmd) Run(e *env) error {
	return c.speak(e, func(client *adze.Client) error {
		_, grants, err := client.Grants(e.ctx)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "TENANT\tRUNS AT WORKERS OF\tWEIGHT")
		own := func(g adze.Grant) bool { return g.Tenant == c.Tenant && g.Home == c.Tenant }
		if !slices.ContainsFunc(grants, own) {
			grants = slices.Insert(grants, 0, adze.Grant{Tenant: c.Tenant, Home: c.Tenant, Weight: 1})
		}
		for _, g := range grants {
			fmt.Fprintf(table, "%s\t%s\t%g\n", g.Tenant, g.Home, g.Weight)
		}
		return table.Flush()
	})
}

type tenantShareCmd struct {
	asTenant
	With   string  `required:"" placeholder:"HOME" help:"The tenant whose workers they are; the tenant itself, to say what it gets of its own."`
	Weight float64 `help:"The tenant's share of their time beside others: 0.001 to 1000." default:"1"`
}

// Run says nothing when all is well.
func (c *tenantShareCmd) Run(e *env) error {
	return c.speak(e, func(client *adze.Client) error { return client.ShareWorkers(e.ctx, c.With, c.Weight) })
}

type tenantUnshareCmd struct {
	asTenant
	With string `required:"" placeholder:"HOME" help:"The tenant whose workers they are."`
}

// Run says nothing when all is well.
func (c *tenantUnshareCmd) Run(e *env) error {
	return c.speak(e, func(client *adze.Client) error { return client.UnshareWorkers(e.ctx, c.With) })
}
