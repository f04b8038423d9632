"""Others tell of what happened by HTTP, and sign it; runs start from it."""

import base64
import hmac
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from hatchet_sdk import V1WebhookHMACAlgorithm, V1WebhookHMACEncoding, V1WebhookSourceName
from hatchet_sdk.clients.rest.exceptions import BadRequestException
from hatchet_sdk.clients.rest.models.v1_webhook_api_key_auth import V1WebhookAPIKeyAuth
from hatchet_sdk.clients.rest.models.v1_webhook_basic_auth import V1WebhookBasicAuth
from hatchet_sdk.clients.rest.models.v1_webhook_hmac_auth import V1WebhookHMACAuth

from harness.poll import eventually
from programs.events import on_webhook

SECRET = "keep it"


class Hook:
    """One webhook, and how the outside world posts to it."""

    def __init__(self, hatchet: Any, engine: Any, name: str) -> None:
        self.name = name
        self.hatchet = hatchet
        self.url = f"{engine.server_url}/api/v1/stable/tenants/{hatchet.tenant_id}/webhooks/{name}"

    def create(self, auth: Any, source: Any = V1WebhookSourceName.GENERIC, **options: Any) -> Any:
        options = {"event_key_expression": "'webhook:' + input.kind"} | options
        return self.hatchet.webhooks.create(source_name=source, name=self.name, auth=auth, **options)

    def post(self, body: bytes, **headers: str) -> int:
        """Returns the status of the answer. A header's name is written with _ for -."""
        request = urllib.request.Request(
            self.url,
            data=body,
            method="POST",
            headers={"Content-Type": "application/json"}
            | {name.replace("_", "-"): value for name, value in headers.items()},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status
        except urllib.error.HTTPError as e:
            return e.code

    async def started(self, mark: str) -> Any:
        """What the run that a post started returned."""

        def ended() -> Any:
            rows = self.hatchet.runs.list(workflow_ids=[on_webhook.id]).rows
            return next((r.output for r in rows if r.output and r.output["input"].get("mark") == mark), None)

        return await eventually(ended)


@pytest.fixture
def hook(hatchet: Any, engine: Any, mark: str) -> Iterator[Hook]:
    hook = Hook(hatchet, engine, f"hook-{mark[:8]}")
    yield hook
    hatchet.webhooks.delete(hook.name)


def body_of(mark: str, kind: str = "made", **more: Any) -> bytes:
    return json.dumps({"mark": mark, "kind": kind, "n": 1} | more).encode()


def signature(text: bytes, algorithm: str = "sha256", secret: bytes = SECRET.encode()) -> bytes:
    return hmac.new(secret, text, algorithm).digest()


def hmac_auth(header: str, encoding: str = "HEX", algorithm: str = "SHA256", secret: str = SECRET) -> Any:
    return V1WebhookHMACAuth(
        algorithm=V1WebhookHMACAlgorithm(algorithm),
        encoding=V1WebhookHMACEncoding(encoding),
        signatureHeaderName=header,
        signingSecret=secret,
    )


@pytest.mark.short
@pytest.mark.parametrize(
    ("algorithm", "encoding"), [("SHA256", "HEX"), ("SHA512", "BASE64"), ("SHA1", "BASE64URL")]
)
async def test_a_signed_post_starts_a_run(hook: Hook, mark: str, algorithm: str, encoding: str) -> None:
    hook.create(hmac_auth("X-Signature", encoding, algorithm), return_event_as_response_payload=False)
    body = body_of(mark)
    digest = signature(body, algorithm.lower())
    encode = {
        "HEX": bytes.hex,
        "BASE64": lambda d: base64.b64encode(d).decode(),
        "BASE64URL": lambda d: base64.urlsafe_b64encode(d).decode(),
    }[encoding]
    assert hook.post(body, X_Signature=encode(digest)) == 204
    told = await hook.started(mark)
    assert told["key"] == "webhook:made"
    assert told["input"]["kind"] == "made"


async def test_a_post_with_a_wrong_signature_is_refused(hook: Hook, mark: str) -> None:
    hook.create(hmac_auth("X-Signature"))
    body = body_of(mark)
    assert hook.post(body, X_Signature=signature(body + b" ").hex()) == 403
    assert hook.post(body) == 403
    assert hook.post(b"not json", X_Signature=signature(b"not json").hex()) == 400
    assert hook.post(body, X_Signature=signature(body).hex()) == 200


async def test_a_post_with_a_password_starts_a_run(hook: Hook, mark: str) -> None:
    hook.create(V1WebhookBasicAuth(username="me", password="secret"))
    right, wrong = (base64.b64encode(t).decode() for t in (b"me:secret", b"me:guess"))
    assert hook.post(body_of(mark), Authorization=f"Basic {wrong}") == 403
    assert hook.post(body_of(mark), Authorization=f"Basic {right}") == 200
    assert (await hook.started(mark))["key"] == "webhook:made"


async def test_a_post_with_a_key_starts_a_run(hook: Hook, mark: str) -> None:
    hook.create(V1WebhookAPIKeyAuth(headerName="X-Key", apiKey="open"))
    assert hook.post(body_of(mark), X_Key="closed") == 403
    assert hook.post(body_of(mark), X_Key="open") == 200
    await hook.started(mark)


async def test_a_post_of_stripe_is_known_by_its_header(hook: Hook, mark: str) -> None:
    hook.create(hmac_auth("Stripe-Signature"), V1WebhookSourceName.STRIPE)
    body = body_of(mark)

    def signed(at: int) -> str:
        return f"t={at},v1={signature(f'{at}.'.encode() + body).hex()}"

    now = int(time.time())
    assert hook.post(body, Stripe_Signature=signed(now - 3600)) == 403
    assert hook.post(body, Stripe_Signature=signed(now)) == 200
    await hook.started(mark)


async def test_a_post_of_github_has_a_prefix(hook: Hook, mark: str) -> None:
    hook.create(
        hmac_auth("X-Hub-Signature-256"),
        V1WebhookSourceName.GITHUB,
        event_key_expression="'webhook:' + headers['x-github-event']",
    )
    body = body_of(mark)
    signed = "sha256=" + signature(body).hex()
    assert hook.post(body, X_Hub_Signature_256=signed, X_GitHub_Event="push") == 200
    assert (await hook.started(mark))["key"] == "webhook:push"


async def test_slack_is_answered_and_known(hook: Hook, mark: str) -> None:
    hook.create(hmac_auth("X-Slack-Signature"), V1WebhookSourceName.SLACK)
    assert hook.post(json.dumps({"challenge": "who are you"}).encode()) == 200
    body = body_of(mark)
    at = str(int(time.time()))
    signed = "v0=" + signature(f"v0:{at}:".encode() + body).hex()
    assert hook.post(body, X_Slack_Request_Timestamp=at, X_Slack_Signature=signed) == 200
    await hook.started(mark)


async def test_a_post_of_svix_has_an_id(hook: Hook, mark: str) -> None:
    key = b"0123456789abcdef01234567"
    secret = "whsec_" + base64.b64encode(key).decode()
    hook.create(hmac_auth("svix-signature", "BASE64", secret=secret), V1WebhookSourceName.SVIX)
    body = body_of(mark)
    at = str(int(time.time()))
    signed = base64.b64encode(signature(f"msg_1.{at}.".encode() + body, secret=key)).decode()
    headers = {"svix_id": "msg_1", "svix_timestamp": at, "svix_signature": f"v1,bad v1,{signed}"}
    assert hook.post(body, **headers) == 200
    await hook.started(mark)


async def test_a_webhook_adds_what_is_always_so(hook: Hook, mark: str) -> None:
    hook.create(
        V1WebhookAPIKeyAuth(headerName="X-Key", apiKey="open"),
        static_payload={"from": "the hook", "n": 7},
        scope_expression="input.mark",
    )
    assert hook.post(body_of(mark), X_Key="open") == 200
    told = await hook.started(mark)
    assert (told["input"]["from"], told["input"]["n"]) == ("the hook", 7)
    assert hook.hatchet.event.get(told["event"]).scope == mark


async def test_webhooks_are_listed_changed_and_unique(hook: Hook) -> None:
    auth = V1WebhookAPIKeyAuth(headerName="X-Key", apiKey="open")
    made = hook.create(auth)
    assert (made.name, made.auth_type, made.source_name) == (hook.name, "API_KEY", "GENERIC")
    assert "open" not in made.model_dump_json()
    with pytest.raises(BadRequestException):
        hook.create(auth)
    (row,) = hook.hatchet.webhooks.list(webhook_names=[hook.name]).rows
    assert row.event_key_expression == "'webhook:' + input.kind"
    hook.hatchet.webhooks.update(hook.name, event_key_expression="'webhook:changed'")
    assert hook.hatchet.webhooks.get(hook.name).event_key_expression == "'webhook:changed'"
    other = Hook(hook.hatchet, type("E", (), {"server_url": ""}), hook.name + "-bad")
    with pytest.raises(BadRequestException):
        other.create(auth, event_key_expression="input.")
