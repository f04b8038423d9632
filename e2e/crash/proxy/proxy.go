// Package proxy stands between a program and its server and breaks the connection
// in the ways that networks do: reset, silence, and a reset at the worst moment of a
// commit. It owns the connections that pass through it. It promises that what it
// forwards is unchanged, and that after Close nothing of it runs.
package proxy

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
)

// bufferBytes is how much is forwarded at once.
const bufferBytes = 64 << 10

// Moment is where in a commit a connection is cut.
type Moment int

// The moments of a commit, as Postgres sees it.
const (
	Before Moment = iota // all but the last message was forwarded: nothing is committed
	During               // all was forwarded, nobody waits: it is committed or not
	After                // Postgres answered, the answer is lost: it is committed
)

// Moments is how many there are.
const Moments = 3

// held is the moment of StallCommit.
const held Moment = -1

func (m Moment) String() string { return [Moments]string{"before", "during", "after"}[m] }

// Proxy forwards connections to a server.
type Proxy struct {
	listener net.Listener
	parts    sync.WaitGroup

	mu      sync.Mutex
	target  string
	links   map[*link]struct{}
	gate    chan struct{} // closed while data may pass; replaced by Stall
	stalled bool
	closed  bool
	armed   *cut // by CutCommit, until its connection shows
}

// cut is a break of a connection in a commit.
type cut struct {
	marker   []byte // in the client's pipeline
	moment   Moment
	happened chan struct{}
}

// Start listens on a free port of 127.0.0.1 and forwards to target: host:port, or
// the path of a Unix socket.
func Start(target string) (*Proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start proxy: %w", err)
	}
	open := make(chan struct{})
	close(open)
	p := &Proxy{listener: listener, target: target, links: map[*link]struct{}{}, gate: open}
	p.parts.Go(p.accept)
	return p, nil
}

// Addr is where the proxy listens, host:port.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Point sends connections to another target from now on. Those that stand stay.
func (p *Proxy) Point(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// Cut resets all connections, on both sides, and tells how many.
func (p *Proxy) Cut() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.reset()
	}
	return len(p.links)
}

// Stall holds back all data both ways, of new connections too: a network that
// swallows everything without a word.
func (p *Proxy) Stall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.stalled {
		p.stalled, p.gate = true, make(chan struct{})
	}
}

// Resume lets pass what was held back.
func (p *Proxy) Resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stalled {
		p.stalled = false
		close(p.gate)
	}
}

// CutCommit arms a cut of the next connection whose client sends a Postgres
// pipeline with marker in it. The channel closes when it has happened.
func (p *Proxy) CutCommit(marker string, at Moment) <-chan struct{} {
	return p.arm(marker, at)
}

// StallCommit arms a Stall for the moment when a client has sent such a pipeline and
// Postgres has not got the end of it: after Resume it arrives late.
func (p *Proxy) StallCommit(marker string) <-chan struct{} { return p.arm(marker, held) }

func (p *Proxy) arm(marker string, at Moment) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed = &cut{marker: []byte(marker), moment: at, happened: make(chan struct{})}
	return p.armed.happened
}

// Close ends all connections and returns when nothing runs any more.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	_ = p.listener.Close()
	p.Resume()
	p.Cut()
	p.parts.Wait()
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		p.parts.Go(func() { p.serve(client) })
	}
}

// serve forwards one connection until either side ends it.
func (p *Proxy) serve(client net.Conn) {
	p.mu.Lock()
	target := p.target
	p.mu.Unlock()
	server, err := net.Dial(network(target), target)
	if err != nil {
		reset(client)
		return
	}
	l := &link{client: client, server: server}
	p.mu.Lock()
	p.links[l] = struct{}{}
	closed := p.closed
	p.mu.Unlock()
	if closed {
		l.reset()
	}
	var up sync.WaitGroup
	up.Go(func() { p.up(l) })
	p.down(l)
	up.Wait()
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
}

func network(target string) string {
	if strings.HasPrefix(target, "/") {
		return "unix"
	}
	return "tcp"
}

// pass waits while data is held back.
func (p *Proxy) pass() {
	p.mu.Lock()
	gate := p.gate
	p.mu.Unlock()
	<-gate
}

// up forwards what the client says.
func (p *Proxy) up(l *link) {
	defer l.close()
	var seen pipeline
	buffer := make([]byte, bufferBytes)
	for {
		n, err := l.client.Read(buffer)
		if n > 0 {
			p.pass()
			seen.add(buffer[:n])
			if !p.forward(l, &seen, buffer[:n]) {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// forward sends the next piece of a pipeline, or cuts the connection at its end if
// that is armed. It tells whether the connection still stands.
func (p *Proxy) forward(l *link, seen *pipeline, piece []byte) bool {
	if !seen.ended {
		return l.send(piece)
	}
	c := p.trigger(seen)
	switch {
	case c == nil:
		return l.send(piece)
	case c.moment == held:
		p.Stall()
		close(c.happened)
		p.pass()
		return l.send(piece)
	case c.moment == After:
		l.swallow.Store(c) // the way down cuts, once the answer is there
		return l.send(piece)
	case c.moment == Before:
		piece = piece[:max(0, len(piece)-len(syncMessage))]
	}
	l.send(piece)
	l.reset()
	close(c.happened)
	return false
}

// trigger disarms and returns the cut that is armed for a pipeline like seen.
func (p *Proxy) trigger(seen *pipeline) *cut {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.armed
	if c == nil || !bytes.Contains(seen.bytes, c.marker) {
		return nil
	}
	p.armed = nil
	return c
}

// down forwards what the server says.
func (p *Proxy) down(l *link) {
	defer l.close()
	buffer := make([]byte, bufferBytes)
	for {
		n, err := l.server.Read(buffer)
		if n > 0 {
			p.pass()
			if !l.answer(buffer[:n]) {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// link is one connection, both halves.
type link struct {
	client, server net.Conn
	swallow        atomic.Pointer[cut] // once set, no answer reaches the client any more
}

// answer sends a piece of what the server says, unless it is to be swallowed: then
// the end of it ends the connection.
func (l *link) answer(piece []byte) bool {
	c := l.swallow.Load()
	if c == nil {
		_, err := l.client.Write(piece)
		return err == nil
	}
	if !answered(piece) {
		return true
	}
	l.reset()
	close(c.happened)
	return false
}

func (l *link) send(b []byte) bool {
	_, err := l.server.Write(b)
	return err == nil
}

func (l *link) close() {
	_ = l.client.Close() // a second close is harmless
	_ = l.server.Close()
}

func (l *link) reset() {
	reset(l.client)
	reset(l.server)
}

// reset closes c without a goodbye: the other side sees an error, not an end.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		if err := tcp.SetLinger(0); err != nil && !errors.Is(err, net.ErrClosed) {
			panic(err) // the option exists everywhere
		}
	}
	_ = c.Close()
}
