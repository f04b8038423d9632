"""Tasks for which it matters how many slots a worker has."""

import asyncio
import time
from typing import Any

from hatchet_sdk import Context, DurableContext
from pydantic import BaseModel

from programs.client import hatchet


class Job(BaseModel):
    n: int = 0
    seconds: float = 0.0


async def told(input: Job, ctx: Context) -> dict[str, Any]:
    start = time.time()
    await asyncio.sleep(input.seconds)
    return {"n": input.n, "worker": ctx.worker_id, "from": start, "to": time.time()}


@hatchet.task(name="placed", input_validator=Job)
async def placed(input: Job, ctx: Context) -> dict[str, Any]:
    return await told(input, ctx)


@hatchet.task(name="releasing", input_validator=Job)
async def releasing(input: Job, ctx: Context) -> dict[str, Any]:
    await ctx.aio_release_slot()
    return await told(input, ctx)


@hatchet.durable_task(name="placed-durable", input_validator=Job)
async def placed_durable(input: Job, ctx: DurableContext) -> dict[str, Any]:
    return await told(input, ctx)


WORKFLOWS = [placed, releasing, placed_durable]
