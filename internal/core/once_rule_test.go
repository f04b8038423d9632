package core

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
)

// wants submits a run that wants a key that its workflow declares.
func (r *rig) wants(key NewOnceKey) (id.ID, Answer, *NewTask) {
	task := r.ids.Next(int64(r.now))
	key.Run, key.Workflow = task, "flow"
	out := r.apply(&Submit{Ref: 1, Tasks: []NewTask{{ID: task, Tenant: tenant, Version: version}}, Once: []NewOnceKey{key}})
	require.Len(r.t, out.Answers, 1)
	if len(out.Tasks) == 0 {
		return task, out.Answers[0], nil
	}
	return task, out.Answers[0], &out.Tasks[0]
}

func (r *rig) onces(key string, to OnceSetting, dropped bool) {
	r.apply(&Set{Settings: []Setting{{Tenant: tenant, Kind: SettingOnce, Name: "flow", Key: key, Once: to, Dropped: dropped}}})
}

func TestDeclaredKeysAreHeldAsIsSet(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	held := NewOnceKey{Key: "k", Hold: OnceTTL, TTLMS: 1_000}
	r.onces("", OnceSetting{TTLMS: 10}, false)
	r.onces("other", OnceSetting{TTLMS: 100_000}, false)
	first, _, _ := r.wants(held)
	_, answer, _ := r.wants(held)
	require.Equal(t, AnswerHeld, answer.Kind)
	r.onces("", OnceSetting{TTLMS: 10, Collides: true, Taken: OnceExisting}, false)
	_, answer, _ = r.wants(held)
	require.Equal(t, AnswerExists, answer.Kind)
	require.Equal(t, first, answer.Task)
	r.now += 10
	_, answer, _ = r.wants(held)
	require.Equal(t, AnswerDone, answer.Kind, "it was held for as long as is set")
	r.onces("", OnceSetting{}, true)
	r.now += 10
	_, answer, _ = r.wants(held)
	require.Equal(t, AnswerDone, answer.Kind, "what is held stays so as it was taken")
	r.now += 999
	_, answer, _ = r.wants(held)
	require.Equal(t, AnswerHeld, answer.Kind, "as declared again")
}

func TestDebounceWaitsAsIsSetForItsKey(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	quiet := func(key string) NewOnceKey {
		return NewOnceKey{Key: QuietMark + "flow" + QuietMark + key, Hold: OnceQuiet, TTLMS: 1_000, MaxDelayMS: 5_000}
	}
	r.onces("slow", OnceSetting{TTLMS: 9_000, MaxDelayMS: 20_000}, false)
	_, _, row := r.wants(quiet("usual"))
	require.Equal(t, r.now+1_000, row.RunAt)
	_, _, row = r.wants(quiet("slow"))
	require.Equal(t, r.now+9_000, row.RunAt)
}

func TestKeyThatIsGivenIsHeldAsItSays(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	r.onces("", OnceSetting{TTLMS: 10}, false)
	given := NewOnceKey{Key: "k", Hold: OnceTTL, TTLMS: 1_000}
	require.Equal(t, &given, r.ruled(&given, tenant))
}
