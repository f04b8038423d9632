package shard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/adzehq/adze/internal/base/expr"
	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// OnceKeyBytesMax is how long an idempotency key may be.
const OnceKeyBytesMax = 512

// Once is an idempotency key that is given with a run.
type Once struct {
	Key   string
	TTLMS int64 // with core.OnceRun: at most so long, 0 = no bound
	Hold  core.OnceHold
	Taken core.OnceTaken
}

// Keyed is what a workflow declares about the keys of its runs: at most one of the two.
type Keyed struct {
	Idempotency *Idempotency `json:"idempotency,omitempty"`
	Debounce    *Debounce    `json:"debounce,omitempty"`
}

// Idempotency starts no run whose key another run of the tenant holds.
type Idempotency struct {
	Key         string `json:"key"`              // an expression over the run (expr.Run); what gives "" gives no key
	TTLMS       int64  `json:"ttl_ms,omitempty"` // with hold "run": at most so long, 0 = no bound
	Hold        string `json:"hold"`             // "ttl": for ttl_ms; "run": until the run ends
	OnCollision string `json:"on_collision"`     // "reject", "existing", "replace"
}

// Debounce starts the last run of a burst only: each takes the place of the one before.
type Debounce struct {
	Key        string `json:"key"`                    // an expression over the run (expr.Run); what gives "" is not debounced
	PeriodMS   int64  `json:"period_ms"`              // the pause that ends a burst
	MaxDelayMS int64  `json:"max_delay_ms,omitempty"` // so long after the first of a burst at the latest; 0 = no bound
}

// Collisions are the names of what becomes of a run whose key is held.
var Collisions = map[string]core.OnceTaken{
	"reject": core.OnceReject, "existing": core.OnceExisting, "replace": core.OnceReplace,
}

// keyed is a Keyed that can be evaluated.
type keyed struct {
	program *expr.TextProgram
	want    core.NewOnceKey // but for the key
	prefix  string          // of the key
}

func newKeyed(workflow string, from Keyed) (*keyed, error) {
	k := &keyed{}
	var expression string
	switch {
	case from.Debounce != nil:
		expression = from.Debounce.Key
		k.prefix = core.QuietMark + workflow + core.QuietMark
		k.want = core.NewOnceKey{Workflow: workflow, Hold: core.OnceQuiet, TTLMS: from.Debounce.PeriodMS, MaxDelayMS: from.Debounce.MaxDelayMS}
	case from.Idempotency != nil:
		expression = from.Idempotency.Key
		k.want = core.NewOnceKey{
			Workflow: workflow, Hold: core.ParseOnceHold(from.Idempotency.Hold), TTLMS: from.Idempotency.TTLMS,
			Taken: Collisions[from.Idempotency.OnCollision],
		}
	default:
		return nil, nil
	}
	var err error
	if k.program, err = expr.Run.CompileText(expression); err != nil {
		return nil, fmt.Errorf("compile key of workflow %s: %w", workflow, err)
	}
	return k, nil
}

func (k *keyed) debounces() bool { return k != nil && k.want.Hold == core.OnceQuiet }

// onceOf is the key that a run with this input and metadata wants, nil if none: the one
// that is given, else the one that the workflow declares.
func (v *version) onceOf(input, metadata []byte, given *Once) (*core.NewOnceKey, error) {
	switch {
	case given != nil && v.keyed.debounces():
		return nil, fault.New(fault.Invalid, "idempotency", "is given, but workflow %q debounces its runs; leave it out", v.Workflow)
	case given != nil:
		return &core.NewOnceKey{Key: given.Key, TTLMS: given.TTLMS, Hold: given.Hold, Taken: given.Taken}, nil
	case v.keyed == nil:
		return nil, nil
	}
	key, err := v.keyed.key(input, metadata)
	if err != nil {
		return nil, fault.New(fault.Invalid, "input", "gives no key for workflow %q: %s", v.Workflow, err)
	}
	if key == "" {
		return nil, nil
	}
	want := v.keyed.want
	want.Key = v.keyed.prefix + key
	return &want, nil
}

// Keyless implements Client.
func (r *Runtime) Keyless(_ context.Context, tenant id.ID, runs []NewRun) ([]bool, error) {
	keyless := make([]bool, len(runs))
	for i := range runs {
		run := &runs[i]
		v := r.catalog.workflow(tenant, run.Workflow)
		if v == nil || v.keyed == nil || v.keyed.debounces() || run.Once != nil {
			continue
		}
		_, err := v.keyed.key(run.Input, run.Metadata)
		keyless[i] = err != nil
	}
	return keyless, nil
}

// onceOfTick is onceOf for a run that a schedule starts: it is not debounced, for its tick
// says when it starts.
func (v *version) onceOfTick(s *core.Schedule) (*core.NewOnceKey, error) {
	if v.keyed.debounces() {
		return nil, nil
	}
	return v.onceOf(s.Input, s.Metadata, nil)
}

func (k *keyed) key(input, metadata []byte) (string, error) {
	values := [2]expr.Value{}
	for i, document := range [][]byte{input, metadata} {
		if document == nil {
			continue // null
		}
		var err error
		if values[i], err = expr.Parse(document); err != nil {
			return "", err
		}
	}
	key, err := k.program.Text(values[0], values[1])
	if err != nil || key == "" {
		return "", err
	}
	return key, FitsOnceKey(key)
}

// FitsOnceKey tells whether a text may be an idempotency key.
func FitsOnceKey(key string) error {
	switch {
	case len(key) > OnceKeyBytesMax:
		return fmt.Errorf("it is %d bytes long, at most %d are allowed", len(key), OnceKeyBytesMax)
	case !utf8.ValidString(key) || strings.ContainsFunc(key, unicode.IsControl):
		return errors.New("it has a control character, or is not UTF-8")
	}
	return nil
}

// wanted are the keys that the runs of a message want.
type wanted struct {
	tenant id.ID
	keys   []string
}

func wantedBy(tenant id.ID, rows []submission) *wanted {
	var w *wanted
	for i := range rows {
		if rows[i].once != nil {
			if w == nil {
				w = &wanted{tenant: tenant}
			}
			w.keys = append(w.keys, rows[i].once.Key)
		}
	}
	return w
}

// and are the keys of both.
func (w *wanted) and(other *wanted) *wanted {
	if w == nil || other == nil {
		return cmp.Or(w, other)
	}
	return &wanted{w.tenant, slices.Concat(w.keys, other.keys)}
}

func (s *submission) onceKey() string {
	if s.once == nil {
		return ""
	}
	return s.once.Key
}

// recalled tells whether the core can judge the keys that m wants. If not, it is asked
// to, and m waits.
func (r *Runtime) recalled(mind *core.Shard, m *message, now core.Time, effects *core.Effects) bool {
	if m.wanted == nil || len(mind.Missing(m.wanted.tenant, m.wanted.keys)) == 0 {
		return true
	}
	mind.Apply(now, &core.Recall{Tenant: m.wanted.tenant, Keys: m.wanted.keys}, effects)
	r.parked = append(r.parked, *m)
	return false
}

// unpark gives back what waited for keys to be loaded, once some are.
func (r *Runtime) unpark(in core.Input) []message {
	loaded, ok := in.(*core.Loaded)
	if !ok || loaded.Load.Kind != core.LoadOnce {
		return nil
	}
	parked := r.parked
	r.parked = nil
	return parked
}

// keysOf are the keys of those rows that want one, as the core takes them; ids are those
// of the rows.
func keysOf(rows []submission, ids []id.ID) []core.NewOnceKey {
	var keys []core.NewOnceKey
	for i := range rows {
		if rows[i].once != nil {
			want := *rows[i].once
			want.Run, want.Item = ids[i], int32(i)
			keys = append(keys, want)
		}
	}
	slices.SortFunc(keys, func(a, b core.NewOnceKey) int { return cmp.Compare(a.Run, b.Run) })
	return keys
}

// verdicts are what the core answers about the keys of runs.
type verdicts struct {
	runtime *Runtime
	ref     uint64
	pending *pending // nil: none has a key
}

// expectVerdicts prepares for the answers about rows; end forgets them.
func (r *Runtime) expectVerdicts(rows []submission) *verdicts {
	n := 0
	for i := range rows {
		if rows[i].once != nil {
			n++
		}
	}
	v := &verdicts{runtime: r}
	if n > 0 {
		v.ref, v.pending = r.answers.expect(n)
	}
	return v
}

func (v *verdicts) end() {
	if v.pending != nil {
		v.runtime.answers.forget(v.ref)
	}
}

// wait returns the answers about runs that are committed.
func (v *verdicts) wait(ctx context.Context) ([]core.Answer, error) {
	if v.pending == nil {
		return nil, nil
	}
	select {
	case <-v.pending.done:
		return v.pending.got, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-v.runtime.failed:
		return nil, v.runtime.unavailable()
	}
}

// submittedAs is what came of a run by the core's answer.
func submittedAs(a core.Answer, key string) Submitted {
	switch a.Kind {
	case core.AnswerHeld:
		return Submitted{Err: held(key, a.Task)}
	case core.AnswerExists:
		return Submitted{ID: a.Task, Existed: true}
	}
	return Submitted{ID: a.Task}
}

// held is the refusal of a run whose key another one holds.
func held(key string, by id.ID) *fault.Error {
	e := fault.New(fault.Conflict, "idempotency.key", "%q is held by run %s", key, by)
	e.Run = by
	return e
}
