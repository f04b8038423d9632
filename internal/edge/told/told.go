// Package told says what a caller is told of an error, whichever edge it came by.
//
// It owns the sentences for what is no fault of the caller's. It promises that such an
// error is logged once, and that nothing of its text goes out.
package told

import (
	"errors"
	"log/slog"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/pg"
)

// Of is what the caller of a request is told of err: itself if it is for users. What has
// no kind is logged here, and the caller learns no more than that.
func Of(log *slog.Logger, err error) *fault.Error {
	var e *fault.Error
	switch {
	case errors.As(err, &e) && e.Kind != fault.Internal:
		return e
	case pg.Unreachable(err):
		log.Warn("request found no database", "error", err)
		return fault.New(fault.Unavailable, "", "the engine's database does not answer: try again")
	default:
		log.Error("request failed", "error", err)
		return fault.New(fault.Internal, "", "internal error: the engine's log says more")
	}
}
