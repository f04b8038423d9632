"""Tasks that start other tasks: one, many, the same again, in a durable way or not."""

from typing import Any

from hatchet_sdk import Context, EmptyModel
from pydantic import BaseModel

from programs.client import hatchet


class Child(BaseModel):
    n: int = 0
    fail: bool = False


class Parent(BaseModel):
    count: int = 1
    key: str | None = None
    fail: bool = False


@hatchet.task(name="child", input_validator=Child)
async def child(input: Child, ctx: Context) -> dict[str, Any]:
    if input.fail:
        raise ValueError(f"child {input.n} failed")
    return {
        "n": input.n,
        "index": ctx.child_index,
        "key": ctx.child_key,
        "parent": ctx.parent_workflow_run_id,
        "run": ctx.workflow_run_id,
        "metadata": dict(ctx.additional_metadata),
    }


@hatchet.task(name="parent", input_validator=Parent)
async def parent(input: Parent, ctx: Context) -> dict[str, Any]:
    children = []
    for n in range(input.count):
        children.append(await child.aio_run(Child(n=n), additional_metadata={"own": str(n)}))
    return {"children": children}


@hatchet.task(name="parent-sync", input_validator=Parent)
def parent_sync(input: Parent, ctx: Context) -> dict[str, Any]:
    return {"children": [child.run(Child(n=n)) for n in range(input.count)]}


@hatchet.task(name="parent-bulk", input_validator=Parent)
async def parent_bulk(input: Parent, ctx: Context) -> dict[str, Any]:
    return {
        "children": await child.aio_run_many(
            [child.create_bulk_run_item(Child(n=n)) for n in range(input.count)]
        )
    }


@hatchet.task(name="parent-of-twins", input_validator=Parent)
async def parent_of_twins(input: Parent, ctx: Context) -> dict[str, Any]:
    refs = [await child.aio_run_no_wait(Child(n=n), child_key=input.key) for n in range(2)]
    return {"runs": [ref.workflow_run_id for ref in refs], "children": [await r.aio_result() for r in refs]}


@hatchet.task(name="parent-retried", retries=1)
async def parent_retried(input: EmptyModel, ctx: Context) -> dict[str, Any]:
    refs = [await child.aio_run_no_wait(Child(n=n)) for n in range(3)]
    runs = [ref.workflow_run_id for ref in refs]
    if ctx.retry_count == 0:
        raise RuntimeError(" ".join(runs))
    return {"runs": runs, "children": [await r.aio_result() for r in refs]}


@hatchet.task(name="parent-of-failure")
async def parent_of_failure(input: EmptyModel, ctx: Context) -> dict[str, Any]:
    try:
        await child.aio_run(Child(n=3, fail=True))
    except Exception as e:
        return {"caught": str(e), "inner": [str(x) for x in getattr(e, "exceptions", [])]}
    return {"caught": ""}


@hatchet.task(name="parent-pushes", input_validator=Parent)
async def parent_pushes(input: Parent, ctx: Context) -> dict[str, str]:
    event = await hatchet.event.aio_push("children:pushed", {"key": input.key})
    return {"event": event.event_id}


WORKFLOWS = [
    child,
    parent,
    parent_sync,
    parent_bulk,
    parent_of_twins,
    parent_retried,
    parent_of_failure,
    parent_pushes,
]
