package auth

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// streams are those that are open, by their tokens.
type streams struct {
	mu sync.Mutex
	of map[uuid.UUID]*opened
}

// opened are the streams of one token.
type opened struct {
	expires time.Time
	ends    map[*stream]struct{}
}

// stream is ended by its token, with the reason.
type stream struct{ end context.CancelCauseFunc }

// Stream is Bearer for a call that lasts. The context that it gives knows the caller and
// ends with the token, with the reason as its cause. release is to be called when the
// stream is over.
func (v *Verifier) Stream(ctx context.Context, header string) (open context.Context, release func(), err error) {
	token, err := tokenOf(header)
	if err != nil {
		return nil, nil, err
	}
	e, err := v.entry(token)
	if err != nil {
		return nil, nil, err
	}
	caller, err := v.callerOf(ctx, e)
	if err != nil {
		return nil, nil, err
	}
	open, end := context.WithCancelCause(WithCaller(ctx, caller))
	one := &stream{end}
	v.streams.add(e, one)
	return open, func() {
		v.streams.remove(e.token, one)
		end(nil)
	}, nil
}

// Run ends streams whose tokens are no longer good, until ctx ends.
func (v *Verifier) Run(ctx context.Context) error {
	timer := v.clock.NewTimer(StreamsCheckedEvery)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C():
			v.checkStreams(ctx)
			timer.Reset(StreamsCheckedEvery)
		}
	}
}

// checkStreams looks at all tokens on which streams are open.
func (v *Verifier) checkStreams(ctx context.Context) {
	now := v.clock.Now()
	var asked []uuid.UUID
	for token, expires := range v.streams.tokens() {
		if now.Before(expires) {
			asked = append(asked, token)
		} else {
			v.endStreams(token, expired(expires))
		}
	}
	for part := range slices.Chunk(asked, askedTokensMax) {
		revoked, err := v.askRevoked(ctx, part)
		if err != nil { // streams go on while the database is away: what they carry waits for it
			v.log.Warn("tokens of open streams were not checked", "tokens", len(part), "error", err)
			return
		}
		for _, token := range revoked {
			v.refuse(token)
			v.endStreams(token, errRevoked)
		}
	}
}

func (v *Verifier) askRevoked(ctx context.Context, tokens []uuid.UUID) ([]uuid.UUID, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return v.store.Revoked(ctx, tokens)
}

func (v *Verifier) endStreams(token uuid.UUID, why error) {
	if n := v.streams.endAll(token, why); n > 0 {
		v.log.Info("ended streams of a token that is no longer good", "token_id", token, "streams", n)
	}
}

// refuse has a token be refused from now on: whose stream was ended comes back at once,
// and would else be let in until the token is checked again.
func (v *Verifier) refuse(token uuid.UUID) {
	for _, e := range v.entriesOf(token) {
		e.mu.Lock() // not within the lock of all: it may be held while the database is asked
		e.checkedAt, e.err = v.clock.Now(), errRevoked
		e.mu.Unlock()
	}
}

func (v *Verifier) entriesOf(token uuid.UUID) (entries []*entry) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, e := range v.known {
		if e.token == token {
			entries = append(entries, e)
		}
	}
	return entries
}

func (s *streams) add(e *entry, one *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.of[e.token]
	if of == nil {
		of = &opened{expires: e.expires, ends: map[*stream]struct{}{}}
		s.of[e.token] = of
	}
	of.ends[one] = struct{}{}
}

func (s *streams) remove(token uuid.UUID, one *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.of[token]
	if of == nil {
		return
	}
	if delete(of.ends, one); len(of.ends) == 0 {
		delete(s.of, token)
	}
}

// tokens are those on which streams are open, with when each expires.
func (s *streams) tokens() map[uuid.UUID]time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	tokens := make(map[uuid.UUID]time.Time, len(s.of))
	for token, of := range s.of {
		tokens[token] = of.expires
	}
	return tokens
}

// endAll ends the streams of a token, and tells how many there were.
func (s *streams) endAll(token uuid.UUID, why error) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.of[token]
	if of == nil {
		return 0
	}
	delete(s.of, token)
	for one := range of.ends {
		one.end(why)
	}
	return len(of.ends)
}
