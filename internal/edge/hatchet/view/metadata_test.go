package view_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/hatchet/view"
)

func TestMetadataNamesTheEventThatStartedTheRun(t *testing.T) {
	t.Parallel()
	by := view.Cause{Event: id.ID(7) << 32, Key: `a"b`}
	about := `"hatchet__event_id":"` + by.Event.String() + `","hatchet__event_key":"a\"b"`
	require.JSONEq(t, `{}`, string(view.Metadata(nil, view.Cause{})))
	require.JSONEq(t, `{"x":1}`, string(view.Metadata([]byte(`{"x":1}`), view.Cause{})))
	require.JSONEq(t, `{`+about+`}`, string(view.Metadata(nil, by)))
	require.JSONEq(t, `{`+about+`}`, string(view.Metadata([]byte(" { } "), by)))
	require.JSONEq(t, `{`+about+`,"x":1}`, string(view.Metadata([]byte(` { "x":1}`), by)))
	by.Key = ""
	require.JSONEq(t, `{"hatchet__event_id":"`+by.Event.String()+`"}`, string(view.Metadata(nil, by)))
}

func TestMetadataSaysWhenACronWasDue(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 31, 8, 0, 0, 0, time.UTC)
	by := view.Cause{Tick: core.Time(at.UnixMilli())}
	require.JSONEq(t, `{"hatchet__cron_expression":"0 8 * * *","hatchet__cron_scheduled_at":"2026-01-31T08:00:00Z"}`,
		string(view.Metadata([]byte(`{"hatchet__cron_expression":"0 8 * * *"}`), by)))
	require.JSONEq(t, `{"x":1}`, string(view.Metadata([]byte(`{"x":1}`), by)), "a run for later has no cron")
}
