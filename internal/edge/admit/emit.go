package admit

import (
	"fmt"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/core"
)

const (
	// LineBytesMax is a line of a log, message and fields; the rest is cut.
	LineBytesMax = 8 << 10

	// ChunkBytesMax is a chunk of a stream.
	ChunkBytesMax = 64 << 10

	// UnstoredBytesMax is what a worker has out of lines and chunks that it was not told
	// to be stored.
	UnstoredBytesMax = 4 << 20

	// UnstoredRowBytes is what each of them counts beside its bytes.
	UnstoredRowBytes = 512
)

// Line checks a line of a log and makes it fit to be stored: what is too long is cut,
// and fields that are none are left out. Only what is no line at all is an error, for
// what is refused would come again.
func Line(l *core.LogLine) error {
	if l.Seq < 0 {
		return fault.New(fault.Invalid, "seq", "is %d, lines are counted from 0", l.Seq)
	}
	if l.Message != "" {
		l.Message = fit(l.Message, LineBytesMax)
	}
	if len(l.Fields) == 0 {
		l.Fields = nil
		return nil
	}
	if _, err := metadata("fields", l.Fields); err != nil {
		l.Fields = leftOut("they are no JSON object that can be stored")
	} else if len(l.Message)+len(l.Fields) > LineBytesMax {
		l.Fields = leftOut(fmt.Sprintf("with %d bytes they are too long for a line", len(l.Fields)))
	}
	return nil
}

// leftOut stands for fields that are not kept.
func leftOut(why string) []byte { return fmt.Appendf(nil, `{"fields":%q}`, "left out: "+why) }

// Chunk checks a chunk of a stream.
func Chunk(c *core.Chunk) error {
	if c.Seq < 0 || c.Seq > core.StreamBytesMax {
		return fault.New(fault.Invalid, "seq", "is %d, chunks are counted from 0", c.Seq)
	}
	if n := len(c.Data); n == 0 || n > ChunkBytesMax {
		return fault.New(fault.Invalid, "data", "is %s bytes, allowed are 1 to %s", thousands(int64(n)), thousands(ChunkBytesMax))
	}
	return nil
}
