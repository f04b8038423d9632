// Package bulk writes many rows with few statements: columns are encoded as their
// values come, straight to the binary form of Postgres' arrays, and statements
// that unnest them are prepared once per connection and sent in one pipeline.
// It owns that encoding and the buffers, which are kept from one batch to the
// next. It promises that a row costs copies of its bytes and no allocation.
package bulk

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"
)

// The binary form of an array of one dimension: five words, then each element
// as its length and its bytes, big-endian.
const (
	headerBytes = 20
	nullLength  = ^uint32(0)

	oidBool  = 16
	oidBytea = 17
	oidInt8  = 20
	oidInt4  = 23
	oidText  = 25
)

// Column is the values of one parameter. Its zero value is empty.
type Column interface {
	Reset()
	parameter() []byte
}

// array is what the typed columns share.
type array struct {
	buf   []byte
	rows  uint32
	nulls uint32 // 1 as soon as there is a null
}

// Reset empties the column and keeps its room.
func (a *array) Reset() { *a = array{buf: a.buf[:0]} }

// Rows is how many values the column has.
func (a *array) Rows() int { return int(a.rows) }

// next counts one more value and returns the buffer with room for the header.
func (a *array) next() []byte {
	a.rows++
	if len(a.buf) == 0 {
		var header [headerBytes]byte
		a.buf = append(a.buf, header[:]...)
	}
	return a.buf
}

func (a *array) null() {
	a.buf = binary.BigEndian.AppendUint32(a.next(), nullLength)
	a.nulls = 1
}

func (a *array) header(oid uint32) []byte {
	if len(a.buf) == 0 {
		return make([]byte, 12) // an empty array has no dimension
	}
	for i, word := range [...]uint32{1, a.nulls, oid, a.rows, 1} {
		binary.BigEndian.PutUint32(a.buf[4*i:], word)
	}
	return a.buf
}

// Int8 is a column of bigint.
type Int8 struct{ array }

// Add appends v.
func (c *Int8) Add(v int64) {
	c.buf = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(c.next(), 8), uint64(v))
}

// AddOrNull appends v, or null for zero.
func (c *Int8) AddOrNull(v int64) {
	if v == 0 {
		c.null()
		return
	}
	c.Add(v)
}

func (c *Int8) parameter() []byte { return c.header(oidInt8) }

// Int4 is a column of integer.
type Int4 struct{ array }

// Add appends v.
func (c *Int4) Add(v int32) {
	c.buf = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(c.next(), 4), uint32(v))
}

// AddNull appends null.
func (c *Int4) AddNull() { c.null() }

func (c *Int4) parameter() []byte { return c.header(oidInt4) }

// Text is a column of text.
type Text struct{ array }

// Add appends s, cleaned of what Postgres refuses in text (Clean).
func (c *Text) Add(s string) {
	s = Clean(s)
	c.buf = append(binary.BigEndian.AppendUint32(c.next(), uint32(len(s))), s...)
}

// AddOrNull appends s, or null for the empty string.
func (c *Text) AddOrNull(s string) {
	if s == "" {
		c.null()
		return
	}
	c.Add(s)
}

func (c *Text) parameter() []byte { return c.header(oidText) }

// Bool is a column of boolean.
type Bool struct{ array }

// Add appends v.
func (c *Bool) Add(v bool) {
	b := byte(0)
	if v {
		b = 1
	}
	c.buf = append(binary.BigEndian.AppendUint32(c.next(), 1), b)
}

func (c *Bool) parameter() []byte { return c.header(oidBool) }

// Bytea is a column of bytea.
type Bytea struct{ array }

// Add appends b, or null for nil.
func (c *Bytea) Add(b []byte) {
	if b == nil {
		c.null()
		return
	}
	c.buf = append(binary.BigEndian.AppendUint32(c.next(), uint32(len(b))), b...)
}

func (c *Bytea) parameter() []byte { return c.header(oidBytea) }

// Clean returns s as Postgres stores it: a NUL or a byte that is no UTF-8 becomes
// U+FFFD. One such byte would otherwise refuse a batch of everybody's rows.
func Clean(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	}
	return s
}
