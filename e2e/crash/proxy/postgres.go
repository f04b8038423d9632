package proxy

import "bytes"

// pipelineBytesMax is how much of a pipeline is looked at for its marker, which is
// at its beginning.
const pipelineBytesMax = 64 << 10

// syncMessage ends a pipeline: Postgres commits when it reads it.
var syncMessage = []byte{'S', 0, 0, 0, 4}

// readyForQuery ends the answer to a pipeline; the byte after it is the state of the
// session's transaction.
var readyForQuery = []byte{'Z', 0, 0, 0, 5}

// pipeline is what a client has sent since the Sync before.
type pipeline struct {
	bytes []byte
	tail  []byte // the last bytes sent, as many as a Sync has
	ended bool
}

// add notes what is sent next. A pipeline is taken to end where a piece of it ends
// with a Sync: the client writes it at once and then waits.
func (p *pipeline) add(piece []byte) {
	if p.ended {
		p.bytes, p.ended = p.bytes[:0], false
	}
	p.bytes = append(p.bytes, piece[:min(len(piece), max(0, pipelineBytesMax-len(p.bytes)))]...)
	p.tail = append(p.tail, piece[max(0, len(piece)-len(syncMessage)):]...)
	p.tail = p.tail[max(0, len(p.tail)-len(syncMessage)):]
	p.ended = bytes.Equal(p.tail, syncMessage)
}

// answered tells whether a piece of what the server says ends its answer.
func answered(piece []byte) bool {
	at := len(piece) - len(readyForQuery) - 1
	return at >= 0 && bytes.Equal(piece[at:at+len(readyForQuery)], readyForQuery)
}
