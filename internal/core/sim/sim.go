package sim

// Steps is how many things happen in a history before its quiet end.
const Steps = 150

// Play runs the history of seed; nil if it keeps all promises. digest is of all
// effects, 0 unless it is asked for.
func Play(seed uint64, digested bool) (digest uint64, failure *Failure) {
	h := newHistory(seed)
	if digested {
		h.digest = newDigest()
	}
	if v := h.run(Steps); v != nil {
		return 0, &Failure{Seed: seed, Step: len(h.entries), Violation: v, Trace: h.trace()}
	}
	if digested {
		digest = h.digest.Sum64()
	}
	return digest, nil
}
