"""Graphs of tasks: outputs of parents, and conditions that wait for, skip or cancel a task."""

import time
from datetime import timedelta
from typing import Any

from hatchet_sdk import Context, ParentCondition, SleepCondition, UserEventCondition, or_
from pydantic import BaseModel

from programs.client import hatchet


class Number(BaseModel):
    n: int = 0
    mark: str = ""


diamond = hatchet.workflow(name="diamond", input_validator=Number)


@diamond.task()
async def top(input: Number, ctx: Context) -> dict[str, int]:
    return {"n": input.n}


@diamond.task(parents=[top])
async def left(input: Number, ctx: Context) -> dict[str, int]:
    return {"n": ctx.task_output(top)["n"] * 2}


@diamond.task(parents=[top])
def right(input: Number, ctx: Context) -> dict[str, int]:
    return {"n": ctx.task_output(top)["n"] * 3}


@diamond.task(parents=[left, right])
async def bottom(input: Number, ctx: Context) -> dict[str, Any]:
    return {
        "n": ctx.task_output(left)["n"] + ctx.task_output(right)["n"],
        "run_is_not_task": ctx.workflow_run_id != ctx.task_run_id,
    }


# One task fails, and what comes after it is not run.
cut_off = hatchet.workflow(name="cut-off", input_validator=Number)


@cut_off.task()
async def fails(input: Number, ctx: Context) -> dict[str, int]:
    raise ValueError("cut")


@cut_off.task()
async def stands(input: Number, ctx: Context) -> dict[str, int]:
    return {"n": 1}


@cut_off.task(parents=[fails, stands])
async def after(input: Number, ctx: Context) -> dict[str, int]:
    return {"n": 2}


# Which tasks run depends on what the first one says.
branching = hatchet.workflow(name="branching", input_validator=Number)


@branching.task()
async def choose(input: Number, ctx: Context) -> dict[str, int]:
    return {"n": input.n}


@branching.task(parents=[choose], skip_if=[ParentCondition(choose, expression="output.n < 10")])
async def big(input: Number, ctx: Context) -> dict[str, str]:
    return {"took": "big"}


@branching.task(parents=[choose], skip_if=[ParentCondition(choose, expression="output.n >= 10")])
async def small(input: Number, ctx: Context) -> dict[str, str]:
    return {"took": "small"}


@branching.task(parents=[choose], cancel_if=[ParentCondition(choose, expression="output.n > 100")])
async def careful(input: Number, ctx: Context) -> dict[str, str]:
    return {"was": "careful"}


@branching.task(parents=[big])
async def after_big(input: Number, ctx: Context) -> dict[str, bool]:
    return {"big_was_skipped": ctx.was_skipped(big)}


@branching.task(parents=[big, small])
async def join(input: Number, ctx: Context) -> dict[str, bool]:
    return {"big_was_skipped": ctx.was_skipped(big), "small_was_skipped": ctx.was_skipped(small)}


# Waits for time, for events, for the first of both.
patient = hatchet.workflow(name="patient", input_validator=Number)


@patient.task()
async def begin(input: Number, ctx: Context) -> dict[str, float]:
    return {"at": time.time()}


@patient.task(parents=[begin], wait_for=[SleepCondition(timedelta(seconds=2))])
async def after_sleep(input: Number, ctx: Context) -> dict[str, float]:
    return {"at": time.time()}


@patient.task(
    parents=[begin],
    wait_for=[UserEventCondition(event_key="patient:go", expression="input.n > 5", readable_data_key="go")],
)
async def after_event(input: Number, ctx: Context) -> dict[str, Any]:
    return {"at": time.time(), "trigger": dict(ctx.trigger_data)}


@patient.task(
    parents=[begin],
    wait_for=[or_(SleepCondition(timedelta(seconds=60)), UserEventCondition(event_key="patient:go"))],
)
async def after_first(input: Number, ctx: Context) -> dict[str, float]:
    return {"at": time.time()}


@patient.task(
    parents=[begin],
    wait_for=[SleepCondition(timedelta(seconds=30))],
    skip_if=[UserEventCondition(event_key="patient:skip")],
)
async def skipped_by_event(input: Number, ctx: Context) -> dict[str, float]:
    return {"at": time.time()}


@patient.task(
    parents=[begin],
    wait_for=[SleepCondition(timedelta(seconds=30))],
    cancel_if=[UserEventCondition(event_key="patient:cancel")],
)
async def cancelled_by_event(input: Number, ctx: Context) -> dict[str, float]:
    return {"at": time.time()}


WORKFLOWS = [diamond, cut_off, branching, patient]
