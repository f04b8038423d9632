"""Workflows under a namespace: the same program, with HATCHET_CLIENT_NAMESPACE set."""

from typing import Any

from hatchet_sdk import Context
from pydantic import BaseModel

from programs.client import hatchet


class Name(BaseModel):
    name: str = ""


@hatchet.task(name="Spaced", input_validator=Name, on_events=["spaced:event"])
async def spaced(input: Name, ctx: Context) -> dict[str, Any]:
    return {"hello": input.name, "workflow": ctx.workflow_name}


@hatchet.task(name="spaced-parent", input_validator=Name)
async def spaced_parent(input: Name, ctx: Context) -> dict[str, Any]:
    return await spaced.aio_run(input)


WORKFLOWS = [spaced, spaced_parent]
