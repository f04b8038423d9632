"""Graphs: order, outputs, failures, and the conditions of their tasks."""

import asyncio
from typing import Any

import pytest
from hatchet_sdk import FailedTaskRunExceptionGroup, V1TaskStatus

from harness.poll import SLACK_SECONDS, eventually
from harness.read import final, tasks_of
from programs.graphs import Number, branching, cut_off, diamond, patient


@pytest.mark.short
async def test_a_graph_gives_children_what_their_parents_made(hatchet: Any) -> None:
    ref = await diamond.aio_run_no_wait(Number(n=7))
    results = await ref.aio_result()
    assert results["top"] == {"n": 7}
    assert results["left"] == {"n": 14}
    assert results["right"] == {"n": 21}
    assert results["bottom"] == {"n": 35, "run_is_not_task": True}


async def test_rest_shows_the_graph(hatchet: Any) -> None:
    ref = await diamond.aio_run_no_wait(Number(n=1))
    await ref.aio_result()
    details = await final(hatchet, ref.workflow_run_id)
    shape = {item.task_name: item for item in details.shape}
    steps = {item.step_id: name for name, item in shape.items()}
    edges = {name: {steps[id] for id in item.children_step_ids} for name, item in shape.items()}
    assert edges == {"top": {"left", "right"}, "left": {"bottom"}, "right": {"bottom"}, "bottom": set()}
    tasks = tasks_of(details)
    assert set(tasks) == {"top", "left", "right", "bottom"}
    assert tasks["top"].finished_at <= tasks["left"].started_at
    assert tasks["right"].finished_at <= tasks["bottom"].started_at
    assert {t.workflow_run_external_id for t in details.tasks} == {ref.workflow_run_id}


async def test_a_sync_caller_gets_all_outputs() -> None:
    results = await asyncio.to_thread(diamond.run, Number(n=2))
    assert results["bottom"]["n"] == 10


async def test_what_comes_after_a_failure_is_cancelled(hatchet: Any) -> None:
    ref = await cut_off.aio_run_no_wait(Number())
    with pytest.raises(FailedTaskRunExceptionGroup) as failure:
        await ref.aio_result()
    assert [e.exc for e in failure.value.exceptions] == ["cut"]
    details = await final(hatchet, ref.workflow_run_id)
    statuses = {name: task.status for name, task in tasks_of(details).items()}
    assert statuses["fails"] == V1TaskStatus.FAILED
    assert statuses["stands"] == V1TaskStatus.COMPLETED
    assert statuses["after"] == V1TaskStatus.CANCELLED
    assert details.run.status == V1TaskStatus.FAILED


@pytest.mark.short
async def test_a_parent_decides_which_branch_is_skipped(hatchet: Any) -> None:
    low, high = await asyncio.gather(branching.aio_run(Number(n=1)), branching.aio_run(Number(n=50)))
    assert low["small"] == {"took": "small"}
    assert low["big"] == {"skipped": True}
    assert low["after_big"] == {"skipped": True}, "all its parents were skipped"
    assert low["join"] == {"big_was_skipped": True, "small_was_skipped": False}
    assert high["big"] == {"took": "big"}
    assert high["small"] == {"skipped": True}
    assert high["after_big"] == {"big_was_skipped": False}
    assert low["careful"] == high["careful"] == {"was": "careful"}


async def test_a_parent_may_have_a_child_cancelled(hatchet: Any) -> None:
    ref = await branching.aio_run_no_wait(Number(n=500))
    await ref.aio_result()
    details = await final(hatchet, ref.workflow_run_id)
    assert tasks_of(details)["careful"].status == V1TaskStatus.CANCELLED
    assert tasks_of(details)["big"].status == V1TaskStatus.COMPLETED


async def test_tasks_wait_for_time_and_for_events(hatchet: Any) -> None:
    ref = await patient.aio_run_no_wait(Number())

    def begun() -> bool:
        tasks = tasks_of(hatchet.runs.get(ref.workflow_run_id))
        return "begin" in tasks and tasks["begin"].status == V1TaskStatus.COMPLETED

    await eventually(begun)
    mid = await hatchet.runs.aio_get_details(ref.workflow_run_id)
    assert mid.status == "RUNNING" and not mid.done

    await hatchet.event.aio_push("patient:go", {"n": 1})
    await hatchet.event.aio_push("patient:skip", {})
    await hatchet.event.aio_push("patient:cancel", {})

    def done(name: str) -> Any:
        task = tasks_of(hatchet.runs.get(ref.workflow_run_id)).get(name)
        return task if task and task.status in ("COMPLETED", "CANCELLED") else None

    first = await eventually(lambda: done("after_first"))
    skipped = await eventually(lambda: done("skipped_by_event"))
    cancelled = await eventually(lambda: done("cancelled_by_event"))
    assert first.status == V1TaskStatus.COMPLETED
    assert skipped.output == {"skipped": True}
    assert cancelled.status == V1TaskStatus.CANCELLED

    slept = await eventually(lambda: done("after_sleep"))
    begin = tasks_of(hatchet.runs.get(ref.workflow_run_id))["begin"]
    assert 1.9 <= slept.output["at"] - begin.output["at"] < 2 + SLACK_SECONDS

    # The first event did not satisfy the expression of this one.
    assert done("after_event") is None
    await hatchet.event.aio_push("patient:go", {"n": 6})
    woken = await eventually(lambda: done("after_event"))
    assert woken.output["trigger"]["go"]["n"] == 6
    await final(hatchet, ref.workflow_run_id)
