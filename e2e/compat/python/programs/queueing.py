"""A task of which only a few run at once, so that the order of a queue shows."""

from typing import Any

from hatchet_sdk import Context, Priority

from programs.client import hatchet
from programs.routing import Job, told


@hatchet.task(name="queued", input_validator=Job, default_priority=Priority.MEDIUM)
async def queued(input: Job, ctx: Context) -> dict[str, Any]:
    return {**await told(input, ctx), "priority": ctx.priority}


WORKFLOWS = [queued]
