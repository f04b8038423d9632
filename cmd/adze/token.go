package main

import (
	"fmt"
	"time"

	"github.com/adzehq/adze/internal/server"
)

type tokenCmd struct {
	Create tokenCreateCmd `cmd:"" help:"Make a token and print it, once."`
}

type tokenCreateCmd struct {
	database
	Tenant   string        `default:"default" help:"Whose token it is; a tenant that does not exist is made."`
	Name     string        `default:"cli" help:"What it is for, for people."`
	TTL      time.Duration `name:"ttl" default:"2160h" help:"How long it is good."`
	GRPCAddr string        `name:"address" env:"ADZE_ADDRESS" default:"127.0.0.1:7077" help:"Where clients find the engine, written into the token."`
	HTTPURL  string        `name:"http-url" env:"ADZE_HTTP_URL" default:"http://127.0.0.1:8080" help:"Where they find its HTTP, written into the token."`
}

// Run prints the token and nothing else: it is made to be captured.
func (c *tokenCreateCmd) Run(e *env) error {
	pool, err := c.open(e)
	if err != nil {
		return err
	}
	defer pool.Close()
	token, err := server.IssueToken(e.ctx, pool, server.TokenRequest{
		Tenant: c.Tenant, Name: c.Name, TTL: c.TTL, GRPCAddr: c.GRPCAddr, HTTPURL: c.HTTPURL,
	}, time.Now())
	if err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, token)
	return nil
}
