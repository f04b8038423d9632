"""Durable tasks: they wait for long, and go on where they were."""

import asyncio
import time
from datetime import timedelta
from typing import Any

from hatchet_sdk import Context, DurableContext, EmptyModel, SleepCondition, UserEventCondition, or_
from hatchet_sdk.clients.listeners.durable_event_listener import DurableEventListener
from hatchet_sdk.runnables.eviction import EvictionPolicy
from pydantic import BaseModel

from programs.client import hatchet


class Wait(BaseModel):
    mark: str = ""
    seconds: int = 1
    fail_first: bool = False


class Answer(BaseModel):
    word: str


# Waits longer than this give their slot back.
SHORT_WAIT = EvictionPolicy(ttl=timedelta(seconds=1))
NO_LIMIT = timedelta(minutes=10)

# Each time that an SDK without this fix has opened its durable stream again, one of the next
# requests goes to the old stream and is lost, and the task waits for the answer for ever
# (the guide says so). What is to last over a restart needs a limit then, and further tries.
KEEPS_REQUESTS = hasattr(DurableEventListener, "_EVENT_ACK_TIMEOUT_S")
LASTING: dict[str, Any] = (
    {"execution_timeout": NO_LIMIT}
    if KEEPS_REQUESTS
    else {"execution_timeout": timedelta(seconds=8), "retries": 8}
)


async def sleep(input: Wait, ctx: DurableContext) -> dict[str, Any]:
    start = time.time()
    slept = await ctx.aio_sleep_for(timedelta(seconds=input.seconds))
    return {"slept": time.time() - start, "says": slept.duration.total_seconds()}


sleeper = hatchet.durable_task(name="sleeper", input_validator=Wait, execution_timeout=NO_LIMIT)(sleep)
lasting_sleeper = hatchet.durable_task(name="lasting-sleeper", input_validator=Wait, **LASTING)(sleep)


async def listen(input: Wait, ctx: DurableContext) -> dict[str, Any]:
    answer = await ctx.aio_wait_for_event(
        f"answer:{input.mark}", "input.word != 'no'", payload_validator=Answer
    )
    return {"word": answer.word}


listener = hatchet.durable_task(name="listener", input_validator=Wait, execution_timeout=NO_LIMIT)(listen)
lasting_listener = hatchet.durable_task(name="lasting-listener", input_validator=Wait, **LASTING)(listen)


@hatchet.durable_task(name="first-of-both", input_validator=Wait, execution_timeout=NO_LIMIT)
async def first_of_both(input: Wait, ctx: DurableContext) -> dict[str, Any]:
    start = time.time()
    met = await ctx.aio_wait_for(
        "either",
        or_(
            SleepCondition(timedelta(seconds=input.seconds), readable_data_key="slept"),
            UserEventCondition(event_key=f"answer:{input.mark}", readable_data_key="answered"),
        ),
    )
    return {"met": met, "took": time.time() - start}


@hatchet.durable_task(name="both", input_validator=Wait, execution_timeout=NO_LIMIT)
async def both(input: Wait, ctx: DurableContext) -> dict[str, Any]:
    start = time.time()
    met = await ctx.aio_wait_for(
        "both",
        SleepCondition(timedelta(seconds=input.seconds), readable_data_key="slept"),
        UserEventCondition(event_key=f"answer:{input.mark}", readable_data_key="answered"),
    )
    return {"met": met, "took": time.time() - start}


@hatchet.durable_task(name="looks-back", input_validator=Wait, execution_timeout=NO_LIMIT)
async def looks_back(input: Wait, ctx: DurableContext) -> dict[str, Any]:
    return await ctx.aio_wait_for_event("looked:for", scope=input.mark, lookback_window=timedelta(minutes=5))


@hatchet.durable_task(name="remembers", input_validator=Wait, retries=1, execution_timeout=NO_LIMIT)
async def remembers(input: Wait, ctx: DurableContext) -> dict[str, Any]:
    now = await ctx.aio_now()
    await ctx.aio_sleep_for(timedelta(seconds=1))
    if input.fail_first and ctx.retry_count == 0:
        raise RuntimeError(now.isoformat())
    return {"now": now.isoformat(), "invocation": ctx.invocation_count, "at": time.time()}


@hatchet.task(name="durable-child", input_validator=Wait)
async def durable_child(input: Wait, ctx: Context) -> dict[str, Any]:
    if input.fail_first:
        raise ValueError("the child failed")
    await asyncio.sleep(input.seconds)
    return {"mark": input.mark, "run": ctx.workflow_run_id}


durable_graph = hatchet.workflow(name="durable-graph", input_validator=Wait)


@durable_graph.task()
async def leaf_one(input: Wait, ctx: Context) -> dict[str, Any]:
    return {"n": 1}


@durable_graph.task(parents=[leaf_one])
async def leaf_two(input: Wait, ctx: Context) -> dict[str, Any]:
    return {"n": 2}


@hatchet.durable_task(name="spawner", input_validator=Wait, execution_timeout=NO_LIMIT)
async def spawner(input: Wait, ctx: DurableContext) -> dict[str, Any]:
    one = await durable_child.aio_run(Wait(mark=input.mark, seconds=0))
    many = await durable_child.aio_run_many(
        [durable_child.create_bulk_run_item(Wait(mark=f"{n}", seconds=0)) for n in range(5)]
    )
    graph = await durable_graph.aio_run(Wait())
    return {"one": one, "many": many, "graph": graph}


@hatchet.durable_task(name="spawner-of-failure", input_validator=Wait, execution_timeout=NO_LIMIT)
async def spawner_of_failure(input: Wait, ctx: DurableContext) -> dict[str, Any]:
    try:
        await durable_child.aio_run(Wait(fail_first=True))
    except Exception as e:
        return {"caught": str(e)}
    return {"caught": ""}


async def sleep_evicted(input: Wait, ctx: DurableContext) -> dict[str, Any]:
    now = await ctx.aio_now()
    await ctx.aio_sleep_for(timedelta(seconds=input.seconds))
    return {"now": now.timestamp(), "at": time.time(), "invocation": ctx.invocation_count}


evicted = hatchet.durable_task(
    name="evicted", input_validator=Wait, eviction_policy=SHORT_WAIT, execution_timeout=NO_LIMIT
)(sleep_evicted)
lasting_evicted = hatchet.durable_task(
    name="lasting-evicted", input_validator=Wait, eviction_policy=SHORT_WAIT, **LASTING
)(sleep_evicted)


@hatchet.durable_task(
    name="evicted-parent", input_validator=Wait, eviction_policy=SHORT_WAIT, execution_timeout=NO_LIMIT
)
async def evicted_parent(input: Wait, ctx: DurableContext) -> dict[str, Any]:
    child = await durable_child.aio_run(Wait(mark=input.mark, seconds=input.seconds))
    return {"child": child, "invocation": ctx.invocation_count}


@hatchet.durable_task(name="fickle", input_validator=Wait, retries=1, execution_timeout=NO_LIMIT)
async def fickle(input: Wait, ctx: DurableContext) -> dict[str, Any]:
    """Waits for something else the second time, which no durable task may."""
    await ctx.aio_sleep_for(timedelta(seconds=1 if ctx.invocation_count == 1 else 2))
    raise RuntimeError("again, please")


@hatchet.durable_task(name="steps", input_validator=Wait, execution_timeout=NO_LIMIT)
async def steps(input: Wait, ctx: DurableContext) -> dict[str, Any]:
    first = await durable_child.aio_run(Wait(mark="first", seconds=0))
    second = await durable_child.aio_run(Wait(mark="second", seconds=0))
    return {"first": first["run"], "second": second["run"], "invocation": ctx.invocation_count}


durable_in_graph = hatchet.workflow(name="durable-in-graph")


@durable_in_graph.task()
async def quick(input: EmptyModel, ctx: Context) -> dict[str, Any]:
    return {"n": 20}


@durable_in_graph.durable_task(parents=[quick])
async def slow(input: EmptyModel, ctx: DurableContext) -> dict[str, Any]:
    await ctx.aio_sleep_for(timedelta(seconds=1))
    return {"n": ctx.task_output(quick)["n"] + 1}


WORKFLOWS = [
    sleeper,
    listener,
    first_of_both,
    both,
    looks_back,
    remembers,
    durable_child,
    durable_graph,
    spawner,
    spawner_of_failure,
    evicted,
    evicted_parent,
    fickle,
    steps,
    lasting_evicted,
    lasting_sleeper,
    lasting_listener,
    durable_in_graph,
]
