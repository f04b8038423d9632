"""Reading over REST what became of a run."""

import asyncio
from collections import Counter
from typing import Any

from hatchet_sdk import V1TaskStatus

from harness.poll import eventually


def events_of(hatchet: Any, run_id: str) -> Counter[str]:
    details = hatchet.runs.get(run_id)
    return Counter(event.event_type.value for event in details.task_events)


async def final(hatchet: Any, run_id: str) -> Any:
    """The details of a run once it has ended."""

    def ended() -> Any:
        details = hatchet.runs.get(run_id)
        return details if details.run.status not in ("QUEUED", "RUNNING") else None

    return await eventually(ended)


async def result_of(hatchet: Any, ref: Any, within: float) -> Any:
    """What a run gives; if it takes too long, the failure tells what the engine says of it."""
    try:
        return await asyncio.wait_for(ref.aio_result(), within)
    except asyncio.TimeoutError:
        details = hatchet.runs.get(ref.workflow_run_id)
        history = [
            f"{event.timestamp} {event.event_type.value} {event.message}" for event in details.task_events
        ]
        raise AssertionError(
            "\n".join([f"no result after {within} s of a run that is {details.run.status}", *history])
        ) from None


def assigned(hatchet: Any, refs: list[Any]) -> list[float]:
    """When each run of one task was given to a worker, as the engine says: what it holds
    back is judged by that, for a busy worker begins many at once."""
    return [
        event.timestamp.timestamp()
        for ref in refs
        for event in hatchet.runs.get(ref.workflow_run_id).task_events
        if event.event_type.value == "ASSIGNED"
    ]


async def running(hatchet: Any, run_id: str) -> None:
    await eventually(lambda: hatchet.runs.get_status(run_id) == V1TaskStatus.RUNNING)


def tasks_of(details: Any) -> dict[str, Any]:
    """The tasks of a run by their names; a display name is the name, a dash and a time."""
    return {task.display_name.rsplit("-", 1)[0]: task for task in details.tasks}
