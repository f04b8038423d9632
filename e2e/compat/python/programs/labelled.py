"""Tasks that want a worker with certain labels."""

from typing import Any

from hatchet_sdk import Context, DesiredWorkerLabel, WorkerLabelComparator

from programs.client import hatchet
from programs.routing import Job, told


@hatchet.task(
    name="wants-model",
    input_validator=Job,
    desired_worker_labels=[DesiredWorkerLabel(key="model", value="large", required=True)],
)
async def wants_model(input: Job, ctx: Context) -> dict[str, Any]:
    return await told(input, ctx)


@hatchet.task(
    name="wants-memory",
    input_validator=Job,
    desired_worker_labels=[
        DesiredWorkerLabel(
            key="memory", value=100, required=True, comparator=WorkerLabelComparator.GREATER_THAN
        )
    ],
)
async def wants_memory(input: Job, ctx: Context) -> dict[str, Any]:
    return await told(input, ctx)


@hatchet.task(
    name="prefers-model",
    input_validator=Job,
    desired_worker_labels=[DesiredWorkerLabel(key="model", value="small", weight=10)],
)
async def prefers_model(input: Job, ctx: Context) -> dict[str, Any]:
    return await told(input, ctx)


@hatchet.task(name="relabels", input_validator=Job)
async def relabels(input: Job, ctx: Context) -> dict[str, Any]:
    before = dict(ctx.worker_labels)
    await ctx.aio_upsert_worker_labels({"model": "large", "memory": 200})
    return {"worker": ctx.worker_id, "before": before}


WORKFLOWS = [wants_model, wants_memory, prefers_model, relabels]
