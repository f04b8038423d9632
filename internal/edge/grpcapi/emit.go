package grpcapi

import (
	"context"
	"fmt"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// emit hands over what attempts wrote. The slices are the shard's then.
func (w *work) emit(ctx context.Context, message *wire.WorkerMessage) error {
	lines := make([]core.LogLine, len(message.Logs))
	for i, l := range message.Logs {
		lines[i] = core.LogLine{
			Task: id.ID(l.GetTaskId()), Token: core.Token(l.GetToken()), Seq: l.GetSeq(),
			At: core.Time(l.GetTimeMs()), Level: l.GetLevel(), Message: l.GetMessage(), Fields: l.GetFields(),
		}
		if err := admit.Line(&lines[i]); err != nil {
			return fault.At(fmt.Sprintf("logs[%d]", i), err)
		}
	}
	chunks := make([]core.Chunk, len(message.Chunks))
	for i, c := range message.Chunks {
		chunks[i] = core.Chunk{
			Task: id.ID(c.GetTaskId()), Token: core.Token(c.GetToken()), Seq: c.GetSeq(), Data: c.GetData(),
		}
		if err := admit.Chunk(&chunks[i]); err != nil {
			return fault.At(fmt.Sprintf("chunks[%d]", i), err)
		}
	}
	return w.session.Emit(ctx, lines, chunks)
}

func emitted(from []core.Emitted) []*wire.Emitted {
	list := make([]*wire.Emitted, len(from))
	for i, e := range from {
		list[i] = &wire.Emitted{TaskId: uint64(e.Task), Token: uint64(e.Token), Lines: e.Lines, Chunks: e.Chunks}
	}
	return list
}
