package compat_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"testing"

	"github.com/hatchet-dev/hatchet/pkg/client"
	"github.com/hatchet-dev/hatchet/pkg/client/rest"
	hatchet "github.com/hatchet-dev/hatchet/sdks/go"
	"github.com/hatchet-dev/hatchet/sdks/go/features"
	"github.com/stretchr/testify/require"
)

// told is what a run that an event has started was given.
type told struct {
	input    object
	metadata map[string]string
	filter   map[string]any
	byEvent  bool
}

// hears runs a worker of a task that events start; what it is given is told.
func (s *scene) hears(name string, options ...hatchet.StandaloneTaskOption) <-chan told {
	s.Helper()
	heard := make(chan told, 32)
	s.work(s.sdk.NewStandaloneTask(s.name(name), func(ctx hatchet.Context, in object) (object, error) {
		heard <- told{in, ctx.AdditionalMetadata(), ctx.FilterPayload(), ctx.TriggeredByEvent()}
		return object{}, nil
	}, options...))
	return heard
}

func (s *scene) push(key string, payload any, options ...client.PushOpFunc) {
	s.Helper()
	require.NoError(s, s.sdk.Events().Push(s.ctx, key, payload, options...))
}

func TestAnEventStartsARun(t *testing.T) {
	s := begin(t)
	key := s.name("made")
	heard := s.hears("flow", hatchet.WithWorkflowEvents(key))
	s.push(key, object{"x": 1}, client.WithEventMetadata(map[string]string{"team": "red"}))
	got := took(s, heard)
	require.Equal(t, object{"x": 1.0}, got.input)
	require.Equal(t, "red", got.metadata["team"])
	require.Equal(t, key, got.metadata["hatchet__event_key"])
	require.NotEmpty(t, got.metadata["hatchet__event_id"])
}

func TestWildcardsMatch(t *testing.T) {
	s := begin(t)
	heard := s.hears("flow", hatchet.WithWorkflowEvents(s.name("user:*")))
	s.push(s.name("user:made"), object{"n": 1})
	require.Equal(t, object{"n": 1.0}, took(s, heard).input)
	s.push(s.name("order:made"), object{"n": 2})
	s.push(s.name("user:gone"), object{"n": 3})
	require.Equal(t, object{"n": 3.0}, took(s, heard).input)
}

func TestManyEventsInOneCallAllCount(t *testing.T) {
	s := begin(t)
	key := s.name("many")
	heard := s.hears("flow", hatchet.WithWorkflowEvents(key))
	events := make([]client.EventWithAdditionalMetadata, 20)
	for i := range events {
		events[i] = client.EventWithAdditionalMetadata{Event: number{i}, Key: key, AdditionalMetadata: map[string]string{"team": "red"}}
	}
	require.NoError(t, s.sdk.Events().BulkPush(s.ctx, events))
	seen := map[any]bool{}
	for range events {
		seen[took(s, heard).input["n"]] = true
	}
	require.Len(t, seen, len(events))
}

func TestFiltersAreMadeChangedAndDeleted(t *testing.T) {
	s := begin(t)
	key, scope := s.name("made"), s.name("eu")
	heard := s.hears("flow", hatchet.WithWorkflowEvents(key))
	workflow, err := s.sdk.Workflows().GetId(s.ctx, s.name("flow"))
	require.NoError(t, err)
	made, err := s.sdk.Filters().Create(s.ctx, rest.V1CreateFilterRequest{
		WorkflowId: workflow, Scope: scope, Expression: "input.n > 10", Payload: &map[string]any{"who": "a"},
	})
	require.NoError(t, err)
	s.push(key, number{5}, client.WithFilterScope(&scope))
	s.push(key, number{20}, client.WithFilterScope(&scope))
	got := took(s, heard)
	require.Equal(t, object{"n": 20.0}, got.input)
	require.Equal(t, object{"who": "a"}, got.filter)

	expression := "input.n < 10"
	_, err = s.sdk.Filters().Update(s.ctx, made.Metadata.Id, rest.V1FilterUpdateJSONRequestBody{Expression: &expression})
	require.NoError(t, err)
	found, err := s.sdk.Filters().Get(s.ctx, made.Metadata.Id)
	require.NoError(t, err)
	require.Equal(t, expression, found.Expression)
	s.push(key, number{20}, client.WithFilterScope(&scope))
	s.push(key, number{6}, client.WithFilterScope(&scope))
	require.Equal(t, object{"n": 6.0}, took(s, heard).input)

	_, err = s.sdk.Filters().Delete(s.ctx, made.Metadata.Id)
	require.NoError(t, err)
	list, err := s.sdk.Filters().List(s.ctx, &rest.V1FilterListParams{Scopes: &[]string{scope}})
	require.NoError(t, err)
	require.Empty(t, *list.Rows)
	s.push(key, number{40}, client.WithFilterScope(&scope))
	require.Equal(t, object{"n": 40.0}, took(s, heard).input, "without filters every event counts")
}

func TestEventsOfATaskKnowWhereTheyComeFrom(t *testing.T) {
	s := begin(t)
	key := s.name("made")
	heard := s.hears("flow", hatchet.WithWorkflowEvents(key))
	s.work(s.sdk.NewStandaloneTask(s.name("source"), func(ctx hatchet.Context, _ object) (object, error) {
		return object{}, s.sdk.Events().Push(ctx, key, object{"x": 1})
	}))
	_, err := s.ended(s.start(s.name("source"), object{}))
	require.NoError(t, err)
	require.Equal(t, object{"x": 1.0}, took(s, heard).input)
}

func TestASignedWebhookPushesAnEvent(t *testing.T) {
	s := begin(t)
	heard := s.hears("flow", hatchet.WithWorkflowEvents(s.name("hook:made")))
	made, err := s.sdk.Webhooks().Create(s.ctx, features.CreateWebhookOpts{
		Name: "signed-hook", SourceName: rest.GENERIC, EventKeyExpression: `"` + s.prefix + `hook:" + input.kind`,
		Auth: features.HMACAuth{SigningSecret: "secret", SignatureHeaderName: "X-Sign", Algorithm: rest.SHA256, Encoding: rest.HEX},
	})
	require.NoError(t, err)
	require.Equal(t, rest.GENERIC, made.SourceName)
	body := []byte(`{"kind":"made","x":1}`)
	path := "/api/v1/stable/tenants/" + made.TenantId + "/webhooks/signed-hook"
	require.Equal(t, http.StatusForbidden, s.hook(path, body, "wrong"))
	require.Equal(t, http.StatusNoContent, s.hook(path, body, "secret"))
	require.Equal(t, object{"kind": "made", "x": 1.0}, took(s, heard).input)
	require.NoError(t, s.sdk.Webhooks().Delete(s.ctx, "signed-hook"))
	_, err = s.sdk.Webhooks().Get(s.ctx, "signed-hook")
	require.Error(t, err)
}

// hook calls a webhook as an outsider does, with a signature but without a token.
func (s *scene) hook(path string, body []byte, secret string) (code int) {
	s.Helper()
	sum := hmac.New(sha256.New, []byte(secret))
	sum.Write(body)
	request, err := http.NewRequestWithContext(s.ctx, http.MethodPost, "http://"+s.engine.http+path, bytes.NewReader(body))
	require.NoError(s, err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Sign", hex.EncodeToString(sum.Sum(nil)))
	response, err := http.DefaultClient.Do(request)
	require.NoError(s, err)
	require.NoError(s, response.Body.Close())
	return response.StatusCode
}
