package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/adzehq/adze/internal/edge/admit"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

func (b *bundle) schedule(t *testing.T, list ...*wire.Schedule) []uint64 {
	t.Helper()
	response, err := b.client.PutSchedules(b.ctx, &wire.PutSchedulesRequest{Schedules: list})
	require.NoError(t, err)
	require.Len(t, response.ScheduleIds, len(list))
	return response.ScheduleIds
}

func (b *bundle) schedules(t *testing.T) []*wire.Schedule {
	t.Helper()
	response, err := b.client.ListSchedules(b.ctx, &wire.ListSchedulesRequest{})
	require.NoError(t, err)
	return response.Schedules
}

// runsOf waits until the workflow has n runs, and gives them, oldest first.
func (b *bundle) runsOf(t *testing.T, workflow string, n int) (runs []*wire.Run) {
	t.Helper()
	require.Eventually(t, func() bool {
		response, err := b.client.ListRuns(b.ctx, &wire.ListRunsRequest{Workflow: workflow, Limit: 1_000})
		require.NoError(t, err)
		runs = response.Runs
		return len(runs) >= n
	}, patience, 5*time.Millisecond)
	for i, j := 0, len(runs)-1; i < j; i, j = i+1, j-1 {
		runs[i], runs[j] = runs[j], runs[i]
	}
	return runs
}

func TestAOneOffStartsItsRunAndIsGone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.define(t, b.ctx, "remind")
	at := time.Now().Add(50 * time.Millisecond).UnixMilli()
	ids := b.schedule(t,
		&wire.Schedule{Workflow: "remind", AtMs: at, Input: []byte(`{"n":1}`), Metadata: []byte(`{"a":"b"}`), Priority: 4},
		&wire.Schedule{Workflow: "remind", AtMs: time.Now().Add(time.Hour).UnixMilli()},
	)
	run := b.runsOf(t, "remind", 1)[0]
	require.Equal(t, ids[0], run.ScheduleId)
	require.Equal(t, at, run.RunAtMs)
	require.GreaterOrEqual(t, run.SubmittedMs, at)
	one, err := b.client.GetRun(b.ctx, &wire.GetRunRequest{RunId: run.RunId, Payloads: true})
	require.NoError(t, err)
	require.Equal(t, `{"n":1}`, string(one.Run.Input))
	require.Equal(t, `{"a":"b"}`, string(one.Run.Metadata))
	require.Equal(t, ids[0], one.Run.ScheduleId)
	require.EqualValues(t, 4, one.Run.Priority)
	left := b.schedules(t)
	require.Len(t, left, 1)
	require.Equal(t, ids[1], left[0].ScheduleId)

	now := time.Now().UnixMilli()
	_, err = b.client.ChangeSchedules(b.ctx, &wire.ChangeSchedulesRequest{ScheduleIds: ids[1:], AtMs: &now})
	require.NoError(t, err)
	require.Equal(t, ids[1], b.runsOf(t, "remind", 2)[1].ScheduleId)
}

// What fell due while everything was down starts when it is up again, as the policy of
// each schedule says, and no tick twice.
func TestMissedTicksAreCaughtUpOnAtStart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.client.PutWorkflows(b.ctx, &wire.PutWorkflowsRequest{Workflows: []*wire.Workflow{
		{Name: "all", Tasks: []*wire.Task{{}}},
		{Name: "last", Tasks: []*wire.Task{{}}},
		{Name: "none", Tasks: []*wire.Task{{}}},
		{Name: "once", Tasks: []*wire.Task{{Name: "x"}, {Name: "y"}}},
	}})
	require.NoError(t, err)
	cron := func(name string, policy wire.CatchUp, most int32) *wire.Schedule {
		return &wire.Schedule{Workflow: name, Name: name, Expression: "0 0 * * *", CatchUp: policy, CatchUpMax: most}
	}
	ids := b.schedule(t,
		cron("all", wire.CatchUp_CATCH_UP_ALL, 5), cron("last", wire.CatchUp_CATCH_UP_LAST, 0), cron("none", wire.CatchUp_CATCH_UP_NONE, 0),
		&wire.Schedule{Workflow: "once", AtMs: time.Now().Add(time.Hour).UnixMilli()})
	require.NoError(t, b.stop())

	b = setupDown(t, b.url, `
		update adze.schedule_state set last_at = last_at - 10 * 86400000, due_at = due_at - 10 * 86400000;
		update adze.schedule set at = at - 86400000 where at > 0`)
	all := b.runsOf(t, "all", 5)
	require.Len(t, all, 5, "at most as many as it said")
	for i, run := range all {
		require.Equal(t, ids[0], run.ScheduleId)
		require.Zero(t, run.RunAtMs%86_400_000)
		require.Equal(t, all[0].RunAtMs+int64(i)*86_400_000, run.RunAtMs, "one for each tick")
	}
	require.Equal(t, all[4].RunAtMs, b.runsOf(t, "last", 1)[0].RunAtMs, "the newest")
	require.Equal(t, ids[3], b.runsOf(t, "once", 1)[0].ScheduleId)
	require.Eventually(t, func() bool {
		skipped := map[uint64]int64{}
		for _, s := range b.schedules(t) {
			require.NotEmpty(t, s.Expression, "the one-off is gone")
			skipped[s.ScheduleId] = s.Skipped
		}
		return skipped[ids[0]] >= 5 && skipped[ids[1]] >= 9 && skipped[ids[2]] >= 10
	}, patience, 5*time.Millisecond)
	require.Len(t, b.runsOf(t, "last", 1), 1)
	require.Empty(t, b.runsOf(t, "none", 0))

	require.NoError(t, b.stop())
	b = setupOn(t, b.url)
	require.Len(t, b.runsOf(t, "all", 5), 5, "a restart starts nothing again")
}

// setupDown changes the database while no engine runs on it.
func setupDown(t *testing.T, url, sql string) *bundle {
	t.Helper()
	exec(t, url, sql)
	return setupOn(t, url)
}

func TestADeclaredCronIsOfItsWorkflow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	put := func(crons ...*wire.Cron) error {
		_, err := b.client.PutWorkflows(b.ctx, &wire.PutWorkflowsRequest{
			Workflows: []*wire.Workflow{{Name: "w", Tasks: []*wire.Task{{}}, Crons: crons}},
		})
		return err
	}
	require.NoError(t, put(&wire.Cron{Expression: "@daily"}, &wire.Cron{Expression: "@hourly", Zone: "Europe/Berlin", CatchUp: wire.CatchUp_CATCH_UP_ALL}))
	first := b.schedules(t)
	require.Len(t, first, 2)
	require.Equal(t, "w", first[0].Name)
	require.Equal(t, "w:2", first[1].Name)
	require.EqualValues(t, admit.CatchUpDefault, first[1].CatchUpMax)
	require.True(t, first[0].Declared)
	require.NoError(t, put(&wire.Cron{Expression: "@daily"}, &wire.Cron{Expression: "@hourly", Zone: "Europe/Berlin", CatchUp: wire.CatchUp_CATCH_UP_ALL}))
	require.Equal(t, first[0].DueMs, b.schedules(t)[0].DueMs, "the same again changes nothing")
	got, err := b.client.GetWorkflow(b.ctx, &wire.GetWorkflowRequest{Name: "w"})
	require.NoError(t, err)
	require.Len(t, got.Workflow.Crons, 2)
	require.Equal(t, "null", string(got.Workflow.Crons[0].Input))
	require.NoError(t, put())
	require.Empty(t, b.schedules(t))

	b.schedule(t, &wire.Schedule{Workflow: "w", Name: "mine", Expression: "@daily"})
	err = put(&wire.Cron{Name: "mine", Expression: "@daily"})
	require.Equal(t, codes.AlreadyExists, status.Code(err))
	require.ErrorContains(t, err, `there is a schedule "mine" of workflow "w"`)
}

func TestBadSchedulesAreRefusedWithTheirPlace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.define(t, b.ctx, "w")
	good := func() *wire.Schedule { return &wire.Schedule{Workflow: "w", Name: "n", Expression: "@daily"} }
	for want, change := range map[string]func(*wire.Schedule){
		"schedules[1].workflow: no workflow":                  func(s *wire.Schedule) { s.Workflow = "nobody" },
		"schedules[1].expression: hour \"24\"":                func(s *wire.Schedule) { s.Expression = "0 24 * * *" },
		"schedules[1].zone: \"Mars\" is not a time zone":      func(s *wire.Schedule) { s.Zone = "Mars" },
		"schedules[1].at_ms: is not given":                    func(s *wire.Schedule) { s.Expression = "" },
		"schedules[1].name: is empty":                         func(s *wire.Schedule) { s.Name = "" },
		"schedules[1].name: \"other\" comes twice":            func(s *wire.Schedule) { s.Name = "other" },
		"schedules[1].expression: stands beside at_ms":        func(s *wire.Schedule) { s.AtMs, s.Name = 5, "" },
		"schedules[1].at_ms: is 3786912000001":                func(s *wire.Schedule) { s.AtMs, s.Name, s.Expression = admit.RunAtMSMax+1, "", "" },
		"schedules[1].jitter_ms: is 3600001":                  func(s *wire.Schedule) { s.JitterMs = 3_600_001 },
		"schedules[1].overlap: is no policy":                  func(s *wire.Schedule) { s.Overlap = 9 },
		"schedules[1].catch_up: is no policy":                 func(s *wire.Schedule) { s.CatchUp = -1 },
		"schedules[1].catch_up_max: is for catch_up all":      func(s *wire.Schedule) { s.CatchUpMax = 1 },
		"schedules[1].catch_up_max: is 1001, allowed is 1 to": func(s *wire.Schedule) { s.CatchUp, s.CatchUpMax = wire.CatchUp_CATCH_UP_ALL, admit.CatchUpMax+1 },
		"schedules[1].priority: is 1001":                      func(s *wire.Schedule) { s.Priority = 1_001 },
		"schedules[1].input: is not JSON":                     func(s *wire.Schedule) { s.Input = []byte("{") },
		"schedules[1].input: is 1,001 bytes":                  func(s *wire.Schedule) { s.Input = []byte(`"` + strings.Repeat("x", 999) + `"`) },
		"schedules[1].metadata: is not a JSON object":         func(s *wire.Schedule) { s.Metadata = []byte("1") },
		"schedules[1].schedule_id: no schedule":               func(s *wire.Schedule) { s.ScheduleId = 99 },
	} {
		other, bad := good(), good()
		other.Name = "other"
		change(bad)
		_, err := b.client.PutSchedules(b.ctx, &wire.PutSchedulesRequest{Schedules: []*wire.Schedule{other, bad}})
		require.ErrorContains(t, err, want)
	}
	require.Empty(t, b.schedules(t), "all or none")
	at := good()
	at.JitterMs, at.CatchUp, at.CatchUpMax, at.Priority = 3_600_000, wire.CatchUp_CATCH_UP_ALL, admit.CatchUpMax, 1_000
	b.schedule(t, at, &wire.Schedule{Workflow: "w", AtMs: admit.RunAtMSMax})
	require.Len(t, b.schedules(t), 2, "at the bounds")
}

func TestBulkOfSchedulesIsBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.define(t, b.ctx, "w")
	list := make([]*wire.Schedule, admit.SchedulesMax+1)
	for i := range list {
		list[i] = &wire.Schedule{Workflow: "w", AtMs: time.Now().Add(time.Hour).UnixMilli()}
	}
	_, err := b.client.PutSchedules(b.ctx, &wire.PutSchedulesRequest{Schedules: list})
	require.ErrorContains(t, err, "has 1001 entries, at most 1,000")
	ids := b.schedule(t, list[1:]...)
	for _, call := range []func(ids []uint64) error{
		func(ids []uint64) error {
			_, err := b.client.ChangeSchedules(b.ctx, &wire.ChangeSchedulesRequest{ScheduleIds: ids})
			return err
		},
		func(ids []uint64) error {
			_, err := b.client.TriggerSchedules(b.ctx, &wire.TriggerSchedulesRequest{ScheduleIds: ids})
			return err
		},
		func(ids []uint64) error {
			_, err := b.client.DeleteSchedules(b.ctx, &wire.DeleteSchedulesRequest{ScheduleIds: ids})
			return err
		},
	} {
		require.ErrorContains(t, call(append(ids, 1)), "has 1001 entries")
		require.ErrorContains(t, call(nil), "is empty")
	}
	deleted, err := b.client.DeleteSchedules(b.ctx, &wire.DeleteSchedulesRequest{ScheduleIds: ids})
	require.NoError(t, err)
	require.NotContains(t, deleted.Deleted, false)

	crons := make([]*wire.Cron, admit.CronsMax+1)
	for i := range crons {
		crons[i] = &wire.Cron{Name: fmt.Sprint("c", i), Expression: "@daily"}
	}
	put := func(crons []*wire.Cron) error {
		_, err := b.client.PutWorkflows(b.ctx, &wire.PutWorkflowsRequest{
			Workflows: []*wire.Workflow{{Name: "w", Tasks: []*wire.Task{{}}, Crons: crons}},
		})
		return err
	}
	require.ErrorContains(t, put(crons), "workflows[0].crons: has 101 entries, at most 100")
	require.NoError(t, put(crons[1:]))
	crons[1].Input = []byte(`"` + strings.Repeat("x", admit.CronInputBytesMax-1) + `"`)
	require.ErrorContains(t, put(crons[1:2]), "workflows[0].crons[0].input: is 65,537 bytes")
	require.ErrorContains(t, put([]*wire.Cron{{Expression: "@never"}}), "workflows[0].crons[0].expression: no descriptor")
	require.ErrorContains(t, put([]*wire.Cron{{Expression: "@daily"}, {Name: "w", Expression: "@daily"}}), "workflows[0].crons[1].name: \"w\" is the name of another one")
}

func TestAScheduleOfAnotherTenantDoesNotExist(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.define(t, b.ctx, "w")
	ids := b.schedule(t, &wire.Schedule{Workflow: "w", Name: "n", Expression: "@daily"})
	stranger := b.as(t, b.token(t, "other", time.Hour))
	listed, err := b.client.ListSchedules(stranger, &wire.ListSchedulesRequest{})
	require.NoError(t, err)
	require.Empty(t, listed.Schedules)
	paused := true
	_, err = b.client.ChangeSchedules(stranger, &wire.ChangeSchedulesRequest{ScheduleIds: ids, Paused: &paused})
	require.Equal(t, codes.NotFound, status.Code(err))
	_, err = b.client.TriggerSchedules(stranger, &wire.TriggerSchedulesRequest{ScheduleIds: ids})
	require.Equal(t, codes.NotFound, status.Code(err))
	deleted, err := b.client.DeleteSchedules(stranger, &wire.DeleteSchedulesRequest{ScheduleIds: ids})
	require.NoError(t, err)
	require.Equal(t, []bool{false}, deleted.Deleted)
	b.define(t, stranger, "w")
	_, err = b.client.PutSchedules(stranger, &wire.PutSchedulesRequest{Schedules: []*wire.Schedule{{Workflow: "w", Name: "n", Expression: "@hourly"}}})
	require.NoError(t, err, "names are the tenant's own")
	require.Equal(t, "@daily", b.schedules(t)[0].Expression)
}

func TestPreviewTellsTheNextTicks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	preview, err := b.client.PreviewCron(b.ctx, &wire.PreviewCronRequest{
		Expression: "30 2 * * *", Zone: "America/New_York", AfterMs: time.Date(2024, 3, 9, 12, 0, 0, 0, time.UTC).UnixMilli(),
	})
	require.NoError(t, err)
	require.Len(t, preview.TickMs, 10)
	require.Equal(t, time.Date(2024, 3, 10, 7, 0, 0, 0, time.UTC).UnixMilli(), preview.TickMs[0])
	_, err = b.client.PreviewCron(b.ctx, &wire.PreviewCronRequest{Expression: "@daily", Count: 101})
	require.ErrorContains(t, err, "count: is 101, allowed is 1 to 100")
	_, err = b.client.PreviewCron(b.ctx, &wire.PreviewCronRequest{Expression: "* * * * 9"})
	require.ErrorContains(t, err, "expression: weekday")
}

func exec(t *testing.T, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), sql)
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
}
