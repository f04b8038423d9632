package tail

import (
	"context"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// chunksPage of the largest chunks are 4 MiB.
const chunksPage = 64

// ReadStream sends what the run streamed, streams and will stream, until it has ended.
func (r *Reader) ReadStream(
	ctx context.Context, tenant id.ID, req *wire.ReadStreamRequest, send func(*wire.ReadStreamResponse) error,
) error {
	return r.readStream(ctx, tenant, req, nil, send)
}

// Watch is ReadStream of a whole run, and has steps tell how its tasks begin and end.
func (r *Reader) Watch(ctx context.Context, tenant, run id.ID, steps Steps, send func(*wire.ReadStreamResponse) error) error {
	return r.readStream(ctx, tenant, &wire.ReadStreamRequest{RunId: uint64(run)}, steps, send)
}

func (r *Reader) readStream(
	ctx context.Context, tenant id.ID, req *wire.ReadStreamRequest, steps Steps, send func(*wire.ReadStreamResponse) error,
) error {
	t, err := newTail(ctx, r, rows[core.Chunk]{
		written: shard.WrittenChunks,
		page:    chunksPage,
		read:    r.Source.Chunks,
		live:    func(came shard.Rows) []core.Chunk { return came.Chunks },
		place:   func(c *core.Chunk) (id.ID, Place) { return c.Task, Place{c.Token, c.Seq} },
	}, tenant, id.ID(req.RunId), req.Task, req.After)
	if err != nil {
		return err
	}
	t.steps = steps
	t.send = func(chunks []placed[core.Chunk]) error { return send(streamed(chunks)) }
	return t.follow(ctx)
}

func streamed(chunks []placed[core.Chunk]) *wire.ReadStreamResponse {
	response := &wire.ReadStreamResponse{Chunks: make([]*wire.StreamedChunk, len(chunks))}
	for i, c := range chunks {
		response.Chunks[i] = &wire.StreamedChunk{
			TaskId: uint64(c.row.Task), Task: c.task, Attempt: c.row.Attempt, Seq: c.row.Seq,
			Data: c.row.Data, Restarted: c.restarted, Cursor: c.cursor,
		}
	}
	return response
}
