package adzetest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/adzetest"
)

var Fetch = adze.NewTask("fetch", func(ctx context.Context, url string) (int, error) {
	if adze.Attempt(ctx) < 3 {
		return 0, errors.New("503")
	}
	return 200, nil
}, adze.Retries(5), adze.Backoff(time.Minute, 2, time.Hour))

// In a test file this is TestFetchOutlastsAnOutage; it takes about a millisecond.
func Example() {
	_ = func(t *testing.T) {
		adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
			env.Work(Fetch)
			run, err := Fetch.Run(t.Context(), env.Client, "https://example.com")
			if err != nil {
				t.Fatal(err)
			}
			env.Advance(10 * time.Second)
			if env.Status(run.ID) != adze.Delayed {
				t.Error("it does not wait for its second attempt")
			}
			if status, err := run.Result(t.Context()); err != nil || status != 200 {
				t.Errorf("%d, %v", status, err)
			}
		})
	}
}
