package sim

import (
	"slices"

	"github.com/adzehq/adze/internal/core"
)

// writeSabotages break the promises of what attempts write.
var writeSabotages = map[string]attack{
	"a line is not stored":                  {writtenRight, dropLine},
	"a chunk goes before another":           {writtenRight, swapChunks},
	"a chunk is put to another attempt":     {writtenRight, misplaceChunk},
	"a chunk is stored that nobody wrote":   {writtenRight, inventChunk},
	"a worker is not told what it may drop": {answered, dropEmitted},
	"an end comes before what was written":  {writtenWhole, hurryEnd},
}

func dropLine(_ *history, st *step) bool {
	if len(st.out.Lines) == 0 {
		return false
	}
	st.out.Lines = st.out.Lines[1:]
	return true
}

func swapChunks(_ *history, st *step) bool {
	if len(st.out.Chunks) < 2 {
		return false
	}
	slices.Reverse(st.out.Chunks)
	return true
}

func misplaceChunk(_ *history, st *step) bool {
	if len(st.out.Chunks) == 0 {
		return false
	}
	st.out.Chunks[0].Attempt++
	return true
}

func inventChunk(_ *history, st *step) bool {
	if len(st.out.Settled) == 0 {
		return false
	}
	told := st.out.Settled[0]
	st.out.Chunks = append(st.out.Chunks, core.Chunk{Task: told.Task, Token: told.Token, Attempt: 1})
	return true
}

func dropEmitted(_ *history, st *step) bool {
	if len(st.out.Emitted) == 0 {
		return false
	}
	st.out.Emitted = nil
	return true
}

// hurryEnd has an attempt's end say that it wrote more than was said before.
func hurryEnd(h *history, st *step) bool {
	for _, told := range st.out.Settled {
		if wrote, ended := h.wrote[told.Token]; ended && !told.Stale && !h.torn[told.Token] {
			h.wrote[told.Token] = pen{wrote.lines, wrote.chunks + 1}
			return true
		}
	}
	return false
}
