package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/edge/auth"
)

// connection is how client commands find the engine and say who they are.
type connection struct {
	Address string `env:"ADZE_ADDRESS" placeholder:"HOST:PORT" help:"Where the engine listens; else what the token says."`
	Token   string `env:"ADZE_TOKEN" placeholder:"JWT" help:"Who calls; else the token of an adze dev on --data-dir."`
	DataDir string `name:"data-dir" env:"ADZE_DATA_DIR" default:".adze" help:"Data directory of the adze dev whose token to use."`
	TLS     bool   `name:"tls" env:"ADZE_TLS" help:"Encrypt the connection."`
	TLSCA   string `name:"tls-ca" env:"ADZE_TLS_CA" placeholder:"FILE" help:"Certificates (PEM) to verify the engine by; else the machine's. Implies --tls."`
}

// dial connects to the engine.
func (c *connection) dial(e *env) (*adze.Client, error) {
	token, err := c.token()
	if err != nil {
		return nil, err
	}
	address := c.Address
	if address == "" {
		address = auth.Address(token)
	}
	if address == "" {
		return nil, fault.New(fault.Invalid, "token", "is not one of adze, or names no address; look for what was cut off, or give --address")
	}
	options := []adze.Option{adze.Address(address), adze.Token(token), adze.Logger(e.log)}
	if c.TLS || c.TLSCA != "" {
		secure, err := c.tls()
		if err != nil {
			return nil, err
		}
		options = append(options, adze.TLS(secure))
	}
	client, err := adze.Dial(e.ctx, options...)
	if errors.Is(err, adze.ErrUnavailable) {
		err = fmt.Errorf("%w\nIs the engine running? Start one with adze dev, or say where it is with --address", err)
	}
	return client, err
}

// dialAbout is dial for what a command asks of one thing: the id is read before anybody is
// called.
func (c *connection) dialAbout(e *env, text string) (*adze.Client, adze.ID, error) {
	about, err := adze.ParseID(text)
	if err != nil {
		return nil, 0, err
	}
	client, err := c.dial(e)
	return client, about, err
}

// call does something with a client.
func (c *connection) call(e *env, do func(*adze.Client) error) error {
	client, err := c.dial(e)
	if err != nil {
		return err
	}
	defer client.Close()
	return do(client)
}

// dropFlags name what was set, and is taken back.
type dropFlags struct {
	connection
	Name string `arg:"" help:"Its name, as it is listed."`
	Key  string `help:"What was set for this key only."`
}

func (f *dropFlags) by(e *env, drop func(c *adze.Client, ctx context.Context, name, key string) error) error {
	return f.call(e, func(client *adze.Client) error { return drop(client, e.ctx, f.Name, f.Key) })
}

// eachID does something with each id, one after the other. It reads all before it does
// anything.
func eachID(e *env, c *connection, ids []string, do func(*adze.Client, adze.ID) error) error {
	all, err := parseIDs(ids)
	if err != nil {
		return err
	}
	client, err := c.dial(e)
	if err != nil {
		return err
	}
	defer client.Close()
	for _, one := range all {
		if err := do(client, one); err != nil {
			return err
		}
	}
	return nil
}

func parseIDs(texts []string) ([]adze.ID, error) {
	ids := make([]adze.ID, len(texts))
	for i, text := range texts {
		var err error
		if ids[i], err = adze.ParseID(text); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

func (c *connection) token() (string, error) {
	if c.Token != "" {
		return strings.TrimSpace(c.Token), nil // of a file it ends with a line
	}
	path := filepath.Join(c.DataDir, "token")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fault.New(fault.Unauthenticated, "token", "is missing, and there is no %s of an adze dev", path)
	}
	if err != nil {
		return "", fmt.Errorf("read token: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

func (c *connection) tls() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.TLSCA == "" {
		return config, nil
	}
	certificates, err := os.ReadFile(c.TLSCA)
	if err != nil {
		return nil, fmt.Errorf("read certificates (--tls-ca): %w", err)
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(certificates) {
		return nil, fault.New(fault.Invalid, "tls-ca", "holds no certificate in PEM: %s", c.TLSCA)
	}
	return config, nil
}
