"""Runs that stay on the worker that began them."""

from typing import Any

from hatchet_sdk import Context, StickyStrategy

from programs.client import hatchet
from programs.routing import Job, told


@hatchet.task(name="sticky-child", input_validator=Job, sticky=StickyStrategy.HARD)
async def sticky_child(input: Job, ctx: Context) -> dict[str, Any]:
    return await told(input, ctx)


hard = hatchet.workflow(name="sticky-hard", input_validator=Job, sticky=StickyStrategy.HARD)
soft = hatchet.workflow(name="sticky-soft", input_validator=Job, sticky=StickyStrategy.SOFT)


@hard.task()
async def hard_one(input: Job, ctx: Context) -> dict[str, Any]:
    return await told(input, ctx)


@hard.task(parents=[hard_one])
async def hard_two(input: Job, ctx: Context) -> dict[str, Any]:
    return await told(input, ctx)


@hard.task(parents=[hard_two])
async def hard_three(input: Job, ctx: Context) -> dict[str, Any]:
    child = await sticky_child.aio_run(Job(n=input.n), sticky=True)
    return {**await told(input, ctx), "child_worker": child["worker"]}


@soft.task()
async def soft_one(input: Job, ctx: Context) -> dict[str, Any]:
    return await told(input, ctx)


@soft.task(parents=[soft_one])
async def soft_two(input: Job, ctx: Context) -> dict[str, Any]:
    return await told(input, ctx)


WORKFLOWS = [sticky_child, hard, soft]
