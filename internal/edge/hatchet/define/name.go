package define

import (
	"encoding/hex"
	"strings"
)

// escape begins a byte that a name of Adze cannot have: two hexadecimal digits follow.
const escape = ':'

// Escape writes any text as a name of Adze: on this wire, names of limits and crons may
// have any characters.
func Escape(text string) string {
	var b strings.Builder
	for i := range len(text) {
		switch c := text[i]; {
		case alphanumeric(c), c == '.', c == '-', c == '_':
			b.WriteByte(c)
		default:
			b.WriteByte(escape)
			b.WriteString(hex.EncodeToString([]byte{c}))
		}
	}
	return b.String()
}

// Unescape is the inverse of Escape. What it cannot have given is left as it is.
func Unescape(name string) string {
	var b strings.Builder
	for rest := name; rest != ""; {
		if rest[0] == escape && len(rest) > 2 {
			if c, err := hex.DecodeString(rest[1:3]); err == nil {
				b.Write(c)
				rest = rest[3:]
				continue
			}
		}
		b.WriteByte(rest[0])
		rest = rest[1:]
	}
	return b.String()
}
