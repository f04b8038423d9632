package core

import "github.com/adzehq/adze/internal/base/id"

// OnceKeysMax is how many once keys a shard keeps in memory, some 60 MB; what is beyond
// is in Postgres only.
const OnceKeysMax = 262_144

// onceExpireMax is how many keys one Tick frees; the others are freed with the next one,
// at once.
const onceExpireMax = 1_000

// Runs that end while keys are in Postgres only may have held one of these: they are
// looked up every onceSweepMS. Of more than onceSweepMax, the keys of the others are freed
// when somebody asks for them, or by their time.
const (
	onceSweepMS  = 1_000
	onceSweepMax = 10_000
)

// onceFreeMS is how long the shard remembers that a key it had to load is not held: whoever
// asked for it comes back with its run within that time, or asks again.
const onceFreeMS = 60_000

// NewOnceKey is a once key that a run of a Submit wants to hold. A tenant's run is started
// only if nobody else's holds the key, be it of the same workflow or of another one.
type NewOnceKey struct {
	Run        id.ID // of the Submit
	TTLMS      int64 // with OnceQuiet: the pause that ends a burst; with OnceRun: at most so long, 0 = no bound
	MaxDelayMS int64 // with OnceQuiet: the run starts so long after the first of the burst at the latest; 0 = no bound
	Item       int32 // the place in the Answer
	Hold       OnceHold
	Taken      OnceTaken
	Key        string
	Workflow   string // that declares the key; "" = it is given with the run, and no setting counts
}

// QuietMark is before and behind the name of the workflow that the keys of debounced runs
// begin with. No key that is given or declared has a control character.
const QuietMark = "\x1f"

// OnceHold is how long a run holds its key.
type OnceHold uint8

// The holds.
const (
	OnceTTL   OnceHold = iota + 1 // for a time, however the run ends
	OnceRun                       // until the run ends
	OnceQuiet                     // until the run starts, which each newcomer puts off: it takes the run's place
)

var onceHolds = [...]string{"", "ttl", "run", "quiet"}

func (h OnceHold) String() string { return onceHolds[h] }

// ParseOnceHold is the inverse of String; 0 if the name is unknown.
func ParseOnceHold(name string) OnceHold {
	for h := OnceTTL; h <= OnceQuiet; h++ {
		if h.String() == name {
			return h
		}
	}
	return 0
}

// OnceTaken is what becomes of a run whose key another one holds.
type OnceTaken uint8

// What can become of it.
const (
	OnceReject   OnceTaken = iota // it is refused
	OnceExisting                  // it is refused, and the answer is the run that holds the key
	OnceReplace                   // it takes the place of that one if no worker was ever given a task of it; else it is refused
)

// OnceKey is a row: a key that a run holds, or a run that was replaced and is still to be
// cancelled.
type OnceKey struct {
	Run    id.ID
	Tenant id.ID
	By     id.ID // the run that took its place; then the rest is empty. 0 = it holds Key
	Until  Time  // when the key is free; 0 = not before the run ends
	First  Time  // with OnceQuiet: when the first of the burst came
	Hold   OnceHold
	Key    string

	Begun bool // with Restore and Loaded: a worker was given a task of Run
	Ended bool // likewise: Run has ended
}

// Recall has the keys loaded of which the shard does not know whether they are held. A
// Loaded of that Tenant and those Keys says that it does.
type Recall struct {
	Tenant id.ID
	Keys   []string
}

func (*Recall) input() {}
