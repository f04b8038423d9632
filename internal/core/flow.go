package core

import (
	"cmp"

	"github.com/adzehq/adze/internal/base/id"
)

// Flow is what, of one run, decides when and where its tasks may run: what the
// expressions of its definition gave for its input, worked out once, when it was
// submitted. A run of whose definition nothing of the kind is said has none.
type Flow struct {
	Share  string     // as NewTask.Key
	Limits []LimitKey // of Definition.Limits, in their order; of a graph: of Graph.Limits
	Rates  []RateKey  // of Definition.Rates, in their order
	Batch  string     // the key of its batch
	Size   int32      // bytes of its input, with Definition.Batch
	Labels []Label    // take the place of those of the same key in the definition
	Worker id.ID      // who is to run it, if its definition is sticky; 0 = any
	Failed string     // it could not be worked out: the run fails with this text when it would begin
	Nodes  []NodeFlow // of a graph: of its tasks, by place; those of which nothing is said are left out

	Logs []LogLength `json:",omitempty"` // of a run of a graph: the logs that its tasks begin with

	// Of a run of a graph that waits for places: what it needs when it begins.
	Scopes []string
	Kept   []EndedNode
}

// doomed tells whether what is said of a run is that it fails.
func (f *Flow) doomed() bool { return f != nil && f.Failed != "" }

// LogLength is how long the log is that the task of a node begins with.
type LogLength struct {
	Node    int32
	Entries int32
}

// NodeFlow is what is said of a task of a graph.
type NodeFlow struct {
	Node int32
	Flow Flow
}

// LimitKey is which of the keys of a limit a run counts for.
type LimitKey struct {
	Key string
	Max int32 // for this key, from now on; 0 = as the limit says
}

// RateKey is which of the keys of a rate limit a task draws from, and how much.
type RateKey struct {
	Key   string
	Units int32
	Limit int32 // for this key, from now on; 0 = as the rate limit says
}

// Need is what the worker of a task must have: tasks of one queue with the same need
// are of one class, and any worker that serves one of them serves all.
type Need struct {
	Queue  string // whose order and settings it shares; "" = Action
	Action string
	Slots  []SlotUse  // what it takes up, by type; nil = one of the default type
	Labels []Label    // by key
	Worker id.ID      // only this one; 0 = any
	Spread int32      // which hand of workers its key is dealt, 1-based; 0 = all of them
	Batch  *BatchRule // it is given to a worker with others; nil: alone
}

// SlotUse is how many slots of a type a task takes up.
type SlotUse struct {
	Type  string // "" is the default one
	Units int32
}

// Label is what a worker's label of that key should be.
type Label struct {
	Key        string
	Value      string
	Number     bool // compared as numbers
	Comparator Comparator
	Weight     int32 // added to the score of a worker that meets it
	Required   bool  // a worker that does not meet it is never given the task
}

// Comparator is how a worker's label compares with the one wanted.
type Comparator uint8

// The comparators; all but the first two are for numbers.
const (
	LabelEqual Comparator = iota
	LabelNotEqual
	LabelGreater
	LabelGreaterOrEqual
	LabelLess
	LabelLessOrEqual
)

// Sticky is whether tasks of a run go to the worker that had one of it before.
type Sticky uint8

// The kinds of stickiness.
const (
	StickyNone   Sticky = iota
	StickyPrefer        // to that one if it has a free slot
	StickyOnly          // to that one only
)

// RateUse is a rate limit that tasks draw from.
type RateUse struct{ Name string }

// BatchRule has tasks given to a worker together.
type BatchRule struct {
	SizeMax    int32 // tasks in a batch
	BytesMax   int64 // of their inputs; one at least is taken
	IntervalMS int64 // since the first of them was ready
	RunningMax int32 // batches of one key that run at a time
}

// Strategy is what a concurrency limit does with whom it has no place for.
type Strategy uint8

// The strategies.
const (
	LimitQueue         Strategy = iota // they wait, higher priority first
	LimitFIFO                          // they wait, strictly in the order of their ids: one that is tried again keeps its place
	LimitCancelRunning                 // the newest have places, older ones are cancelled
	LimitCancelNewest                  // they are cancelled
	LimitKeepNewest                    // of those that wait, all but the newest are cancelled
	LimitKeepOldest                    // of those that wait, all but the oldest are cancelled
)

var strategies = [...]string{"queue", "fifo", "cancel_running", "cancel_newest", "keep_newest", "keep_oldest"}

func (s Strategy) String() string { return strategies[s] }

// ParseStrategy is the inverse of String.
func ParseStrategy(name string) (Strategy, bool) {
	for i, one := range strategies {
		if one == name {
			return Strategy(i), true
		}
	}
	return 0, false
}

// Set changes how a queue, a limit or a rate limit works from now on, or drops what
// was changed. It is answered with AnswerDone.
type Set struct {
	Ref      uint64
	Settings []Setting
}

func (*Set) input() {}

// Setting is how one thing works, and its row.
type Setting struct {
	Tenant   id.ID
	Kind     SettingKind
	Name     string // of a queue, a limit, a rate limit, a workflow; of a batch: the action; of a grant: GrantName of the home
	Key      string // for one key of it only; "" = for all
	Declared bool   // by a workflow's definition: what was set otherwise goes first
	Dropped  bool   // it is taken back
	Queue    QueueSetting
	Limit    LimitSetting
	Rate     RateSetting
	Grant    GrantSetting
	Batch    BatchSetting
	Once     OnceSetting
	Age      AgeSetting
}

// SettingKey names a setting.
type SettingKey struct {
	Tenant    id.ID
	Kind      SettingKind
	Name, Key string
	Declared  bool
}

// ID is the setting's name.
func (s *Setting) ID() SettingKey { return SettingKey{s.Tenant, s.Kind, s.Name, s.Key, s.Declared} }

// Compare orders the names of settings.
func (k SettingKey) Compare(other SettingKey) int {
	declared := 0
	if k.Declared != other.Declared {
		declared = 1
		if other.Declared {
			declared = -1
		}
	}
	return cmp.Or(cmp.Compare(k.Tenant, other.Tenant), cmp.Compare(k.Kind, other.Kind),
		cmp.Compare(k.Name, other.Name), cmp.Compare(k.Key, other.Key), declared)
}

// SettingKind is what a Setting is about.
type SettingKind uint8

// What can be set.
const (
	SettingQueue SettingKind = iota + 1
	SettingLimit
	SettingRate
	SettingWorkflow // as a queue: paused
	SettingGrant    // workers of another tenant run the tenant's tasks, see GrantName
	SettingBatch    // when batches of an action go
	SettingOnce     // the once keys that a workflow declares
	SettingAge      // what waiting was worth in a queue when its ageing was changed; the core says it
	SettingLimitAge // likewise in the lines of a limit
)

// QueueSetting is how a queue works.
type QueueSetting struct {
	ByCost      bool  `json:"by_cost,omitempty"`       // keys share run time, not tasks
	AgeMS       int64 `json:"age_ms,omitempty"`        // so long a wait is worth one of priority; 0 = priority is strict
	Weight      int32 `json:"weight,omitempty"`        // of a key, in thousandths: its share beside others; 0 = WeightDefault
	Spread      int32 `json:"spread,omitempty"`        // each key is dealt so many workers; 0 = all
	Paused      bool  `json:"paused,omitempty"`        // nothing of it begins
	PausedTTLMS int64 `json:"paused_ttl_ms,omitempty"` // what has waited so long while it is paused is cancelled; 0 = never
	// With Paused, of a workflow: its schedules start no runs, instead of runs that wait.
	DropCrons bool `json:"drop_crons,omitempty"`
	DropOnce  bool `json:"drop_once,omitempty"`
	// With Paused: since when; the core says.
	PausedSinceMS int64 `json:"paused_since_ms,omitempty"`
}

// AgeSetting is where ageing stood in a queue or a limit when it was last changed while
// somebody waited.
type AgeSetting struct {
	Worth int64 `json:"worth"` // in priorities
	Since Time  `json:"since"`
}

// WeightDefault is the weight of a key of which nothing is said.
const WeightDefault = 1_000

// LimitSetting is how a concurrency limit works.
type LimitSetting struct {
	Max      int32    `json:"max"`
	ByRun    bool     `json:"by_run,omitempty"`   // LimitKey.Max says how many; Max is for keys of which no run has said so
	Strategy Strategy `json:"strategy,omitempty"` // not of one key
	AgeMS    int64    `json:"age_ms,omitempty"`   // as of a queue, with LimitQueue; not of one key
}

// RateSetting is how a rate limit works.
type RateSetting struct {
	Limit    int32 `json:"limit"`            // units in each period
	PeriodMS int64 `json:"period_ms"`        // of one key: 0 = as of all
	Smooth   bool  `json:"smooth,omitempty"` // units come back one by one, not all at the end of the period; not of one key
	// Nothing is drawn until then; 0 = at once.
	PausedUntil Time `json:"paused_until,omitempty"`
}

// BatchSetting is what is different about a BatchRule; 0 = as that says.
type BatchSetting struct {
	SizeMax    int32 `json:"size_max,omitempty"`
	RunningMax int32 `json:"running_max,omitempty"`
	BytesMax   int64 `json:"bytes_max,omitempty"`
	IntervalMS int64 `json:"interval_ms,omitempty"`
}

// OnceSetting is what is different about the once keys that a workflow declares, from the
// next run on that wants one; 0 = as is declared.
type OnceSetting struct {
	TTLMS      int64     `json:"ttl_ms,omitempty"` // as of NewOnceKey
	MaxDelayMS int64     `json:"max_delay_ms,omitempty"`
	Collides   bool      `json:"collides,omitempty"` // Taken counts
	Taken      OnceTaken `json:"taken,omitempty"`
}
