package hatchet

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/adzehq/adze/internal/base/expr"
	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/webhook"
	record "github.com/adzehq/adze/internal/record/webhook"
	"github.com/adzehq/adze/internal/shard"
	"github.com/adzehq/adze/internal/wire/hatchetrest"
)

// webhookName is what stands in an address.
var webhookName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,255}$`)

func (c Config) webhookRoutes(mux *http.ServeMux) {
	const all = "/api/v1/stable/tenants/{tenant}/webhooks"
	mux.HandleFunc("POST "+all, c.of(c.createWebhook))
	mux.HandleFunc("GET "+all, c.of(c.listWebhooks))
	mux.HandleFunc("GET "+all+"/{webhook}", c.of(c.getWebhook))
	mux.HandleFunc("PATCH "+all+"/{webhook}", c.of(c.updateWebhook))
	mux.HandleFunc("DELETE "+all+"/{webhook}", c.of(c.deleteWebhook))
	mux.HandleFunc("POST "+all+"/{webhook}", c.receive) // its secrets are its token
}

func (c Config) createWebhook(r *http.Request, caller auth.Caller) (any, error) {
	asked, err := read[hatchetrest.V1CreateWebhookRequest](r)
	if err != nil {
		return nil, err
	}
	proof := webhook.Auth{Type: string(asked.AuthType)}
	if err := json.Unmarshal(asked.Auth, &proof); err != nil {
		return nil, fault.New(fault.Invalid, "auth", "is not an object with the fields of authType")
	}
	if err := proof.Check(string(asked.SourceName)); err != nil {
		return nil, err
	}
	if !webhookName.MatchString(asked.Name) {
		return nil, fault.New(fault.Invalid, "name", "is %q, allowed are 1 to 255 letters, digits, dots, dashes and underscores", asked.Name)
	}
	secrets, err := json.Marshal(proof)
	if err != nil {
		return nil, err
	}
	now := c.now()
	w := record.Webhook{
		ID: uuid.New(), Tenant: caller.Tenant, CreatedAt: now, UpdatedAt: now,
		AnswersEvent: asked.ReturnEventAsResponsePayload, Name: asked.Name, Source: string(asked.SourceName),
		KeyExpression: asked.EventKeyExpression, ScopeExpression: asked.ScopeExpression, AuthType: proof.Type, Auth: secrets,
	}
	if given(asked.StaticPayload) {
		w.StaticPayload = asked.StaticPayload
	}
	if err := checkWebhook(&w); err != nil {
		return nil, err
	}
	if err := record.Insert(r.Context(), c.DB, w); err != nil {
		return nil, err
	}
	return webhookModel(&w, caller), nil
}

// now is the time as the database keeps it.
func (c Config) now() time.Time { return c.Clock.Now().UTC().Truncate(time.Microsecond) }

// checkWebhook checks what may be changed of a webhook.
func checkWebhook(w *record.Webhook) error {
	if _, err := expr.Request.CompileText(w.KeyExpression); err != nil {
		return fault.New(fault.Invalid, "eventKeyExpression", "%v", err)
	}
	if w.ScopeExpression != "" {
		if _, err := expr.Request.CompileText(w.ScopeExpression); err != nil {
			return fault.New(fault.Invalid, "scopeExpression", "%v", err)
		}
	}
	if w.StaticPayload == nil {
		return nil
	}
	if len(w.StaticPayload) > admit.MetadataBytesMax {
		return fault.New(fault.Invalid, "staticPayload", "is larger than %d bytes", admit.MetadataBytesMax)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(w.StaticPayload, &fields); err != nil {
		return fault.New(fault.Invalid, "staticPayload", "is not a JSON object")
	}
	return nil
}

func (c Config) listWebhooks(r *http.Request, caller auth.Caller) (any, error) {
	q := queryOf(r)
	offset, limit := q.page()
	sources, names := nonNil(q.texts("sourceNames")), nonNil(q.texts("webhookNames"))
	if q.err != nil {
		return nil, q.err
	}
	all, err := record.List(r.Context(), c.DB, caller.Tenant, sources, names)
	if err != nil {
		return nil, err
	}
	list := hatchetrest.V1WebhookList{Rows: []hatchetrest.V1Webhook{}, Pagination: pagination(offset, limit, len(all), false)}
	for _, w := range page(all, offset, limit) {
		list.Rows = append(list.Rows, webhookModel(&w, caller))
	}
	return list, nil
}

// nonNil is a list as a statement takes it.
func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func (c Config) getWebhook(r *http.Request, caller auth.Caller) (any, error) {
	w, err := record.Named(r.Context(), c.DB, caller.Tenant, r.PathValue("webhook"))
	if err != nil {
		return nil, err
	}
	return webhookModel(&w, caller), nil
}

func (c Config) deleteWebhook(r *http.Request, caller auth.Caller) (any, error) {
	w, err := record.Delete(r.Context(), c.DB, caller.Tenant, r.PathValue("webhook"))
	if err != nil {
		return nil, err
	}
	return webhookModel(&w, caller), nil
}

// webhookChange is what may be changed; nil = as it is.
type webhookChange struct {
	EventKeyExpression           *string
	ScopeExpression              *string
	StaticPayload                hatchetrest.JSONObject
	ReturnEventAsResponsePayload *bool
}

func (c Config) updateWebhook(r *http.Request, caller auth.Caller) (any, error) {
	change, err := read[webhookChange](r)
	if err != nil {
		return nil, err
	}
	w, err := record.Named(r.Context(), c.DB, caller.Tenant, r.PathValue("webhook"))
	if err != nil {
		return nil, err
	}
	if change.EventKeyExpression != nil {
		w.KeyExpression = *change.EventKeyExpression
	}
	if change.ScopeExpression != nil {
		w.ScopeExpression = *change.ScopeExpression
	}
	if change.StaticPayload != nil {
		w.StaticPayload = nil
		if given(change.StaticPayload) {
			w.StaticPayload = change.StaticPayload
		}
	}
	if change.ReturnEventAsResponsePayload != nil {
		w.AnswersEvent = *change.ReturnEventAsResponsePayload
	}
	if err := checkWebhook(&w); err != nil {
		return nil, err
	}
	w.UpdatedAt = c.now()
	if err := record.Update(r.Context(), c.DB, w); err != nil {
		return nil, err
	}
	return webhookModel(&w, caller), nil
}

// webhookModel is a webhook as it is told: without its secrets.
func webhookModel(w *record.Webhook, caller auth.Caller) hatchetrest.V1Webhook {
	return hatchetrest.V1Webhook{
		Metadata: metaAt(w.ID, w.CreatedAt, w.UpdatedAt),
		TenantId: caller.UUID.String(), Name: w.Name, SourceName: hatchetrest.V1WebhookSourceName(w.Source),
		AuthType:           hatchetrest.V1WebhookAuthType(w.AuthType),
		EventKeyExpression: w.KeyExpression, ScopeExpression: w.ScopeExpression,
		StaticPayload: w.StaticPayload, ReturnEventAsResponsePayload: w.AnswersEvent,
	}
}

// receive takes what somebody posts to a webhook, as an event. Trap 43: who posts has no
// token, but what the webhook wants as a proof.
func (c Config) receive(rw http.ResponseWriter, r *http.Request) {
	answer, err := c.take(r)
	switch {
	case err != nil:
		c.refuse(rw, err)
	case answer == nil:
		rw.WriteHeader(http.StatusNoContent)
	default:
		c.say(rw, http.StatusOK, answer)
	}
}

func (c Config) take(r *http.Request) (*hatchetrest.V1WebhookAnswer, error) {
	tenant, err := uuid.Parse(r.PathValue("tenant"))
	if err != nil {
		return nil, fault.New(fault.Invalid, "tenant", "is not a UUID")
	}
	w, err := record.Called(r.Context(), c.DB, tenant, r.PathValue("webhook"))
	var missing *fault.Error
	if errors.As(err, &missing) && missing.Kind == fault.NotFound {
		return nil, fault.New(fault.Invalid, "webhook", "there is no such webhook")
	}
	if err != nil {
		return nil, err
	}
	body, err := bodyOf(r)
	if err != nil {
		return nil, err
	}
	if challenge := webhook.Challenge(w.Source, body); challenge != "" {
		return &hatchetrest.V1WebhookAnswer{Challenge: challenge}, nil
	}
	proof := webhook.Auth{Type: w.AuthType}
	if err := json.Unmarshal(w.Auth, &proof); err != nil {
		return nil, err
	}
	if err := proof.Verify(w.Source, r.Header, body, c.Clock.Now()); err != nil {
		return nil, err
	}
	event, err := eventOf(&w, r.Header, body)
	if err != nil {
		return nil, err
	}
	return c.pushed(r, &w, tenant, event)
}

// eventOf is the event that a request becomes.
func eventOf(w *record.Webhook, header http.Header, body []byte) (shard.NewEvent, error) {
	fields, err := webhook.Payload(w.Source, header.Get("Content-Type"), body)
	if err != nil {
		return shard.NewEvent{}, err
	}
	delete(fields, "tenant") // these two are parts of the address
	delete(fields, "v1-webhook")
	if w.StaticPayload != nil {
		var static map[string]json.RawMessage
		if err := json.Unmarshal(w.StaticPayload, &static); err != nil {
			return shard.NewEvent{}, err
		}
		maps.Copy(fields, static)
	}
	event := shard.NewEvent{}
	if event.Payload, err = json.Marshal(fields); err != nil {
		return event, fault.New(fault.Invalid, "body", "is not a JSON object")
	}
	input, err := expr.Parse(event.Payload)
	if err != nil {
		return event, fault.New(fault.Invalid, "body", "%v", err)
	}
	headers, err := headersOf(header)
	if err != nil {
		return event, err
	}
	if event.Key, err = textOf("eventKeyExpression", w.KeyExpression, input, headers); err != nil {
		return event, err
	}
	if w.ScopeExpression != "" {
		event.Scope, err = textOf("scopeExpression", w.ScopeExpression, input, headers)
	}
	return event, err
}

func textOf(field, expression string, values ...expr.Value) (string, error) {
	program, err := expr.Request.CompileText(expression)
	if err != nil {
		return "", fault.New(fault.Invalid, field, "%v", err)
	}
	text, err := program.Text(values...)
	if err != nil {
		return "", fault.New(fault.Invalid, field, "%v", err)
	}
	return text, nil
}

// headersOf are the headers as expressions see them: of each the first value.
func headersOf(header http.Header) (expr.Value, error) {
	first := make(map[string]string, len(header))
	for name := range header {
		first[strings.ToLower(name)] = header.Get(name)
	}
	text, err := json.Marshal(first)
	if err != nil {
		return expr.Value{}, err
	}
	return expr.Parse(text)
}

// pushed stores the event, and tells the caller of it if the webhook does.
func (c Config) pushed(r *http.Request, w *record.Webhook, tenant uuid.UUID, event shard.NewEvent) (*hatchetrest.V1WebhookAnswer, error) {
	pushed, err := c.Limits.Push(r.Context(), c.Shards, w.Tenant, []shard.NewEvent{event}, false, shard.NoWait)
	if err != nil {
		return nil, err
	}
	if !w.AnswersEvent {
		return nil, nil //nolint:nilnil // no content
	}
	at := pushed[0].ID.Time().UTC()
	return &hatchetrest.V1WebhookAnswer{Message: "ok", Event: hatchetrest.V1Event{
		Metadata: metaOf(pushed[0].ID, at),
		TenantId: tenant.String(), Key: event.Key, Scope: event.Scope, Payload: event.Payload, SeenAt: at,
		TriggeringWebhookName: w.Name,
	}}, nil
}
