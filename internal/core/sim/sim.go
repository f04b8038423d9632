package sim

// StepsUsual is how many things happen in a history before its quiet end: short
// ones, in great number, reach more corners than a few long ones.
const StepsUsual = 150

// Play runs the history of seed for so many steps; nil if it keeps all promises.
// The digest is of all effects, 0 unless it is asked for.
func Play(seed uint64, steps int, digested bool) (digest uint64, failure *Failure) {
	h := newHistory(seed)
	if digested {
		h.digest = newDigest()
	}
	if failure = h.play(steps); failure != nil || !digested {
		return 0, failure
	}
	return h.digest.Sum64(), nil
}

// play is run that says what is needed to look into a failure.
func (h *history) play(steps int) *Failure {
	v := h.run(steps)
	if v == nil {
		return nil
	}
	return &Failure{Seed: h.seed, Steps: steps, At: len(h.entries), Violation: v, Trace: h.trace()}
}
