"""A workflow that is registered and then deleted."""

from typing import Any

from hatchet_sdk import Context, EmptyModel

from programs.client import hatchet


@hatchet.task(name="deleted", description="not for long", version="v7")
async def deleted(input: EmptyModel, ctx: Context) -> dict[str, Any]:
    return {}


WORKFLOWS = [deleted]
