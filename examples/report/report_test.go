package report_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/adzetest"
	"github.com/adzehq/adze/examples/report"
	"github.com/adzehq/adze/internal/guidetest"
)

func TestTheGuideShowsCodeThatIsTested(t *testing.T) {
	t.Parallel()
	guidetest.ShowsCode(t, "schedules.md", "report.go", "report_test.go")
}

// outputs are what the runs of a task gave, oldest first, with the times of their ticks.
func outputs(t *testing.T, env *adzetest.Env, task string) (texts, ticks []string) {
	t.Helper()
	for run, err := range env.Client.List(t.Context(), adze.Filter{Task: task}) {
		require.NoError(t, err)
		info, err := env.Client.Get(t.Context(), run.ID)
		require.NoError(t, err)
		require.NotZero(t, info.Schedule)
		texts = append([]string{string(info.Output)}, texts...)
		ticks = append([]string{info.RunAt.UTC().Format("Mon 15:04")}, ticks...)
	}
	return texts, ticks
}

func TestAReportIsWrittenEachWorkingDay(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		env.Work(report.Report) // a Tuesday
		env.Advance(7 * 24 * time.Hour)
		texts, ticks := outputs(t, env, "report")
		require.Equal(t, []string{"Tue 08:00", "Wed 08:00", "Thu 08:00", "Fri 08:00", "Mon 08:00"}, ticks)
		require.Equal(t, `"a report of 1 days"`, texts[0])
	})
}

func TestATrialIsExtendedAndBought(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		env.Work(report.Remind, report.CleanUp)
		ada, err := report.Trial(t.Context(), env.Client, "Ada")
		require.NoError(t, err)
		bob, err := report.Trial(t.Context(), env.Client, "Bob")
		require.NoError(t, err)
		require.NoError(t, report.Extend(t.Context(), env.Client, ada, env.Now().AddDate(0, 0, 9)))
		require.NoError(t, report.Buy(t.Context(), env.Client, bob))
		env.Advance(30 * 24 * time.Hour)
		texts, ticks := outputs(t, env, "remind")
		require.Equal(t, []string{`"Ada: your trial ends"`}, texts)
		require.Equal(t, []string{"Thu 00:00"}, ticks)
		texts, _ = outputs(t, env, "clean-up")
		require.Len(t, texts, 30)
	})
}

func TestACustomerSaysWhenReportsCome(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		env.Work(report.Report)
		weekly, err := report.Subscribe(t.Context(), env.Client, "acme", "0 18 * * SUN", "America/New_York")
		require.NoError(t, err)
		ctx, client := t.Context(), env.Client
		require.NoError(t, client.PauseSchedules(ctx, weekly))
		require.NoError(t, client.ResumeSchedules(ctx, weekly))
		runs, err := client.RunSchedules(ctx, weekly)
		require.NoError(t, err)
		text, err := report.Report.Lookup(client, runs[0]).Result(ctx)
		require.NoError(t, err)
		require.Equal(t, "a report of 7 days", text)

		_, err = report.Subscribe(t.Context(), env.Client, "acme", "0 25 * * SUN", "")
		require.ErrorIs(t, err, adze.ErrInvalid)
		ticks, err := adze.PreviewCron("0 18 * * SUN", "America/New_York", env.Now(), 10)
		require.NoError(t, err)
		require.Len(t, ticks, 10)
	})
}
