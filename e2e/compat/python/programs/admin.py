"""Tasks for what an operator does: lists, replays, deletes."""

import time
from typing import Any

from hatchet_sdk import Context
from pydantic import BaseModel

from programs.client import hatchet


class Thing(BaseModel):
    n: int = 0
    fail: bool = False


@hatchet.task(name="listed", input_validator=Thing)
async def listed(input: Thing, ctx: Context) -> dict[str, Any]:
    if input.fail:
        raise ValueError("failed as asked")
    return {"n": input.n, "retry_count": ctx.retry_count, "at": time.time()}


# Fails the first time it is run, and works when it is replayed.
@hatchet.task(name="fails-once", input_validator=Thing)
async def fails_once(input: Thing, ctx: Context) -> dict[str, Any]:
    if ctx.retry_count == 0:
        raise ValueError("only once")
    return {"n": input.n, "retry_count": ctx.retry_count}


replayed_graph = hatchet.workflow(name="replayed-graph", input_validator=Thing)


@replayed_graph.task()
async def stable(input: Thing, ctx: Context) -> dict[str, Any]:
    return {"at": time.time()}


@replayed_graph.task(parents=[stable])
async def unstable(input: Thing, ctx: Context) -> dict[str, Any]:
    return {"at": time.time(), "parent": ctx.task_output(stable)["at"]}


WORKFLOWS = [listed, fails_once, replayed_graph]
