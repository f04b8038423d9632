"""Tasks that share: limits by key, and who is cancelled when there are too many."""

import asyncio
import time
from typing import Any

from hatchet_sdk import ConcurrencyExpression, ConcurrencyLimitStrategy, Context
from pydantic import BaseModel

from programs.client import hatchet


class Work(BaseModel):
    group: str = ""
    digit: str = ""
    seconds: float = 0.3
    n: int = 0


async def work(input: Work) -> dict[str, Any]:
    """Says when it was at work, so that a reader can see who was at the same time."""
    start = time.time()
    await asyncio.sleep(input.seconds)
    return {"group": input.group, "digit": input.digit, "n": input.n, "from": start, "to": time.time()}


def limited(expression: str, max_runs: int, strategy: ConcurrencyLimitStrategy) -> ConcurrencyExpression:
    return ConcurrencyExpression(expression=expression, max_runs=max_runs, limit_strategy=strategy)


@hatchet.task(
    name="round-robin",
    input_validator=Work,
    concurrency=limited("input.group", 2, ConcurrencyLimitStrategy.GROUP_ROUND_ROBIN),
)
async def round_robin(input: Work, ctx: Context) -> dict[str, Any]:
    return await work(input)


@hatchet.task(
    name="newest-wins",
    input_validator=Work,
    concurrency=limited("input.group", 1, ConcurrencyLimitStrategy.CANCEL_IN_PROGRESS),
)
async def newest_wins(input: Work, ctx: Context) -> dict[str, Any]:
    return await work(input)


@hatchet.task(
    name="oldest-wins",
    input_validator=Work,
    concurrency=limited("input.group", 1, ConcurrencyLimitStrategy.CANCEL_NEWEST),
)
async def oldest_wins(input: Work, ctx: Context) -> dict[str, Any]:
    return await work(input)


@hatchet.task(
    name="two-keys",
    input_validator=Work,
    concurrency=[
        limited("input.group", 2, ConcurrencyLimitStrategy.GROUP_ROUND_ROBIN),
        limited("input.digit", 1, ConcurrencyLimitStrategy.GROUP_ROUND_ROBIN),
    ],
)
async def two_keys(input: Work, ctx: Context) -> dict[str, Any]:
    return await work(input)


@hatchet.task(name="one-at-a-time", input_validator=Work, concurrency=1)
async def one_at_a_time(input: Work, ctx: Context) -> dict[str, Any]:
    return await work(input)


@hatchet.task(
    name="bad-key",
    input_validator=Work,
    concurrency=limited("input.nothing", 1, ConcurrencyLimitStrategy.GROUP_ROUND_ROBIN),
)
async def bad_key(input: Work, ctx: Context) -> dict[str, Any]:
    return await work(input)


# The limit holds for a run as a whole: its second task is inside the same slot.
whole_runs = hatchet.workflow(
    name="whole-runs",
    input_validator=Work,
    concurrency=limited("input.group", 1, ConcurrencyLimitStrategy.GROUP_ROUND_ROBIN),
)


@whole_runs.task()
async def first(input: Work, ctx: Context) -> dict[str, Any]:
    return await work(input)


@whole_runs.task(parents=[first])
async def second(input: Work, ctx: Context) -> dict[str, Any]:
    return await work(input)


WORKFLOWS = [round_robin, newest_wins, oldest_wins, two_keys, one_at_a_time, bad_key, whole_runs]
