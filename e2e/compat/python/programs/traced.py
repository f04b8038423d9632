"""A worker that traces what it does, and sends the traces to the engine."""

from typing import Any

from hatchet_sdk import Context, EmptyModel
from hatchet_sdk.opentelemetry.instrumentor import HatchetInstrumentor
from opentelemetry.trace import get_tracer

from programs.client import hatchet

HatchetInstrumentor(schedule_delay_millis=200).instrument()
tracer = get_tracer("programs.traced")


@hatchet.task(name="traced")
async def traced(input: EmptyModel, ctx: Context) -> dict[str, Any]:
    with tracer.start_as_current_span("inner work") as span:
        span.set_attribute("colour", "green")
    return {"traced": True}


WORKFLOWS = [traced]
