"""Who runs a task: slots, labels, stickiness, priority, paused workers."""

import asyncio
from typing import Any

import pytest
from hatchet_sdk import DesiredWorkerLabel, Priority, V1TaskStatus

from harness.poll import eventually
from harness.read import events_of, final, running
from harness.spans import most_at_once
from programs.labelled import prefers_model, relabels, wants_memory, wants_model
from programs.queueing import queued
from programs.routing import Job, placed, placed_durable, releasing
from programs.sticky import hard, soft


@pytest.mark.short
async def test_a_worker_runs_no_more_than_its_slots(hatchet: Any, start_worker: Any) -> None:
    worker = start_worker("slots", "routing", slots=2, durable_slots=1)
    spans = await placed.aio_run_many([placed.create_bulk_run_item(Job(n=n, seconds=0.2)) for n in range(8)])
    assert most_at_once(spans) == 2
    assert {s["worker"] for s in spans} == {worker.id(hatchet)}

    # Durable tasks have slots of their own.
    busy = [await placed.aio_run_no_wait(Job(seconds=8)) for _ in range(2)]
    for ref in busy:
        await running(hatchet, ref.workflow_run_id)
    durable = await placed_durable.aio_run(Job(n=7))
    assert durable["n"] == 7
    row = worker.row(hatchet)
    assert row.slot_config["default"].limit == 2
    assert row.slot_config["durable"].limit == 1
    assert row.slot_config["default"].available == 0
    for ref in busy:
        await ref.aio_result()
    assert worker.row(hatchet).slot_config["default"].available == 2


async def test_a_task_may_give_its_slot_back(hatchet: Any, start_worker: Any) -> None:
    start_worker("releasing", "routing", slots=1)
    long = await releasing.aio_run_no_wait(Job(seconds=6))
    await running(hatchet, long.workflow_run_id)
    other = await placed.aio_run(Job(n=1))
    assert other["to"] < (await long.aio_result())["to"], "it ran while the other held no slot"


async def test_a_released_slot_is_told_in_the_history(hatchet: Any, start_worker: Any) -> None:
    start_worker("released", "routing", slots=1)
    ref = await releasing.aio_run_no_wait(Job())
    await ref.aio_result()
    assert events_of(hatchet, ref.workflow_run_id)["SLOT_RELEASED"] == 1


async def test_the_more_important_run_first(hatchet: Any, start_worker: Any) -> None:
    worker = start_worker("queueing", "queueing", slots=1)
    blocker = await queued.aio_run_no_wait(Job(seconds=5))
    await running(hatchet, blocker.workflow_run_id)
    refs = [
        await queued.aio_run_no_wait(Job(n=n), priority=priority)
        for n, priority in enumerate([Priority.LOW, None, Priority.HIGH, Priority.LOW, Priority.HIGH])
    ]
    results = [await ref.aio_result() for ref in refs]
    order = [r["n"] for r in sorted(results, key=lambda r: r["from"])]
    assert order == [2, 4, 1, 0, 3]
    assert [r["priority"] for r in results] == [1, 2, 3, 1, 3]
    assert {r["worker"] for r in results} == {worker.id(hatchet)}


async def test_labels_decide_who_runs_a_task(hatchet: Any, start_worker: Any) -> None:
    small = start_worker("small", "labelled", labels={"model": "small", "memory": 50})
    large = start_worker("large", "labelled", labels={"model": "large", "memory": 150})
    results = await wants_model.aio_run_many([wants_model.create_bulk_run_item() for _ in range(6)])
    assert {r["worker"] for r in results} == {large.id(hatchet)}
    assert (await wants_memory.aio_run())["worker"] == large.id(hatchet)
    results = await prefers_model.aio_run_many([prefers_model.create_bulk_run_item() for _ in range(6)])
    assert {r["worker"] for r in results} == {small.id(hatchet)}

    labels = {label.key: label.value for label in large.row(hatchet).labels}
    assert labels == {"model": "large", "memory": "150"}


async def test_a_run_may_want_a_label_that_its_task_does_not(hatchet: Any, start_worker: Any) -> None:
    one = start_worker("one", "routing", labels={"place": "one"})
    two = start_worker("two", "routing", labels={"place": "two"})
    for worker, place in ((one, "one"), (two, "two"), (one, "one")):
        result = await placed.aio_run(
            Job(), desired_worker_labels=[DesiredWorkerLabel(key="place", value=place, required=True)]
        )
        assert result["worker"] == worker.id(hatchet)


async def test_a_worker_may_change_its_labels(hatchet: Any, start_worker: Any) -> None:
    worker = start_worker("relabels", "labelled", labels={"model": "tiny"})
    waiting = await wants_model.aio_run_no_wait()
    changed = await relabels.aio_run()
    assert changed["before"] == {"model": "tiny"}
    assert (await waiting.aio_result())["worker"] == worker.id(hatchet)
    labels = {label.key: label.value for label in worker.row(hatchet).labels}
    assert labels == {"model": "large", "memory": "200"}


async def test_a_sticky_run_stays_on_its_worker(hatchet: Any, start_worker: Any) -> None:
    workers = [start_worker(f"sticky-{n}", "sticky") for n in range(2)]
    runs = await hard.aio_run_many([hard.create_bulk_run_item(Job(n=n)) for n in range(8)])
    for run in runs:
        assert len({task["worker"] for task in run.values()}) == 1
        assert run["hard_three"]["child_worker"] == run["hard_one"]["worker"]
    used = {run["hard_one"]["worker"] for run in runs}
    assert used == {w.id(hatchet) for w in workers}, "different runs go to different workers"

    runs = await soft.aio_run_many([soft.create_bulk_run_item(Job(n=n)) for n in range(4)])
    assert all(len({task["worker"] for task in run.values()}) == 1 for run in runs)


async def test_a_paused_worker_gets_no_new_tasks(hatchet: Any, start_worker: Any) -> None:
    worker = start_worker("paused", "routing")
    before = await placed.aio_run_no_wait(Job(seconds=1))
    await running(hatchet, before.workflow_run_id)
    assert (await hatchet.workers.aio_pause(worker.id(hatchet))).status == "PAUSED"
    waiting = await placed.aio_run_no_wait(Job())
    assert (await before.aio_result())["worker"] == worker.id(hatchet), "what runs may end"
    assert hatchet.runs.get_status(waiting.workflow_run_id) == V1TaskStatus.QUEUED
    assert (await hatchet.workers.aio_unpause(worker.id(hatchet))).status == "ACTIVE"
    assert (await waiting.aio_result())["worker"] == worker.id(hatchet)


async def test_workers_say_what_they_are(hatchet: Any, main_worker: Any) -> None:
    worker = hatchet.workers.get(main_worker.id(hatchet))
    assert worker.name == "main"
    assert worker.status == "ACTIVE"
    assert worker.runtime_info.language == "PYTHON"
    assert worker.runtime_info.sdk_version
    assert "echo:echo" in worker.actions
    assert worker.last_heartbeat_at is not None


async def test_a_stopped_worker_is_gone(hatchet: Any, start_worker: Any) -> None:
    worker = start_worker("stopping", "routing")
    id = worker.id(hatchet)
    worker.stop()
    await eventually(lambda: hatchet.workers.get(id).status != "ACTIVE")
    waiting = await placed.aio_run_no_wait(Job(n=5))
    start_worker("next", "routing")
    assert (await waiting.aio_result())["n"] == 5
    assert (await final(hatchet, waiting.workflow_run_id)).run.status == V1TaskStatus.COMPLETED
