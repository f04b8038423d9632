package compat_test

import (
	"testing"
	"time"

	"github.com/hatchet-dev/hatchet/pkg/client/rest"
	hatchet "github.com/hatchet-dev/hatchet/sdks/go"
	"github.com/hatchet-dev/hatchet/sdks/go/features"
	"github.com/stretchr/testify/require"
)

func TestAScheduledRunStartsAtItsTime(t *testing.T) {
	s := begin(t)
	began := make(chan time.Time, 1)
	s.work(s.sdk.NewStandaloneTask(s.name("at"), func(_ hatchet.Context, in object) (object, error) {
		began <- time.Now()
		return in, nil
	}))
	at := time.Now().Add(2 * time.Second)
	made, err := s.sdk.Schedules().Create(s.ctx, s.name("at"), features.CreateScheduledRunTrigger{
		TriggerAt: at, Input: object{"x": 1}, AdditionalMetadata: object{"who": "me"},
	})
	require.NoError(t, err)
	require.WithinRange(t, took(s, began), at, at.Add(5*time.Second))
	s.eventually("its run is shown", func() bool {
		found, err := s.sdk.Schedules().Get(s.ctx, made.Metadata.Id)
		return err == nil && found.WorkflowRunId != nil
	})
}

func TestAPastScheduleStartsAtOnce(t *testing.T) {
	s := begin(t)
	began := make(chan struct{}, 1)
	s.work(s.sdk.NewStandaloneTask(s.name("past"), func(_ hatchet.Context, in object) (object, error) {
		began <- struct{}{}
		return in, nil
	}))
	_, err := s.sdk.Schedules().Create(s.ctx, s.name("past"), features.CreateScheduledRunTrigger{
		TriggerAt: time.Now().Add(-time.Hour), Input: object{},
	})
	require.NoError(t, err)
	took(s, began)
}

func TestSchedulesAreListedAndDeleted(t *testing.T) {
	s := begin(t)
	s.know(s.sdk.NewStandaloneTask(s.name("listed"), echo))
	made, err := s.sdk.Schedules().Create(s.ctx, s.name("listed"), features.CreateScheduledRunTrigger{
		TriggerAt: time.Now().Add(time.Hour), Input: object{"x": 1}, AdditionalMetadata: object{"who": s.prefix},
	})
	require.NoError(t, err)
	require.Equal(t, s.name("listed"), made.WorkflowName)
	list, err := s.sdk.Schedules().List(s.ctx, rest.WorkflowScheduledListParams{AdditionalMetadata: &[]string{"who:" + s.prefix}})
	require.NoError(t, err)
	require.Len(t, *list.Rows, 1)
	_ = s.sdk.Schedules().Delete(s.ctx, made.Metadata.Id) // it takes the 204 for an error
	list, err = s.sdk.Schedules().List(s.ctx, rest.WorkflowScheduledListParams{AdditionalMetadata: &[]string{"who:" + s.prefix}})
	require.NoError(t, err)
	require.Empty(t, *list.Rows)
}

func TestASchedulesRunIsListedWhenItHasEnded(t *testing.T) {
	s := begin(t)
	s.work(s.sdk.NewStandaloneTask(s.name("fired"), echo))
	made, err := s.sdk.Schedules().Create(s.ctx, s.name("fired"), features.CreateScheduledRunTrigger{
		TriggerAt: time.Now().Add(-time.Second), Input: object{"x": 1}, AdditionalMetadata: object{"who": s.prefix},
	})
	require.NoError(t, err)
	mine := rest.WorkflowScheduledListParams{
		AdditionalMetadata: &[]string{"who:" + s.prefix}, Statuses: &[]rest.ScheduledRunStatus{rest.ScheduledRunStatusSUCCEEDED},
	}
	var list *rest.ScheduledWorkflowsList
	s.eventually("it is listed as one that succeeded", func() bool {
		list, err = s.sdk.Schedules().List(s.ctx, mine)
		return err == nil && len(*list.Rows) == 1
	})
	row := (*list.Rows)[0]
	require.Equal(t, made.Metadata.Id, row.Metadata.Id)
	require.Equal(t, rest.SUCCEEDED, *row.WorkflowRunStatus)
	require.Equal(t, "COMPLETED", s.status(row.WorkflowRunId.String()))
}

func TestADeclaredCronStartsRuns(t *testing.T) {
	slow(t)
	s := begin(t)
	type tick struct {
		input    object
		metadata map[string]string
	}
	heard := make(chan tick, 16)
	s.work(s.sdk.NewStandaloneTask(s.name("ticks"), func(ctx hatchet.Context, in object) (object, error) {
		heard <- tick{in, ctx.AdditionalMetadata()}
		return in, nil
	}, hatchet.WithWorkflowCron("*/1 * * * * *"), hatchet.WithWorkflowCronInput(object{"x": 1})))
	for range 2 {
		got := took(s, heard)
		require.Equal(t, object{"x": 1.0}, got.input)
		require.Equal(t, "*/1 * * * * *", got.metadata["hatchet__cron_expression"])
	}
}

func TestCronsAreMadeListedAndDeleted(t *testing.T) {
	s := begin(t)
	s.know(s.sdk.NewStandaloneTask(s.name("crons"), echo))
	trigger := features.CreateCronTrigger{
		Name: "daily", Expression: "0 3 * * *", Input: map[string]any{"x": 1}, AdditionalMetadata: map[string]any{"who": s.prefix},
	}
	made, err := s.sdk.Crons().Create(s.ctx, s.name("crons"), trigger)
	require.NoError(t, err)
	found, err := s.sdk.Crons().Get(s.ctx, made.Metadata.Id)
	require.NoError(t, err)
	require.Equal(t, "0 3 * * *", found.Cron)
	require.Equal(t, "daily", *found.Name)
	require.True(t, found.Enabled)
	_, err = s.sdk.Crons().Create(s.ctx, s.name("crons"), trigger)
	require.Error(t, err, "it is there")
	list, err := s.sdk.Crons().List(s.ctx, rest.CronWorkflowListParams{AdditionalMetadata: &[]string{"who:" + s.prefix}})
	require.NoError(t, err)
	require.Len(t, *list.Rows, 1)
	_ = s.sdk.Crons().Delete(s.ctx, made.Metadata.Id) // it takes the 204 for an error
	gone, err := s.sdk.Crons().Get(s.ctx, made.Metadata.Id)
	require.True(t, err != nil || gone == nil, "it takes a 404 for no cron")
}
