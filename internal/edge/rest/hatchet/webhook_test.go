package hatchet_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/adzehq/adze/internal/edge/hatchettest"
	native "github.com/adzehq/adze/internal/wire/adzev1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// webhooks is the path of the stage's webhooks.
func webhooks(s *hatchettest.Stage) string {
	return "/api/v1/stable/tenants/" + s.Tenant + "/webhooks"
}

// hook is a webhook that is signed as GitHub does.
func hook(name string) map[string]any {
	return map[string]any{
		"sourceName": "GITHUB", "name": name, "eventKeyExpression": "'github:' + headers['x-github-event']",
		"scopeExpression": "input.repo", "staticPayload": map[string]any{"via": "webhook"}, "authType": "HMAC",
		"auth": map[string]any{"algorithm": "SHA256", "encoding": "HEX", "signatureHeaderName": "X-Hub-Signature-256", "signingSecret": "s3cret"},
	}
}

// post calls a webhook with a body that is signed with a secret.
func post(t *testing.T, s *hatchettest.Stage, name, secret, body string) (code int, answer map[string]any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.HTTPURL()+webhooks(s)+"/"+name, strings.NewReader(body))
	require.NoError(t, err)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	request.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	request.Header.Set("X-GitHub-Event", "push")
	request.Header.Set("Content-Type", "application/json")
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	if len(text) > 0 {
		require.NoError(t, json.NewDecoder(bytes.NewReader(text)).Decode(&answer))
	}
	return response.StatusCode, answer
}

func TestWebhookIsToldWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	code, created := s.REST(t, http.MethodPost, webhooks(s), hook("gh"))
	require.Equal(t, http.StatusOK, code)
	require.NotContains(t, created, "auth")
	code, got := s.REST(t, http.MethodGet, webhooks(s)+"/gh", nil)
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, created, got)

	code, _ = s.REST(t, http.MethodPost, webhooks(s), hook("gh"))
	require.Equal(t, http.StatusBadRequest, code, "the name is taken")

	code, list := s.REST(t, http.MethodGet, webhooks(s)+"?sourceNames=GITHUB&webhookNames=gh", nil)
	require.Equal(t, http.StatusOK, code)
	require.Len(t, list.(map[string]any)["rows"], 1)
	_, list = s.REST(t, http.MethodGet, webhooks(s)+"?sourceNames=STRIPE", nil)
	require.Empty(t, list.(map[string]any)["rows"])

	code, changed := s.REST(t, http.MethodPatch, webhooks(s)+"/gh", map[string]any{
		"eventKeyExpression": "'fixed'", "returnEventAsResponsePayload": true, "staticPayload": map[string]any{},
	})
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, "'fixed'", changed.(map[string]any)["eventKeyExpression"])
	require.Equal(t, "input.repo", changed.(map[string]any)["scopeExpression"])

	code, deleted := s.REST(t, http.MethodDelete, webhooks(s)+"/gh", nil)
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, changed, deleted)
	code, _ = s.REST(t, http.MethodGet, webhooks(s)+"/gh", nil)
	require.Equal(t, http.StatusNotFound, code)
}

func TestWebhookThatCannotWorkIsRefused(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	for field, value := range map[string]any{
		"eventKeyExpression": "input.", "scopeExpression": "nobody.knows", "name": "a/b", "authType": "NONE",
		"sourceName": "FAX", "staticPayload": []int{1}, "auth": map[string]any{"algorithm": "ROT13"},
	} {
		wrong := hook("gh")
		wrong[field] = value
		code, _ := s.REST(t, http.MethodPost, webhooks(s), wrong)
		require.Equal(t, http.StatusBadRequest, code, field)
	}
}

// Trap 43: a webhook is called without a token, and answers with nothing unless it is
// asked to.
func TestSignedRequestBecomesAnEvent(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	code, _ := s.REST(t, http.MethodPost, webhooks(s), hook("gh"))
	require.Equal(t, http.StatusOK, code)
	const body = `{"repo":"adze","n":12345678901234567890,"tenant":"x","via":"mail"}`
	code, answer := post(t, s, "gh", "s3cret", body)
	require.Equal(t, http.StatusNoContent, code)
	require.Nil(t, answer)

	events, err := s.Native.ListEvents(s.Ctx, &native.ListEventsRequest{Key: "github:push"})
	require.NoError(t, err)
	require.Len(t, events.Events, 1)
	event, err := s.Native.GetEvent(s.Ctx, &native.GetEventRequest{EventId: events.Events[0].EventId, Payloads: true})
	require.NoError(t, err)
	require.Equal(t, "adze", event.Event.Scope)
	require.JSONEq(t, `{"repo":"adze","n":12345678901234567890,"via":"webhook"}`, string(event.Event.Payload))

	code, _ = s.REST(t, http.MethodPatch, webhooks(s)+"/gh", map[string]any{"returnEventAsResponsePayload": true})
	require.Equal(t, http.StatusOK, code)
	code, answer = post(t, s, "gh", "s3cret", body)
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, "ok", answer["message"])
	require.Equal(t, "github:push", answer["event"].(map[string]any)["key"])
}

func TestWebhookRefusesWhatItCannotBelieveOrRead(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	code, _ := s.REST(t, http.MethodPost, webhooks(s), hook("gh"))
	require.Equal(t, http.StatusOK, code)
	for name, c := range map[string]struct {
		hook, secret, body string
		code               int
	}{
		"unknown":            {"nobody", "s3cret", `{}`, http.StatusBadRequest},
		"another secret":     {"gh", "other", `{"repo":"adze"}`, http.StatusForbidden},
		"no object":          {"gh", "s3cret", `[]`, http.StatusBadRequest},
		"no JSON":            {"gh", "s3cret", `{`, http.StatusBadRequest},
		"no scope":           {"gh", "s3cret", `{}`, http.StatusBadRequest},
		"a scope of no text": {"gh", "s3cret", `{"repo":1}`, http.StatusBadRequest},
	} {
		code, answer := post(t, s, c.hook, c.secret, c.body)
		require.Equal(t, c.code, code, name)
		require.NotEmpty(t, answer["errors"], name)
	}
	events, err := s.Native.ListEvents(s.Ctx, &native.ListEventsRequest{})
	require.NoError(t, err)
	require.Empty(t, events.Events)
}

func TestSlackIsAnsweredItsChallengeBeforeItIsBelieved(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	slack := hook("slack")
	slack["sourceName"] = "SLACK"
	code, _ := s.REST(t, http.MethodPost, webhooks(s), slack)
	require.Equal(t, http.StatusOK, code)
	code, answer := post(t, s, "slack", "whatever", `{"challenge":"abc"}`)
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, map[string]any{"challenge": "abc"}, answer)
}

func TestTenantOfAnotherTokenIsForbidden(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	code, _ := s.REST(t, http.MethodGet, "/api/v1/tenants/"+s.Tenant, nil)
	require.Equal(t, http.StatusOK, code)
	code, _ = s.REST(t, http.MethodGet, "/api/v1/tenants/00000000-0000-4000-8000-000000000001", nil)
	require.Equal(t, http.StatusForbidden, code)
	s.Token = "ey.no.token"
	code, _ = s.REST(t, http.MethodGet, "/api/v1/tenants/"+s.Tenant, nil)
	require.Equal(t, http.StatusUnauthorized, code)
}
