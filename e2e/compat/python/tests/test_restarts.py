"""The engine or a worker is killed at the worst moment, and nothing is lost."""

import asyncio
import time
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hatchet_sdk import V1TaskStatus

from harness.poll import eventually
from harness.read import final, result_of, running
from programs.basics import Pair, add_async
from programs.concurrency import Work, one_at_a_time, round_robin
from programs.durable import KEEPS_REQUESTS, Wait, lasting_evicted, lasting_listener, lasting_sleeper
from programs.routing import Job, placed
from programs.times import Note, scheduled

pytestmark = [pytest.mark.restart, pytest.mark.timeout(150)]

# After 30 s without a heartbeat a worker counts as lost; then the task starts again.
LOST_WORKER_SECONDS = 60.0
AFTER_RESTART_SECONDS = 60.0


async def restart(engine: Any) -> None:
    await asyncio.to_thread(engine.kill)
    await asyncio.to_thread(engine.start)


async def test_a_waiting_caller_gets_its_result_after_a_restart(engine: Any) -> None:
    refs = [await round_robin.aio_run_no_wait(Work(group=f"restart-{n}", seconds=2, n=n)) for n in range(5)]
    waiting = [asyncio.ensure_future(ref.aio_result()) for ref in refs]
    await asyncio.sleep(0)
    await restart(engine)
    results = await asyncio.wait_for(asyncio.gather(*waiting), AFTER_RESTART_SECONDS)
    assert [r["n"] for r in results] == list(range(5))


async def test_what_was_queued_runs_after_a_restart(hatchet: Any, engine: Any) -> None:
    refs = await one_at_a_time.aio_run_many_no_wait(
        [one_at_a_time.create_bulk_run_item(Work(seconds=0.2, n=n)) for n in range(10)]
    )
    await running(hatchet, refs[0].workflow_run_id)
    await restart(engine)
    results = await asyncio.wait_for(
        asyncio.gather(*(ref.aio_result() for ref in refs)), AFTER_RESTART_SECONDS
    )
    assert [r["n"] for r in results] == list(range(10))
    for ref in refs:
        assert hatchet.runs.get(ref.workflow_run_id).tasks[0].retry_count == 0, "no task was lost"


async def test_an_evicted_task_sleeps_through_a_restart(hatchet: Any, engine: Any) -> None:
    began = time.time()
    ref = await lasting_evicted.aio_run_no_wait(Wait(seconds=8))
    await eventually(
        lambda: hatchet.runs.get_task_run(ref.workflow_run_id).is_evicted, within=AFTER_RESTART_SECONDS
    )
    await restart(engine)
    result = await result_of(hatchet, ref, AFTER_RESTART_SECONDS)
    assert result["at"] - began >= 7.9
    if KEEPS_REQUESTS:
        assert result["at"] - result["now"] >= 7.9, "it goes on, and does not begin anew"


async def test_a_waiting_task_sleeps_through_a_restart(hatchet: Any, engine: Any) -> None:
    ref = await lasting_sleeper.aio_run_no_wait(Wait(seconds=4))
    await running(hatchet, ref.workflow_run_id)
    await restart(engine)
    assert (await result_of(hatchet, ref, AFTER_RESTART_SECONDS))["says"] == 4


async def test_a_durable_task_hears_an_event_after_a_restart(hatchet: Any, engine: Any, mark: str) -> None:
    ref = await lasting_listener.aio_run_no_wait(Wait(mark=mark))
    await running(hatchet, ref.workflow_run_id)
    await restart(engine)
    waiting = asyncio.ensure_future(result_of(hatchet, ref, AFTER_RESTART_SECONDS))

    async def heard() -> bool:
        await hatchet.event.aio_push(f"answer:{mark}", {"word": "still here"})
        return waiting.done()

    await eventually(heard, within=AFTER_RESTART_SECONDS + 5)
    assert await waiting == {"word": "still here"}


async def test_a_schedule_that_was_due_meanwhile_fires_after_a_restart(
    hatchet: Any, engine: Any, mark: str
) -> None:
    at = datetime.now(timezone.utc) + timedelta(seconds=1)
    await scheduled.aio_schedule(at, Note(text="due"), additional_metadata={"mark": mark})
    await restart(engine)

    def fired() -> Any:
        rows = hatchet.runs.list(additional_metadata={"mark": mark}).rows
        return [r for r in rows if r.status == "COMPLETED"]

    rows = await eventually(fired, within=AFTER_RESTART_SECONDS)
    assert len(rows) == 1


async def test_runs_that_were_accepted_are_there_after_a_restart(hatchet: Any, engine: Any) -> None:
    refs = await add_async.aio_run_many_no_wait(
        [add_async.create_bulk_run_item(Pair(left=n, right=0)) for n in range(200)]
    )
    await restart(engine)
    results = await asyncio.wait_for(
        asyncio.gather(*(ref.aio_result() for ref in refs)), AFTER_RESTART_SECONDS
    )
    assert [r.total for r in results] == list(range(200))


async def test_the_tasks_of_a_lost_worker_go_to_another(hatchet: Any, start_worker: Any) -> None:
    lost = start_worker("lost", "routing", slots=5)
    ref = await placed.aio_run_no_wait(Job(n=3, seconds=2))
    await running(hatchet, ref.workflow_run_id)
    lost.kill()
    other = start_worker("other", "routing", slots=5)
    result = await asyncio.wait_for(ref.aio_result(), LOST_WORKER_SECONDS)
    assert result["worker"] == other.id(hatchet)
    details = await final(hatchet, ref.workflow_run_id)
    assert details.run.status == V1TaskStatus.COMPLETED
    assert details.tasks[0].retry_count == 1
