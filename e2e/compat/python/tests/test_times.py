"""Schedules and crons: they fire when they should, and can be managed over REST."""

import time
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hatchet_sdk.clients.rest.exceptions import BadRequestException, NotFoundException

from harness.poll import SLACK_SECONDS, eventually
from programs.times import Note, cron_made, scheduled, ticking


def ahead(**parts: float) -> datetime:
    return datetime.now(timezone.utc) + timedelta(**parts)


async def outputs(hatchet: Any, workflow: Any, count: int, **filters: Any) -> list[Any]:
    def done() -> Any:
        rows = hatchet.runs.list(workflow_ids=[workflow.id], **filters).rows
        ended = [r for r in rows if r.status == "COMPLETED"]
        return ended if len(ended) >= count else None

    return [r.output for r in await eventually(done)]


@pytest.mark.short
async def test_a_schedule_fires_at_its_time(hatchet: Any, mark: str) -> None:
    at = ahead(seconds=2)
    made = await scheduled.aio_schedule(
        at, Note(text="later"), additional_metadata={"mark": mark}, priority=3
    )
    assert len(made.scheduled_workflows) == 1
    row = hatchet.scheduled.get(made.scheduled_workflows[0].id)
    assert row.workflow_name == "scheduled"
    assert abs((row.trigger_at - at).total_seconds()) < 0.01
    assert row.input == {"text": "later"}
    (told,) = await outputs(hatchet, scheduled, 1, additional_metadata={"mark": mark})
    assert told["text"] == "later"
    assert -0.05 <= told["at"] - at.timestamp() < SLACK_SECONDS
    assert told["priority"] == 3


async def test_a_schedule_of_the_past_fires_at_once(hatchet: Any, mark: str) -> None:
    await scheduled.aio_schedule(ahead(hours=-1), Note(text="past"), additional_metadata={"mark": mark})
    (told,) = await outputs(hatchet, scheduled, 1, additional_metadata={"mark": mark})
    assert told["text"] == "past"


async def test_a_schedule_made_over_rest_can_be_listed_moved_and_deleted(
    hatchet: Any, impatient: Any, mark: str
) -> None:
    made = [
        hatchet.scheduled.create(
            workflow_name="scheduled",
            trigger_at=ahead(hours=n + 1),
            input={"text": str(n)},
            additional_metadata={"mark": mark},
        )
        for n in range(3)
    ]
    ids = [m.metadata.id for m in made]
    listed = hatchet.scheduled.list(additional_metadata={"mark": mark}).rows
    assert {row.metadata.id for row in listed} == set(ids)
    assert {row.method for row in listed} == {"API"}

    moved = hatchet.scheduled.update(ids[0], ahead(seconds=1))
    assert moved.trigger_at < ahead(minutes=1)
    (told,) = await outputs(hatchet, scheduled, 1, additional_metadata={"mark": mark})
    assert told["text"] == "0"

    hatchet.scheduled.delete(ids[1])
    with pytest.raises(NotFoundException):
        impatient.scheduled.get(ids[1])
    with pytest.raises(BadRequestException):
        hatchet.scheduled.update(ids[0], ahead(hours=1))
    hatchet.scheduled.delete(ids[2])


async def test_many_schedules_are_moved_and_deleted_in_one_request(hatchet: Any, mark: str) -> None:
    ids = [
        hatchet.scheduled.create(
            workflow_name="scheduled",
            trigger_at=ahead(hours=1),
            input={},
            additional_metadata={"mark": mark, "n": str(n)},
        ).metadata.id
        for n in range(4)
    ]
    later = ahead(hours=5)
    unknown = "00000000-0000-4000-8000-000000000000"
    updated = hatchet.scheduled.bulk_update([(ids[0], later), (ids[1], later), (unknown, later)])
    assert set(updated.updated_ids) == set(ids[:2])
    assert [e.id for e in updated.errors] == [unknown]
    assert abs((hatchet.scheduled.get(ids[0]).trigger_at - later).total_seconds()) < 0.01

    deleted = hatchet.scheduled.bulk_delete(scheduled_ids=ids[:2])
    assert set(deleted.deleted_ids) == set(ids[:2])
    by_filter = hatchet.scheduled.bulk_delete(additional_metadata={"mark": mark})
    assert set(by_filter.deleted_ids) == set(ids[2:])
    assert not hatchet.scheduled.list(additional_metadata={"mark": mark}).rows


async def test_a_declared_cron_fires_each_second(hatchet: Any) -> None:
    told = await outputs(hatchet, ticking, 3)
    times = sorted(t["at"] for t in told)
    assert times[-1] - times[0] < len(times) + SLACK_SECONDS
    for t in told:
        assert t["metadata"]["hatchet__cron_expression"] == "* * * * * *"
    row = next(r for r in hatchet.cron.list(workflow_id=ticking.id).rows)
    assert (row.cron, row.method, row.enabled) == ("* * * * * *", "DEFAULT", True)


@pytest.mark.short
async def test_a_cron_made_over_rest_fires_until_it_is_deleted(
    hatchet: Any, impatient: Any, mark: str
) -> None:
    made = await cron_made.aio_create_cron(
        cron_name=f"cron-{mark}",
        expression="* * * * * *",
        input=Note(text=mark),
        additional_metadata={"mark": mark},
        priority=2,
    )
    try:
        assert hatchet.cron.get(made.metadata.id).name == f"cron-{mark}"
        listed = hatchet.cron.list(cron_name=f"cron-{mark}").rows
        assert [row.metadata.id for row in listed] == [made.metadata.id]
        assert listed[0].input == {"text": mark}
        told = (await outputs(hatchet, cron_made, 2, additional_metadata={"mark": mark}))[0]
        assert told["text"] == mark
        assert told["metadata"]["hatchet__cron_name"] == f"cron-{mark}"
        assert told["priority"] == 2
    finally:
        hatchet.cron.delete(made.metadata.id)
    gone = time.time()
    with pytest.raises(NotFoundException):
        impatient.cron.get(made.metadata.id)
    # One more second of another cron passes, and this one has stayed silent.
    await eventually(lambda: any(o["at"] > gone + 1.5 for o in _ticks(hatchet)))
    rows = hatchet.runs.list(workflow_ids=[cron_made.id], additional_metadata={"mark": mark}).rows
    assert all(r.created_at.timestamp() < gone + 0.5 for r in rows)


def _ticks(hatchet: Any) -> list[Any]:
    rows = hatchet.runs.list(workflow_ids=[ticking.id], limit=5).rows
    return [r.output for r in rows if r.status == "COMPLETED"]


async def test_a_cron_of_the_same_name_is_refused(hatchet: Any, mark: str) -> None:
    def create() -> Any:
        return hatchet.cron.create(
            workflow_name="cron-made",
            cron_name=mark,
            expression="0 0 1 1 *",
            input={},
            additional_metadata={},
        )

    made = create()
    try:
        with pytest.raises(BadRequestException):
            create()
    finally:
        hatchet.cron.delete(made.metadata.id)


@pytest.mark.parametrize("expression", ["61 * * * *", "* * 32 * *"])
async def test_a_cron_that_makes_no_sense_is_refused(hatchet: Any, mark: str, expression: str) -> None:
    with pytest.raises(BadRequestException):
        hatchet.cron.create(
            workflow_name="cron-made",
            cron_name=mark,
            expression=expression,
            input={},
            additional_metadata={},
        )
