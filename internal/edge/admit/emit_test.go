package admit_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
)

func TestLineIsCutToItsBound(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{0: 0, 5: 5, admit.LineBytesMax: admit.LineBytesMax, admit.LineBytesMax + 1: admit.LineBytesMax} {
		l := core.LogLine{Message: strings.Repeat("x", n)}
		require.NoError(t, admit.Line(&l))
		require.Len(t, l.Message, want)
	}
	l := core.LogLine{Message: "a\x00\xff"}
	require.NoError(t, admit.Line(&l))
	require.Equal(t, "a\uFFFD\uFFFD", l.Message)
}

func TestFieldsThatCannotBeKeptAreLeftOut(t *testing.T) {
	t.Parallel()
	for fields, kept := range map[string]bool{
		"": true, `{"a":1}`: true, string(object(admit.LineBytesMax - 1)): true,
		string(object(admit.LineBytesMax)): false, "[]": false, "{": false, "\xff": false, `{"a":"\u0000"}`: false, " ": false,
	} {
		l := core.LogLine{Message: "m", Fields: core.Payload(fields)}
		require.NoError(t, admit.Line(&l))
		if kept {
			require.Equal(t, fields, string(l.Fields))
		} else {
			require.Contains(t, string(l.Fields), `{"fields":"left out: `, fields)
		}
	}
}

func TestChunkHasItsBounds(t *testing.T) {
	t.Parallel()
	for bytes, field := range map[int]string{0: "data", 1: "", admit.ChunkBytesMax: "", admit.ChunkBytesMax + 1: "data"} {
		t.Run(fmt.Sprint(bytes), func(t *testing.T) {
			t.Parallel()
			check(t, admit.Chunk(&core.Chunk{Data: make(core.Payload, bytes)}), field)
		})
	}
	check(t, admit.Chunk(&core.Chunk{Seq: -1, Data: core.Payload("x")}), "seq")
	check(t, admit.Chunk(&core.Chunk{Seq: core.StreamBytesMax + 1, Data: core.Payload("x")}), "seq")
	check(t, admit.Line(&core.LogLine{Seq: -1}), "seq")
}
