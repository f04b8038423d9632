"""Reading over REST what became of a run."""

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


async def running(hatchet: Any, run_id: str) -> None:
    await eventually(lambda: hatchet.runs.get_status(run_id) == V1TaskStatus.RUNNING)


def tasks_of(details: Any) -> dict[str, Any]:
    """The tasks of a run by their names; a display name is the name, a dash and a time."""
    return {task.display_name.rsplit("-", 1)[0]: task for task in details.tasks}
