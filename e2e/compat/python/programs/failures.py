"""Tasks that fail, are late, are cancelled, and what runs after them."""

import asyncio
import time
from datetime import timedelta
from typing import Any

from hatchet_sdk import Context, DesiredWorkerLabel, EmptyModel, NonRetryableException
from pydantic import BaseModel

from programs.client import hatchet


class Tries(BaseModel):
    succeed_at: int = 0


class Say(BaseModel):
    text: str = ""


@hatchet.task(name="fail-always", input_validator=Say)
async def fail_always(input: Say, ctx: Context) -> None:
    raise ValueError(f"cannot do {input.text}")


@hatchet.task(name="fail-until", input_validator=Tries, retries=3)
async def fail_until(input: Tries, ctx: Context) -> dict[str, int]:
    if ctx.retry_count < input.succeed_at:
        raise RuntimeError(f"attempt {ctx.attempt_number}")
    return {"retry_count": ctx.retry_count, "max_attempts": ctx.max_attempts}


@hatchet.task(name="fail-slower", input_validator=Tries, retries=2, backoff_factor=1.5, backoff_max_seconds=2)
async def fail_slower(input: Tries, ctx: Context) -> dict[str, float]:
    if ctx.retry_count < input.succeed_at:
        raise RuntimeError("not yet")
    return {"at": time.time()}


@hatchet.task(name="fail-for-good", retries=5)
async def fail_for_good(input: EmptyModel, ctx: Context) -> None:
    raise NonRetryableException("no use")


@hatchet.task(name="too-slow", execution_timeout=timedelta(seconds=1), retries=1)
async def too_slow(input: EmptyModel, ctx: Context) -> None:
    await asyncio.sleep(30)


@hatchet.task(name="asks-for-time", execution_timeout=timedelta(seconds=4))
async def asks_for_time(input: EmptyModel, ctx: Context) -> dict[str, bool]:
    await ctx.aio_refresh_timeout(timedelta(seconds=30))
    await asyncio.sleep(5)
    return {"done": True}


# No worker has the label, so it waits until it is too late.
@hatchet.task(
    name="never-started",
    schedule_timeout=timedelta(seconds=1),
    desired_worker_labels=[DesiredWorkerLabel(key="planet", value="mars", required=True)],
)
async def never_started(input: EmptyModel, ctx: Context) -> None: ...


@hatchet.task(name="long", input_validator=Say)
async def long(input: Say, ctx: Context) -> dict[str, bool]:
    await asyncio.sleep(60)
    return {"done": True}


@hatchet.task(name="long-sync")
def long_sync(input: EmptyModel, ctx: Context) -> dict[str, bool]:
    deadline = time.monotonic() + 30
    while not ctx.exit_flag and time.monotonic() < deadline:
        time.sleep(0.05)
    return {"noticed": ctx.exit_flag}


@hatchet.task(name="gives-up")
async def gives_up(input: EmptyModel, ctx: Context) -> None:
    await ctx.aio_cancel()
    await asyncio.sleep(60)


# A failing workflow with somebody to clean up.
cleaned = hatchet.workflow(name="cleaned", input_validator=Tries)


@cleaned.task()
async def works(input: Tries, ctx: Context) -> dict[str, str]:
    return {"made": "something"}


@cleaned.task(parents=[works])
async def breaks(input: Tries, ctx: Context) -> dict[str, str]:
    if input.succeed_at > 0:
        raise ValueError("broken pipe")
    return {"fine": "yes"}


@cleaned.on_failure_task()
async def clean_up(input: Tries, ctx: Context) -> dict[str, Any]:
    return {"errors": dict(ctx.task_run_errors)}


# A workflow that ends with a celebration.
celebrated = hatchet.workflow(name="celebrated", input_validator=Tries)


@celebrated.task()
async def one(input: Tries, ctx: Context) -> dict[str, int]:
    return {"n": 1}


@celebrated.task()
async def two(input: Tries, ctx: Context) -> dict[str, int]:
    if input.succeed_at > 0:
        raise ValueError("no two")
    return {"n": 2}


@celebrated.on_success_task()
async def celebrate(input: Tries, ctx: Context) -> dict[str, int]:
    return {"sum": ctx.task_output(one)["n"] + ctx.task_output(two)["n"]}


WORKFLOWS = [
    fail_always,
    fail_until,
    fail_slower,
    fail_for_good,
    too_slow,
    asks_for_time,
    never_started,
    long,
    long_sync,
    gives_up,
    cleaned,
    celebrated,
]
