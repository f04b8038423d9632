package hatchet_test

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/edge/hatchettest"
	native "github.com/adzehq/adze/internal/wire/adzev1"
)

// caller asks a stage for objects.
type caller struct {
	t *testing.T
	s *hatchettest.Stage
}

func (c caller) ask(method, path string, body any) (code int, answer map[string]any) {
	c.t.Helper()
	code, got := c.s.REST(c.t, method, "/api/v1/tenants/"+c.s.Tenant+path, body)
	answer, _ = got.(map[string]any)
	return code, answer
}

// must is ask that is answered.
func (c caller) must(method, path string, body any) map[string]any {
	c.t.Helper()
	code, answer := c.ask(method, path, body)
	require.Less(c.t, code, http.StatusMultipleChoices, answer)
	return answer
}

func (c caller) refused(method, path string, body any) {
	c.t.Helper()
	code, answer := c.ask(method, path, body)
	require.Equal(c.t, http.StatusBadRequest, code, answer)
}

// number is the id of what an answer is about.
func number(answer map[string]any) string { return answer["metadata"].(map[string]any)["id"].(string) }

// numbers are those of the rows of a list.
func numbers(list map[string]any) (ids []string) {
	for _, row := range list["rows"].([]any) {
		ids = append(ids, number(row.(map[string]any)))
	}
	return ids
}

func stage(t *testing.T) caller {
	t.Helper()
	s := hatchettest.Start(t)
	put(t, s, "shop")
	put(t, s, "mail")
	return caller{t, s}
}

func later(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339Nano) }

// scheduled is a body that schedules a run.
func scheduled(in time.Duration, color string) map[string]any {
	return map[string]any{
		"triggerAt": later(in), "input": map[string]any{"n": 1}, "additionalMetadata": map[string]any{"color": color}, "priority": 2,
	}
}

// Trap 34: the path has the name of the workflow.
func TestScheduledRunIsToldMovedAndDeleted(t *testing.T) {
	t.Parallel()
	c := stage(t)
	made := c.must(http.MethodPost, "/workflows/shop/scheduled", scheduled(time.Hour, "red"))
	require.Equal(t, []any{"shop", "API", 2.0}, []any{made["workflowName"], made["method"], made["priority"]})
	require.Equal(t, map[string]any{"color": "red"}, made["additionalMetadata"])
	one := "/workflows/scheduled/" + number(made)
	require.Equal(t, made["triggerAt"], c.must(http.MethodGet, one, nil)["triggerAt"])

	moved := c.must(http.MethodPatch, one, map[string]any{"triggerAt": "2040-01-31T12:00:00Z"})
	require.Equal(t, "2040-01-31T12:00:00Z", moved["triggerAt"])
	c.must(http.MethodDelete, one, nil)
	code, _ := c.ask(http.MethodGet, one, nil)
	require.Equal(t, http.StatusNotFound, code)
	code, _ = c.ask(http.MethodDelete, one, nil)
	require.Equal(t, http.StatusNotFound, code)
}

func TestScheduledRunsAreListedAsAskedFor(t *testing.T) {
	t.Parallel()
	c := stage(t)
	late := number(c.must(http.MethodPost, "/workflows/shop/scheduled", scheduled(2*time.Hour, "red")))
	soon := c.must(http.MethodPost, "/workflows/mail/scheduled", scheduled(time.Hour, "blue"))
	list := func(query string) []string { return numbers(c.must(http.MethodGet, "/workflows/scheduled"+query, nil)) }
	require.Equal(t, []string{number(soon), late}, list(""))
	require.Equal(t, []string{number(soon), late}, list("?orderByField=triggerAt&orderByDirection=ASC"))
	require.Equal(t, []string{late}, list("?offset=1"))
	require.Equal(t, []string{late}, list("?additionalMetadata=color:red"))
	require.Equal(t, []string{number(soon)}, list("?workflowId="+soon["workflowId"].(string)))
	require.Empty(t, list("?workflowId=00000000-0000-4000-8000-000000000000"))
	require.Empty(t, list("?statuses=SUCCEEDED"), "none has begun")
	c.refused(http.MethodGet, "/workflows/scheduled?additionalMetadata=red", nil)
}

func TestScheduledRunThatHasBegunTellsItsRun(t *testing.T) {
	t.Parallel()
	c := stage(t)
	one := "/workflows/scheduled/" + number(c.must(http.MethodPost, "/workflows/shop/scheduled", scheduled(-time.Hour, "red")))
	require.Eventually(t, func() bool {
		code, told := c.ask(http.MethodGet, one, nil)
		return code == http.StatusOK && told["workflowRunId"] != nil
	}, hatchettest.Patience, 10*time.Millisecond)
	c.refused(http.MethodPatch, one, map[string]any{"triggerAt": later(time.Hour)})
}

func TestScheduledRunsThatHaveBegunAreListedByTheirStatus(t *testing.T) {
	t.Parallel()
	c := stage(t)
	c.s.Work(t, func(a *native.Assignment) (string, error) {
		switch {
		case bytes.Contains(a.Metadata, []byte("blue")):
			return "", errors.New("bad")
		case bytes.Contains(a.Metadata, []byte("green")):
			return "", hatchettest.ErrHeld
		}
		return `{}`, nil
	}, hatchettest.One("painted", 0))
	schedule := func(in time.Duration, color string) string {
		return number(c.must(http.MethodPost, "/workflows/painted/scheduled", scheduled(in, color)))
	}
	ids := map[string]string{
		"SUCCEEDED": schedule(-time.Hour, "red"), "FAILED": schedule(-2*time.Hour, "blue"),
		"RUNNING": schedule(-3*time.Hour, "green"), "SCHEDULED": schedule(time.Hour, "red"),
		"QUEUED": number(c.must(http.MethodPost, "/workflows/mail/scheduled", scheduled(-time.Hour, "red"))),
	}
	list := func(query string) []string { return numbers(c.must(http.MethodGet, "/workflows/scheduled"+query, nil)) }
	for status, want := range ids {
		require.Eventually(t, func() bool { return slices.Equal([]string{want}, list("?statuses="+status)) },
			hatchettest.Patience, 20*time.Millisecond, status)
	}
	newest := []string{ids["QUEUED"], ids["SCHEDULED"], ids["RUNNING"], ids["FAILED"], ids["SUCCEEDED"]}
	require.ElementsMatch(t, newest, list(""), "all are told")
	require.Equal(t, list("")[1:3], list("?offset=1&limit=2"))
	require.Equal(t, []string{ids["RUNNING"], ids["FAILED"]}, list("?orderByField=triggerAt&orderByDirection=ASC")[:2])
	require.Equal(t, []string{ids["FAILED"]}, list("?additionalMetadata=color:blue"))
	require.ElementsMatch(t, []string{ids["FAILED"], ids["SUCCEEDED"]}, list("?statuses=FAILED&statuses=SUCCEEDED"))
	require.Empty(t, list("?statuses=CANCELLED"))
	c.refused(http.MethodGet, "/workflows/scheduled?statuses=LATE", nil)

	row := c.must(http.MethodGet, "/workflows/scheduled?statuses=FAILED", nil)["rows"].([]any)[0].(map[string]any)
	require.Equal(t, []any{"painted", "FAILED", map[string]any{"color": "blue"}},
		[]any{row["workflowName"], row["workflowRunStatus"], row["additionalMetadata"]})
	require.NotEmpty(t, row["workflowRunId"])
	require.Contains(t, row["workflowRunName"], "painted-")
	require.Equal(t, row, c.must(http.MethodGet, "/workflows/scheduled/"+ids["FAILED"], nil))
}

func TestSchedulesAreChangedTogether(t *testing.T) {
	t.Parallel()
	c := stage(t)
	var ids []string
	for _, color := range []string{"red", "red", "blue"} {
		ids = append(ids, number(c.must(http.MethodPost, "/workflows/shop/scheduled", scheduled(time.Hour, color))))
	}
	const unknown = "00000000-0000-4000-8000-000000000000"
	moved := c.must(http.MethodPost, "/workflows/scheduled/bulk-update", map[string]any{"updates": []any{
		map[string]any{"id": ids[0], "triggerAt": later(2 * time.Hour)}, map[string]any{"id": unknown, "triggerAt": later(time.Hour)},
	}})
	require.Equal(t, []any{ids[0]}, moved["updatedIds"])
	require.Equal(t, unknown, moved["errors"].([]any)[0].(map[string]any)["id"])

	deleted := c.must(http.MethodPost, "/workflows/scheduled/bulk-delete", map[string]any{"filter": map[string]any{"additionalMetadata": []string{"color:red"}}})
	require.ElementsMatch(t, []any{ids[0], ids[1]}, deleted["deletedIds"])
	deleted = c.must(http.MethodPost, "/workflows/scheduled/bulk-delete", map[string]any{"scheduledWorkflowRunIds": []string{ids[1], ids[2]}})
	require.Equal(t, []any{ids[2]}, deleted["deletedIds"])
	require.Len(t, deleted["errors"], 1)

	c.refused(http.MethodPost, "/workflows/scheduled/bulk-delete", map[string]any{})
	c.refused(http.MethodPost, "/workflows/scheduled/bulk-update", map[string]any{"updates": []any{}})
}

func TestBadScheduleIsRefused(t *testing.T) {
	t.Parallel()
	c := stage(t)
	c.refused(http.MethodPost, "/workflows/none/scheduled", scheduled(time.Hour, "red"))
	for key, value := range map[string]any{"triggerAt": "soon", "input": []any{}, "additionalMetadata": "x", "priority": 4} {
		body := scheduled(time.Hour, "red")
		body[key] = value
		c.refused(http.MethodPost, "/workflows/shop/scheduled", body)
	}
}

func TestCronIsMadeToldAndDeleted(t *testing.T) {
	t.Parallel()
	c := stage(t)
	body := map[string]any{
		"cronName": "each morning!", "cronExpression": "0 8 * * *", "input": map[string]any{"n": 1},
		"additionalMetadata": map[string]any{"color": "red"},
	}
	made := c.must(http.MethodPost, "/workflows/shop/crons", body)
	require.Equal(t, []any{"each morning!", "0 8 * * *", "API", true}, []any{made["name"], made["cron"], made["method"], made["enabled"]})
	require.Equal(t, map[string]any{"color": "red"}, made["additionalMetadata"])
	c.refused(http.MethodPost, "/workflows/shop/crons", body) // it is there
	other := c.must(http.MethodPost, "/workflows/mail/crons", body)

	list := func(query string) []string { return numbers(c.must(http.MethodGet, "/workflows/crons"+query, nil)) }
	require.Equal(t, []string{number(other), number(made)}, list(""))
	require.Equal(t, []string{number(made)}, list("?workflowName=shop"))
	require.Equal(t, []string{number(made)}, list("?workflowId="+made["workflowId"].(string)))
	require.Empty(t, list("?cronName=each"))
	require.Len(t, list("?additionalMetadata=color:red&cronName=each+morning!"), 2)

	one := "/workflows/crons/" + number(made)
	require.Equal(t, made["cron"], c.must(http.MethodGet, one, nil)["cron"])
	c.must(http.MethodDelete, one, nil)
	code, _ := c.ask(http.MethodGet, one, nil)
	require.Equal(t, http.StatusNotFound, code)

	for key, value := range map[string]any{"cronName": "", "cronExpression": "each day", "priority": 9} {
		bad := map[string]any{"cronName": "x", "cronExpression": "0 8 * * *", "input": map[string]any{}, "additionalMetadata": map[string]any{}}
		bad[key] = value
		c.refused(http.MethodPost, "/workflows/shop/crons", bad)
	}
}
