"""Tasks that start at a time, once or again and again."""

import time
from typing import Any

from hatchet_sdk import Context
from pydantic import BaseModel

from programs.client import hatchet


class Note(BaseModel):
    text: str = ""


def told(input: Note, ctx: Context) -> dict[str, Any]:
    return {
        "text": input.text,
        "at": time.time(),
        "priority": ctx.priority,
        "metadata": dict(ctx.additional_metadata),
    }


@hatchet.task(name="scheduled", input_validator=Note)
async def scheduled(input: Note, ctx: Context) -> dict[str, Any]:
    return told(input, ctx)


# Six fields: this one fires every second.
@hatchet.task(name="ticking", input_validator=Note, on_crons=["* * * * * *"])
async def ticking(input: Note, ctx: Context) -> dict[str, Any]:
    return told(input, ctx)


@hatchet.task(name="cron-made", input_validator=Note)
async def cron_made(input: Note, ctx: Context) -> dict[str, Any]:
    return told(input, ctx)


WORKFLOWS = [scheduled, ticking, cron_made]
