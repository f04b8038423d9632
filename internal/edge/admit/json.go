package admit

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// jsonNull is what an empty payload stands for.
var jsonNull = []byte("null")

// payload checks a JSON payload and gives what is stored for it.
func payload(field string, b []byte, bytesMax int) ([]byte, error) {
	if len(b) == 0 {
		return jsonNull, nil
	}
	if len(b) > bytesMax {
		return nil, invalid(field, "is %s bytes, at most %s are allowed; store it elsewhere and pass a reference",
			thousands(int64(len(b))), thousands(int64(bytesMax)))
	}
	return b, JSON(field, b)
}

// metadata checks a JSON object that describes a run; empty is none.
func metadata(field string, b []byte) ([]byte, error) {
	if len(b) == 0 {
		return nil, nil
	}
	if len(b) > MetadataBytesMax {
		return nil, invalid(field, "is %s bytes, at most %s are allowed",
			thousands(int64(len(b))), thousands(MetadataBytesMax))
	}
	if err := JSON(field, b); err != nil {
		return nil, err
	}
	if trimmed := bytes.TrimLeft(b, " \t\r\n"); trimmed[0] != '{' {
		return nil, invalid(field, "is not a JSON object; write it as {\"key\": …}")
	}
	return b, nil
}

// JSON checks that b is JSON which SQL can read too: Postgres's jsonb takes
// neither broken UTF-8 nor the escape of NUL.
func JSON(field string, b []byte) error {
	switch {
	case !utf8.Valid(b):
		return invalid(field, "is not UTF-8")
	case !json.Valid(b):
		return invalid(field, "is not JSON")
	case hasEscapedNUL(b):
		return invalid(field, `contains \u0000, which a database cannot hold as text; remove it`)
	}
	return nil
}

var escapedNUL = []byte(`\u0000`)

// hasEscapedNUL reports whether the valid JSON b has \u0000 as an escape. Behind
// an odd number of further backslashes it is the text "\u0000" and harmless.
func hasEscapedNUL(b []byte) bool {
	for from := 0; ; {
		found := bytes.Index(b[from:], escapedNUL)
		if found < 0 {
			return false
		}
		at := from + found
		if backslashesBefore(b, at)%2 == 0 {
			return true
		}
		from = at + len(escapedNUL)
	}
}

func backslashesBefore(b []byte, at int) (n int) {
	for at > 0 && b[at-1] == '\\' {
		at--
		n++
	}
	return n
}
