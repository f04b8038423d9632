package tenants_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/adzetest"
	"github.com/adzehq/adze/examples/tenants"
	"github.com/adzehq/adze/internal/guidetest"
)

func TestTheGuidesShowCodeThatIsTested(t *testing.T) {
	t.Parallel()
	guidetest.ShowsCode(t, "concurrency.md", "tenants.go", "tenants_test.go")
	guidetest.ShowsCode(t, "fairness.md", "tenants.go", "tenants_test.go", "share.go")
}

func TestAllThatIsLimitedRuns(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		env.Work(tenants.Read, tenants.Render, tenants.Translate, tenants.Summarize, tenants.Index, tenants.Preview, tenants.Archive, tenants.Publish)
		page := tenants.Page{Customer: "acme", Document: "d", Tier: "pro", Number: 7}
		for _, task := range []*adze.Task[tenants.Page, int]{
			tenants.Read, tenants.Render, tenants.Translate, tenants.Summarize, tenants.Index, tenants.Preview, tenants.Archive,
		} {
			got, err := task.Call(t.Context(), env.Client, page)
			require.NoError(t, err)
			require.Equal(t, 7, got)
		}
		_, err := tenants.Publish.Call(t.Context(), env.Client, page)
		require.NoError(t, err)
		run, err := tenants.Read.Run(t.Context(), env.Client, page, adze.Fair("somebody"), adze.Priority(5))
		require.NoError(t, err)
		_, err = run.Result(t.Context())
		require.NoError(t, err)
	})
}

func TestWhatIsSetCountsUntilItIsDropped(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		client := env.Client
		env.Work(tenants.Translate)
		require.NoError(t, tenants.Favour(t.Context(), client))
		most := func() map[string]int {
			of := map[string]int{}
			for l, err := range client.LimitSettings(t.Context()) {
				require.NoError(t, err)
				if !l.Declared {
					of[l.Key] = l.Max
				}
			}
			return of
		}
		require.Equal(t, map[string]int{"": 3, "acme": 10}, most())
		require.NoError(t, client.DropLimit(t.Context(), "customer", "acme"))
		require.NoError(t, client.DropLimit(t.Context(), "customer", ""))
		require.Empty(t, most())
	})
}
