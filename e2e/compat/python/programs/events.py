"""Tasks that events start: by key, by pattern, and only if a filter says so."""

from typing import Any

from hatchet_sdk import Context, DefaultFilter
from pydantic import BaseModel, ConfigDict

from programs.client import hatchet


class Payload(BaseModel):
    model_config = ConfigDict(extra="allow")

    mark: str = ""
    n: int = 0


def told(input: Payload, ctx: Context) -> dict[str, Any]:
    return {
        "input": input.model_dump(),
        "metadata": dict(ctx.additional_metadata),
        "key": ctx.triggering_event_key,
        "event": ctx.triggering_event_id,
        "by_event": ctx.was_triggered_by_event,
        "filter_payload": dict(ctx.filter_payload),
        "priority": ctx.priority,
    }


@hatchet.task(name="on-order", input_validator=Payload, on_events=["order:created"])
async def on_order(input: Payload, ctx: Context) -> dict[str, Any]:
    return told(input, ctx)


@hatchet.task(name="on-any-parcel", input_validator=Payload, on_events=["parcel:*", "letter:*:sent"])
async def on_any_parcel(input: Payload, ctx: Context) -> dict[str, Any]:
    return told(input, ctx)


@hatchet.task(name="on-filtered", input_validator=Payload, on_events=["filtered:made"])
async def on_filtered(input: Payload, ctx: Context) -> dict[str, Any]:
    return told(input, ctx)


@hatchet.task(
    name="on-declared",
    input_validator=Payload,
    on_events=["declared:made"],
    default_filters=[
        DefaultFilter(expression="input.n > 10", scope="big", payload={"size": "big"}),
        DefaultFilter(expression="input.n > payload.least", scope="big", payload={"least": 100}),
    ],
)
async def on_declared(input: Payload, ctx: Context) -> dict[str, Any]:
    return told(input, ctx)


@hatchet.task(name="on-webhook", input_validator=Payload, on_events=["webhook:*"])
async def on_webhook(input: Payload, ctx: Context) -> dict[str, Any]:
    return told(input, ctx)


WORKFLOWS = [on_order, on_any_parcel, on_filtered, on_declared, on_webhook]
