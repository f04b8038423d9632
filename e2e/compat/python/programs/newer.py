"""What only newer SDKs have: batches, idempotency, delays asked for by a failure, pauses.

On an older SDK the lists of this module are empty, and its scenarios are skipped.
"""

import time
from datetime import timedelta
from typing import Any

import hatchet_sdk
from hatchet_sdk import ConcurrencyExpression, ConcurrencyLimitStrategy, Context
from pydantic import BaseModel

from programs.client import hatchet
from programs.concurrency import Work, work

HAS_BATCHES = hasattr(hatchet, "batch_task")
HAS_IDEMPOTENCY = hasattr(hatchet_sdk, "TTLBasedIdempotencyConfig")
HAS_RETRY_AFTER = hasattr(hatchet_sdk, "RetryAfterException")
HAS_SHARED_LIMITS = "is_tenant_scoped" in ConcurrencyExpression.model_fields
HAS_PAUSE = hasattr(hatchet.workflows, "pause")
HAS_CRON_INPUT = "cron_input" in hatchet.task.__kwdefaults__

WORKFLOWS: list[Any] = []


class Item(BaseModel):
    n: int = 0
    group: str = ""
    key: str = ""
    fail: bool = False
    seconds: float = 0.0


if HAS_BATCHES:

    @hatchet.batch_task(
        name="batch",
        input_validator=Item,
        batch_max_size=4,
        batch_max_interval=timedelta(seconds=1),
        batch_group_key="input.group",
    )
    async def batch(inputs: dict[str, Item], ctx: Context) -> dict[str, Any]:
        together = sorted(i.n for i in inputs.values())
        return {id: {"n": i.n, "together": together, "at": time.time()} for id, i in inputs.items()}

    @hatchet.batch_task(
        name="batch-broadcast",
        input_validator=Item,
        batch_max_size=3,
        batch_max_interval=timedelta(seconds=1),
        broadcast_output=True,
    )
    async def batch_broadcast(inputs: dict[str, Item], ctx: Context) -> dict[str, Any]:
        return {"sum": sum(i.n for i in inputs.values())}

    @hatchet.batch_task(
        name="batch-failing",
        input_validator=Item,
        batch_max_size=2,
        batch_max_interval=timedelta(seconds=1),
    )
    async def batch_failing(inputs: dict[str, Item], ctx: Context) -> dict[str, Any]:
        raise ValueError("the whole batch failed")

    WORKFLOWS += [batch, batch_broadcast, batch_failing]

if HAS_IDEMPOTENCY:

    @hatchet.task(
        name="once-a-while",
        input_validator=Item,
        idempotency=hatchet_sdk.TTLBasedIdempotencyConfig(
            key_expression="'ttl-' + input.key", ttl=timedelta(seconds=6)
        ),
    )
    async def once_a_while(input: Item, ctx: Context) -> dict[str, Any]:
        return {"n": input.n}

    @hatchet.task(
        name="once-at-a-time",
        input_validator=Item,
        idempotency=hatchet_sdk.StatusBasedIdempotencyConfig(
            key_expression="'status-' + input.key", fallback_ttl=timedelta(minutes=5)
        ),
    )
    async def once_at_a_time(input: Item, ctx: Context) -> dict[str, Any]:
        return await work(Work(n=input.n, seconds=input.seconds))

    WORKFLOWS += [once_a_while, once_at_a_time]

if HAS_RETRY_AFTER:

    @hatchet.task(name="asks-for-delay", retries=2)
    async def asks_for_delay(input: hatchet_sdk.EmptyModel, ctx: Context) -> dict[str, Any]:
        if ctx.retry_count == 0:
            raise hatchet_sdk.RetryAfterException("busy", after=timedelta(seconds=2))
        return {"at": time.time(), "retry_count": ctx.retry_count}

    WORKFLOWS += [asks_for_delay]

if HAS_SHARED_LIMITS:

    def shared() -> ConcurrencyExpression:
        return ConcurrencyExpression(
            expression="input.group",
            max_runs=1,
            name="shared-limit",
            is_tenant_scoped=True,
            limit_strategy=ConcurrencyLimitStrategy.GROUP_ROUND_ROBIN,
        )

    @hatchet.task(name="shares-one", input_validator=Work, concurrency=shared())
    async def shares_one(input: Work, ctx: Context) -> dict[str, Any]:
        return await work(input)

    @hatchet.task(name="shares-two", input_validator=Work, concurrency=shared())
    async def shares_two(input: Work, ctx: Context) -> dict[str, Any]:
        return await work(input)

    @hatchet.task(
        name="computed-limit",
        input_validator=Work,
        concurrency=ConcurrencyExpression(
            expression="input.group",
            max_runs="input.digit == 'many' ? 3 : 1",
            limit_strategy=ConcurrencyLimitStrategy.GROUP_ROUND_ROBIN,
        ),
    )
    async def computed_limit(input: Work, ctx: Context) -> dict[str, Any]:
        return await work(input)

    def keeping(strategy: str) -> ConcurrencyExpression:
        return ConcurrencyExpression(
            expression="input.group", max_runs=1, limit_strategy=ConcurrencyLimitStrategy(strategy)
        )

    @hatchet.task(
        name="keeps-newest", input_validator=Work, concurrency=keeping("CANCEL_QUEUED_EXCEPT_NEWEST")
    )
    async def keeps_newest(input: Work, ctx: Context) -> dict[str, Any]:
        return await work(input)

    @hatchet.task(
        name="keeps-oldest", input_validator=Work, concurrency=keeping("CANCEL_QUEUED_EXCEPT_OLDEST")
    )
    async def keeps_oldest(input: Work, ctx: Context) -> dict[str, Any]:
        return await work(input)

    WORKFLOWS += [shares_one, shares_two, computed_limit, keeps_newest, keeps_oldest]

if HAS_PAUSE:

    @hatchet.task(name="paused-workflow", input_validator=Item)
    async def paused_workflow(input: Item, ctx: Context) -> dict[str, Any]:
        return {"n": input.n, "at": time.time()}

    WORKFLOWS += [paused_workflow]

if HAS_CRON_INPUT:

    @hatchet.task(
        name="ticking-with-input",
        input_validator=Item,
        on_crons=["*/2 * * * * *"],
        cron_input=Item(n=7, key="from the cron"),
    )
    async def ticking_with_input(input: Item, ctx: Context) -> dict[str, Any]:
        return {"n": input.n, "key": input.key}

    WORKFLOWS += [ticking_with_input]
