"""Durable tasks wait, remember, are evicted, come back, and branch."""

import asyncio
from datetime import datetime
from typing import Any

import pytest
from hatchet_sdk import FailedTaskRunExceptionGroup, V1TaskStatus
from hatchet_sdk.clients.rest.api.task_api import TaskApi
from hatchet_sdk.contracts.v1.dispatcher_pb2 import DurableTaskEventLogEntryCompletedResponse

from harness.poll import SLACK_SECONDS, eventually
from harness.read import events_of, final, running
from programs.durable import (
    Wait,
    both,
    durable_in_graph,
    evicted,
    evicted_parent,
    fickle,
    first_of_both,
    listener,
    looks_back,
    remembers,
    sleeper,
    spawner,
    spawner_of_failure,
    steps,
)


async def is_evicted(hatchet: Any, run_id: str) -> None:
    await eventually(lambda: hatchet.runs.get_task_run(run_id).is_evicted)


@pytest.mark.short
async def test_a_durable_sleep_takes_its_time() -> None:
    result = await sleeper.aio_run(Wait(seconds=2))
    assert 1.9 <= result["slept"] < 2 + SLACK_SECONDS
    assert result["says"] == 2


@pytest.mark.short
async def test_a_durable_task_gets_the_event_it_waits_for(hatchet: Any, mark: str) -> None:
    ref = await listener.aio_run_no_wait(Wait(mark=mark))
    waiting = asyncio.ensure_future(ref.aio_result())
    await running(hatchet, ref.workflow_run_id)

    # The wait may begin after the task does, so the answer is given until it is heard.
    async def heard() -> bool:
        await hatchet.event.aio_push(f"answer:{mark}", {"word": "no"})
        await hatchet.event.aio_push(f"answer:{mark}", {"word": "yes"})
        return waiting.done()

    await eventually(heard)
    assert await waiting == {"word": "yes"}


async def test_the_first_of_two_conditions_is_enough(hatchet: Any, mark: str) -> None:
    slept = await first_of_both.aio_run(Wait(mark=mark + "-never", seconds=1))
    assert list(slept["met"]["CREATE"]) == ["slept"]
    assert slept["met"]["CREATE"]["slept"][0]["sleep_duration"] == "1s"

    ref = await first_of_both.aio_run_no_wait(Wait(mark=mark, seconds=60))
    waiting = asyncio.ensure_future(ref.aio_result())

    async def heard() -> bool:
        await hatchet.event.aio_push(f"answer:{mark}", {"n": 1})
        return waiting.done()

    await eventually(heard)
    answered = await waiting
    assert answered["met"]["CREATE"] == {"answered": [{"n": 1}]}
    assert answered["took"] < 60, "the event ended it"


async def test_both_conditions_are_needed_when_both_are_asked_for(hatchet: Any, mark: str) -> None:
    ref = await both.aio_run_no_wait(Wait(mark=mark, seconds=2))
    waiting = asyncio.ensure_future(ref.aio_result())

    async def heard() -> bool:
        await hatchet.event.aio_push(f"answer:{mark}", {"n": 2})
        return waiting.done()

    await eventually(heard)
    result = await waiting
    assert set(result["met"]["CREATE"]) == {"slept", "answered"}
    assert result["took"] >= 1.9


async def test_an_event_of_before_counts_within_the_window(hatchet: Any, mark: str) -> None:
    await hatchet.event.aio_push("looked:for", {"n": 1}, scope=mark + "-other")
    await hatchet.event.aio_push("looked:for", {"n": 2}, scope=mark)
    assert (await asyncio.wait_for(looks_back.aio_run(Wait(mark=mark)), SLACK_SECONDS))["n"] == 2


async def test_what_is_remembered_is_the_same_after_a_retry(hatchet: Any) -> None:
    ref = await remembers.aio_run_no_wait(Wait(fail_first=True))
    result = await ref.aio_result()
    assert result["invocation"] == 2
    details = await final(hatchet, ref.workflow_run_id)
    assert result["now"] in next(e.error_message for e in details.task_events if e.error_message)


@pytest.mark.short
async def test_a_durable_task_has_children(hatchet: Any, mark: str) -> None:
    result = await spawner.aio_run(Wait(mark=mark))
    assert result["one"]["mark"] == mark
    assert [c["mark"] for c in result["many"]] == [str(n) for n in range(5)]
    assert result["graph"] == {"leaf_one": {"n": 1}, "leaf_two": {"n": 2}}


@pytest.mark.skipif(
    "is_failure" not in DurableTaskEventLogEntryCompletedResponse.DESCRIPTOR.fields_by_name,
    reason="this SDK cannot be told that a child failed",
)
async def test_a_durable_task_is_told_that_its_child_failed() -> None:
    assert "the child failed" in (await spawner_of_failure.aio_run())["caught"]


async def test_a_durable_task_may_be_part_of_a_graph() -> None:
    assert (await durable_in_graph.aio_run())["slow"] == {"n": 21}


async def test_a_long_wait_gives_the_slot_back_and_goes_on(hatchet: Any) -> None:
    ref = await evicted.aio_run_no_wait(Wait(seconds=8))
    waiting = asyncio.ensure_future(ref.aio_result())
    await is_evicted(hatchet, ref.workflow_run_id)
    task = hatchet.runs.get_task_run(ref.workflow_run_id)
    assert task.status == V1TaskStatus.RUNNING
    result = await waiting
    assert result["invocation"] == 2
    assert 7.9 <= result["at"] - result["now"] < 8 + SLACK_SECONDS
    seen = events_of(hatchet, ref.workflow_run_id)
    assert seen["DURABLE_EVICTED"] == 1
    assert seen["DURABLE_RESTORING"] == 1
    assert not hatchet.runs.get_task_run(ref.workflow_run_id).is_evicted


async def test_an_evicted_parent_comes_back_for_its_child(hatchet: Any, mark: str) -> None:
    ref = await evicted_parent.aio_run_no_wait(Wait(mark=mark, seconds=8))
    waiting = asyncio.ensure_future(ref.aio_result())
    await is_evicted(hatchet, ref.workflow_run_id)
    result = await waiting
    assert result["child"]["mark"] == mark
    assert result["invocation"] == 2
    assert len(hatchet.runs.list(parent_task_external_id=ref.workflow_run_id).rows) == 1


async def test_an_evicted_task_can_be_brought_back_by_hand(hatchet: Any) -> None:
    ref = await evicted.aio_run_no_wait(Wait(seconds=4))
    await is_evicted(hatchet, ref.workflow_run_id)
    with hatchet.runs.client() as client:
        assert TaskApi(client).v1_task_restore(ref.workflow_run_id).requeued
    await eventually(lambda: events_of(hatchet, ref.workflow_run_id)["DURABLE_RESTORING"])
    result = await ref.aio_result()
    assert result["invocation"] >= 2
    assert 3.9 <= result["at"] - result["now"] < 8, "it sleeps as long as it was to"


async def test_an_evicted_task_can_be_cancelled(hatchet: Any) -> None:
    ref = await evicted.aio_run_no_wait(Wait(seconds=60))
    await is_evicted(hatchet, ref.workflow_run_id)
    await hatchet.runs.aio_cancel(ref.workflow_run_id)
    assert (await final(hatchet, ref.workflow_run_id)).run.status == V1TaskStatus.CANCELLED


async def test_a_replayed_durable_task_keeps_its_log(hatchet: Any) -> None:
    ref = await remembers.aio_run_no_wait(Wait())
    first = await ref.aio_result()
    await hatchet.runs.aio_replay(ref.workflow_run_id)

    def replayed() -> Any:
        task = hatchet.runs.get_task_run(ref.workflow_run_id)
        return task.output if task.status == "COMPLETED" and task.output["invocation"] == 2 else None

    second = await eventually(replayed)
    assert second["now"] == first["now"]
    assert second["at"] - datetime.fromisoformat(first["now"]).timestamp() < 2 + SLACK_SECONDS


async def test_a_task_that_changes_its_mind_is_told_so(hatchet: Any) -> None:
    ref = await fickle.aio_run_no_wait()
    with pytest.raises(FailedTaskRunExceptionGroup) as failure:
        await ref.aio_result()
    assert "non-determinism" in str(failure.value.exceptions[0].exc).lower()
    assert (await final(hatchet, ref.workflow_run_id)).tasks[0].retry_count == 1


async def test_a_branch_runs_again_from_its_node(hatchet: Any) -> None:
    ref = await steps.aio_run_no_wait()
    first = await ref.aio_result()
    branch = await hatchet.runs.aio_reset_durable_task(ref.workflow_run_id, node_id=2, branch_id=1)
    assert (branch.task_external_id, branch.node_id, branch.branch_id) == (ref.workflow_run_id, 2, 2)

    def again() -> Any:
        task = hatchet.runs.get_task_run(ref.workflow_run_id)
        return task.output if task.status == "COMPLETED" and task.output["invocation"] == 2 else None

    second = await eventually(again)
    assert second["first"] == first["first"], "before the branch nothing runs again"
    assert second["second"] != first["second"], "after it everything does"


async def test_many_sleep_at_the_same_time() -> None:
    refs = await sleeper.aio_run_many_no_wait(
        [sleeper.create_bulk_run_item(Wait(seconds=2)) for _ in range(50)]
    )
    results = await asyncio.gather(*(ref.aio_result() for ref in refs))
    assert all(1.9 <= r["slept"] < 2 + SLACK_SECONDS for r in results)
