"""Plain tasks: sync and async, typed inputs and outputs, what the context tells them."""

import time
from typing import Any

from hatchet_sdk import Context, EmptyModel
from pydantic import BaseModel, Field

from programs.client import hatchet


class Pair(BaseModel):
    left: int
    right: int = Field(ge=0)


class Sum(BaseModel):
    total: int


class Anything(BaseModel):
    value: Any = None


@hatchet.task(name="add-sync", input_validator=Pair)
def add_sync(input: Pair, ctx: Context) -> Sum:
    return Sum(total=input.left + input.right)


@hatchet.task(name="add-async", input_validator=Pair)
async def add_async(input: Pair, ctx: Context) -> Sum:
    return Sum(total=input.left + input.right)


@hatchet.task(name="echo", input_validator=Anything)
async def echo(input: Anything, ctx: Context) -> dict[str, Any]:
    return {"value": input.value}


@hatchet.task(name="nothing")
async def nothing(input: EmptyModel, ctx: Context) -> None:
    return None


@hatchet.task(name="tell", input_validator=Anything, default_additional_metadata={"origin": "default"})
async def tell(input: Anything, ctx: Context) -> dict[str, Any]:
    """Tells all that the context knows of the run."""
    return {
        "workflow_run_id": ctx.workflow_run_id,
        "task_run_id": ctx.task_run_id,
        "workflow_name": ctx.workflow_name,
        "task_name": ctx.task_name,
        "workflow_id": ctx.workflow_id,
        "workflow_version_id": ctx.workflow_version_id,
        "retry_count": ctx.retry_count,
        "priority": ctx.priority,
        "metadata": dict(ctx.additional_metadata),
        "worker_id": ctx.worker_id,
        "event_id": ctx.triggering_event_id,
        "event_key": ctx.triggering_event_key,
        "filter_payload": ctx.filter_payload,
        "input": dict(ctx.workflow_input),
        "at": time.time(),
    }


WORKFLOWS = [add_sync, add_async, echo, nothing, tell]
