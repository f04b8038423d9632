package adzetest

import (
	"cmp"
	"context"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/tail"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// written is what attempts write: the rows by task, in the order of their primary keys.
type written struct {
	lines  map[id.ID][]core.LogLine
	chunks map[id.ID][]core.Chunk
}

func newWritten() written {
	return written{lines: map[id.ID][]core.LogLine{}, chunks: map[id.ID][]core.Chunk{}}
}

func (w *written) write(e *core.Effects) {
	for _, l := range e.Lines {
		w.lines[l.Task] = append(w.lines[l.Task], l)
	}
	for _, c := range e.Chunks {
		w.chunks[c.Task] = append(w.chunks[c.Task], c)
	}
}

// Tasks implements tail.Source.
func (m *memory) Tasks(_ context.Context, _, run id.ID) ([]tail.Task, error) {
	stored, err := m.stored(run)
	if err != nil {
		return nil, err
	}
	if !stored.graph() {
		return []tail.Task{{ID: run, Name: stored.workflow.Name}}, nil
	}
	tasks := make([]tail.Task, len(stored.workflow.Tasks))
	for i, t := range stored.workflow.Tasks {
		tasks[i] = tail.Task{ID: run + 1 + id.ID(i), Name: t.Name}
	}
	return tasks, nil
}

// Lines implements tail.Source.
func (m *memory) Lines(_ context.Context, _, task id.ID, after tail.Place, limit int) ([]core.LogLine, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return page(m.written.lines[task], limit, func(l core.LogLine) int { return compare(l.Token, l.Seq, after) }), nil
}

// Chunks implements tail.Source.
func (m *memory) Chunks(_ context.Context, _, task id.ID, after tail.Place, limit int) ([]core.Chunk, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return page(m.written.chunks[task], limit, func(c core.Chunk) int { return compare(c.Token, c.Seq, after) }), nil
}

func compare(token core.Token, seq int32, with tail.Place) int {
	return cmp.Or(cmp.Compare(token, with.Token), cmp.Compare(seq, with.Seq))
}

// page is a copy of at most limit rows from the first that is after the place.
func page[Row any](rows []Row, limit int, place func(Row) int) []Row {
	first := slices.IndexFunc(rows, func(r Row) bool { return place(r) > 0 })
	if first < 0 {
		return nil
	}
	rest := rows[first:]
	return slices.Clone(rest[:min(limit, len(rest))])
}

// ReadStream implements embed.Reader.
func (r *reader) ReadStream(
	ctx context.Context, tenant id.ID, request *wire.ReadStreamRequest, send func(*wire.ReadStreamResponse) error,
) error {
	return (&tail.Reader{Source: r.memory, Shards: r.shards}).ReadStream(ctx, tenant, request, send)
}

// ListLogs implements embed.Reader.
func (r *reader) ListLogs(
	ctx context.Context, tenant id.ID, request *wire.ListLogsRequest, send func(*wire.ListLogsResponse) error,
) error {
	return (&tail.Reader{Source: r.memory, Shards: r.shards}).ListLogs(ctx, tenant, request, send)
}
