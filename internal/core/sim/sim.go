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
	if v := h.run(steps); v != nil {
		return 0, &Failure{Seed: seed, Steps: steps, At: len(h.entries), Violation: v, Trace: h.trace()}
	}
	if digested {
		digest = h.digest.Sum64()
	}
	return digest, nil
}
