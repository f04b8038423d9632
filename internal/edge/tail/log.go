package tail

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

const (
	// linesPage of the longest lines are 4 MiB.
	linesPage = 500

	// LimitMax is how many lines may be asked for with a limit.
	LimitMax = 100_000

	// ContainsBytesMax bounds the text that is searched for.
	ContainsBytesMax = 1_024
)

// errEnough ends a reader that has all it asked for.
var errEnough = errors.New("tail: limit reached")

// ListLogs sends the lines that the run logged and, to who follows, those to come.
// Lines are chosen here and not in Postgres, so that those that come are chosen by
// the same rule.
func (r *Reader) ListLogs(
	ctx context.Context, tenant id.ID, req *wire.ListLogsRequest, send func(*wire.ListLogsResponse) error,
) error {
	if req.Limit < 0 || req.Limit > LimitMax {
		return fault.New(fault.Invalid, "limit", "is %d, allowed is 1 to %d, or 0 for all", req.Limit, LimitMax)
	}
	if len(req.Contains) > ContainsBytesMax {
		return fault.New(fault.Invalid, "contains", "is %d bytes long, at most %d are allowed", len(req.Contains), ContainsBytesMax)
	}
	t, err := newTail(ctx, r, rows[core.LogLine]{
		written: shard.WrittenLines,
		page:    linesPage,
		read:    r.Source.Lines,
		live:    func(came shard.Rows) []core.LogLine { return came.Lines },
		place:   func(l *core.LogLine) (id.ID, Place) { return l.Task, Place{l.Token, l.Seq} },
	}, tenant, id.ID(req.RunId), req.Task, req.After)
	if err != nil {
		return err
	}
	left := int(req.Limit)
	t.send = func(lines []placed[core.LogLine]) error {
		response := chosen(req, lines)
		if enough := left > 0 && len(response.Lines) >= left; enough {
			response.Lines = response.Lines[:left]
			if err := send(response); err != nil {
				return err
			}
			return errEnough
		}
		if left > 0 {
			left -= len(response.Lines)
		}
		if len(response.Lines) == 0 {
			return nil
		}
		return send(response)
	}
	if req.Follow {
		err = t.follow(ctx)
	} else {
		err = t.stored(ctx)
	}
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// chosen are the lines that were asked for.
func chosen(req *wire.ListLogsRequest, lines []placed[core.LogLine]) *wire.ListLogsResponse {
	response := &wire.ListLogsResponse{}
	for _, l := range lines {
		if !matches(req, l.row) {
			continue
		}
		response.Lines = append(response.Lines, &wire.LoggedLine{
			TaskId: uint64(l.row.Task), Task: l.task, Attempt: l.row.Attempt, Seq: l.row.Seq,
			TimeMs: int64(l.row.At), Level: l.row.Level, Message: l.row.Message, Fields: l.row.Fields, Cursor: l.cursor,
		})
	}
	return response
}

func matches(req *wire.ListLogsRequest, l *core.LogLine) bool {
	return (req.Attempt == 0 || l.Attempt == req.Attempt) &&
		(!req.HasLevelMin || l.Level >= req.LevelMin) &&
		(strings.Contains(l.Message, req.Contains) || bytes.Contains(l.Fields, []byte(req.Contains)))
}
