package shard

import (
	"encoding/binary"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// payload is what a run was submitted with.
type payload struct {
	input, metadata []byte
	given           []byte // to a child
	event           *Event // nil: none started it
	replayOf        id.ID
	parent          id.ID
	priority        int32
	tenant          id.ID
}

// payloadOf is what a row brings but for its event.
func payloadOf(t *core.NewTask) payload {
	p := payload{
		input: t.Input, metadata: t.Metadata,
		replayOf: t.ReplayOf, parent: t.Parent, tenant: t.Tenant, priority: t.Priority,
	}
	if t.Event == 0 { // else it is of that
		p.given = t.Given
	}
	return p
}

// packedMax is how long pack makes p at most.
func (p *payload) packedMax() int {
	const fields = 14 // numbers and lengths
	n := fields*binary.MaxVarintLen64 + len(p.input) + len(p.metadata) + len(p.given)
	if p.event != nil {
		n += len(p.event.Key) + len(p.event.Scope) + len(p.event.Given)
	}
	return n
}

// pack appends p of a task.
func (p *payload) pack(to []byte, task id.ID) []byte {
	to = packID(to, task)
	to = packID(to, p.tenant)
	to = packID(to, p.replayOf)
	to = packID(to, p.parent)
	to = binary.AppendVarint(to, int64(p.priority))
	to = packBytes(to, p.input)
	to = packBytes(to, p.metadata)
	to = packBytes(to, p.given)
	if e := p.event; e != nil {
		to = packID(to, e.ID)
		to = packBytes(to, []byte(e.Key))
		to = packBytes(to, []byte(e.Scope))
		return packBytes(to, e.Given)
	}
	return packID(to, 0)
}

func packID(to []byte, of id.ID) []byte { return binary.AppendUvarint(to, uint64(of)) }

// packBytes tells none, 0, from empty, 1.
func packBytes(to, b []byte) []byte {
	if b == nil {
		return append(to, 0)
	}
	return append(binary.AppendUvarint(to, uint64(len(b))+1), b...)
}

// packed is what pack has appended, as far as it is not read.
type packed []byte

// unpack reads a payload and its task. What it has of bytes lies in those of from.
func (from *packed) unpack() (task id.ID, p payload) {
	task = from.id()
	p.tenant, p.replayOf, p.parent = from.id(), from.id(), from.id()
	priority, n := binary.Varint(*from)
	*from = (*from)[n:]
	p.priority = int32(priority)
	p.input, p.metadata, p.given = from.bytes(), from.bytes(), from.bytes()
	if event := from.id(); event != 0 {
		p.event = &Event{ID: event, Key: string(from.bytes()), Scope: string(from.bytes()), Given: from.bytes()}
	}
	return task, p
}

func (from *packed) id() id.ID {
	v, n := binary.Uvarint(*from)
	*from = (*from)[n:]
	return id.ID(v)
}

func (from *packed) bytes() []byte {
	size, n := binary.Uvarint(*from)
	*from = (*from)[n:]
	if size == 0 {
		return nil
	}
	b := (*from)[: size-1 : size-1]
	*from = (*from)[size-1:]
	return b
}
