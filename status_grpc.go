package adze

import (
	"context"
	"errors"
	"io"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// codeKinds is the one table between gRPC's codes and ours. What is missing says that
// there was no answer.
var codeKinds = map[codes.Code]Kind{
	codes.InvalidArgument:    KindInvalid,
	codes.NotFound:           KindNotFound,
	codes.AlreadyExists:      KindConflict,
	codes.FailedPrecondition: KindConflict,
	codes.Unauthenticated:    KindUnauthenticated,
	codes.PermissionDenied:   KindForbidden,
	codes.ResourceExhausted:  KindExhausted,
	codes.Unimplemented:      KindUnimplemented,
	codes.Internal:           KindInternal,
	codes.Unknown:            KindInternal,
	codes.DataLoss:           KindInternal,
}

// received is the *Error of a call's error. A connection that broke, or a caller who
// gave up, is KindUnavailable.
func received(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return &Error{Kind: KindUnavailable, Text: "the engine ended the stream", cause: err}
	}
	s := status.Convert(err)
	for _, detail := range s.Details() {
		if f, ok := detail.(*wire.FieldError); ok {
			return fieldError(f)
		}
	}
	kind, known := codeKinds[s.Code()]
	if !known {
		kind = KindUnavailable
	}
	return &Error{Kind: kind, Text: withoutTransport(s.Message()), cause: contextCause(s.Code())}
}

// withoutTransport leaves of gRPC's "connection error: desc = "transport: Error while
// dialing: …"" what the system said.
func withoutTransport(text string) string {
	if _, said, found := strings.Cut(text, "Error while dialing: "); found {
		return strings.TrimSuffix(said, `"`)
	}
	return text
}

// contextCause lets errors.Is see that it was the caller who gave up.
func contextCause(code codes.Code) error {
	switch code {
	case codes.Canceled:
		return context.Canceled
	case codes.DeadlineExceeded:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func fieldError(f *wire.FieldError) error {
	return &Error{Kind: Kind(f.Kind), Field: f.Field, Text: f.Text, Run: ID(f.RunId)}
}
