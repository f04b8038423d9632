"""Failing, retrying, being late, being cancelled, and what REST says of each."""

import asyncio
import time
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hatchet_sdk import BulkCancelReplayOpts, FailedTaskRunExceptionGroup, RunFilter, V1TaskStatus

from harness.poll import SLACK_SECONDS
from harness.read import events_of, final, running, tasks_of
from programs.failures import (
    Say,
    Tries,
    asks_for_time,
    celebrated,
    cleaned,
    fail_always,
    fail_for_good,
    fail_slower,
    fail_until,
    gives_up,
    long,
    long_sync,
    never_started,
    too_slow,
)


@pytest.mark.short
async def test_a_failure_reaches_the_caller_with_its_text(hatchet: Any) -> None:
    ref = await fail_always.aio_run_no_wait(Say(text="magic"))
    with pytest.raises(FailedTaskRunExceptionGroup) as failure:
        await ref.aio_result()
    error = failure.value.exceptions[0]
    assert error.exc_type == "ValueError"
    assert error.exc == "cannot do magic"
    assert "raise ValueError" in error.trace
    details = await final(hatchet, ref.workflow_run_id)
    assert details.run.status == V1TaskStatus.FAILED
    assert "cannot do magic" in details.tasks[0].error_message
    assert events_of(hatchet, ref.workflow_run_id)["FAILED"] == 1


def test_a_failure_reaches_a_sync_caller_too() -> None:
    with pytest.raises(FailedTaskRunExceptionGroup) as failure:
        fail_always.run(Say(text="sync"))
    assert failure.value.exceptions[0].exc == "cannot do sync"


async def test_of_many_runs_only_the_failing_ones_fail() -> None:
    results = await fail_until.aio_run_many(
        [fail_until.create_bulk_run_item(Tries(succeed_at=n)) for n in (0, 99, 1)],
        return_exceptions=True,
    )
    assert results[0]["retry_count"] == 0
    assert isinstance(results[1], FailedTaskRunExceptionGroup)
    assert results[2]["retry_count"] == 1


@pytest.mark.short
async def test_retries_go_on_until_it_works(hatchet: Any) -> None:
    ref = await fail_until.aio_run_no_wait(Tries(succeed_at=2))
    assert await ref.aio_result() == {"retry_count": 2, "max_attempts": 4}
    details = await final(hatchet, ref.workflow_run_id)
    assert details.run.status == V1TaskStatus.COMPLETED
    assert details.tasks[0].retry_count == 2
    seen = events_of(hatchet, ref.workflow_run_id)
    assert (seen["RETRYING"], seen["FINISHED"]) == (2, 1)


async def test_retries_end_with_the_last_failure(hatchet: Any) -> None:
    ref = await fail_until.aio_run_no_wait(Tries(succeed_at=99))
    with pytest.raises(FailedTaskRunExceptionGroup) as failure:
        await ref.aio_result()
    assert failure.value.exceptions[0].exc == "attempt 4"
    assert (await final(hatchet, ref.workflow_run_id)).tasks[0].retry_count == 3


async def test_back_off_grows_to_its_limit() -> None:
    start = time.time()
    done = await fail_slower.aio_run(Tries(succeed_at=2))
    # 1.5 s, then 1.5² s cut to 2 s.
    assert 3.4 <= done["at"] - start < 3.5 + SLACK_SECONDS


async def test_what_must_not_be_retried_is_not(hatchet: Any) -> None:
    ref = await fail_for_good.aio_run_no_wait()
    with pytest.raises(FailedTaskRunExceptionGroup):
        await ref.aio_result()
    assert (await final(hatchet, ref.workflow_run_id)).tasks[0].retry_count == 0
    assert events_of(hatchet, ref.workflow_run_id)["RETRYING"] == 0


async def test_a_task_that_takes_too_long_fails_after_its_retries(hatchet: Any) -> None:
    start = time.monotonic()
    ref = await too_slow.aio_run_no_wait()
    with pytest.raises(FailedTaskRunExceptionGroup, match=r"(?s)."):
        await ref.aio_result()
    assert 2 <= time.monotonic() - start < 2 + SLACK_SECONDS, "it is stopped, and does not end by itself"
    details = await final(hatchet, ref.workflow_run_id)
    assert "exceeded timeout" in details.tasks[0].error_message
    assert details.tasks[0].retry_count == 1
    assert events_of(hatchet, ref.workflow_run_id)["TIMED_OUT"] == 2


async def test_a_task_may_ask_for_more_time(hatchet: Any) -> None:
    ref = await asks_for_time.aio_run_no_wait()
    assert await ref.aio_result() == {"done": True}
    details = await final(hatchet, ref.workflow_run_id)
    assert (details.tasks[0].status, details.tasks[0].retry_count) == (V1TaskStatus.COMPLETED, 0)


async def test_a_moved_deadline_is_told_in_the_history(hatchet: Any) -> None:
    ref = await asks_for_time.aio_run_no_wait()
    await ref.aio_result()
    assert events_of(hatchet, ref.workflow_run_id)["TIMEOUT_REFRESHED"] == 1


async def test_a_task_that_nobody_starts_in_time_is_cancelled(hatchet: Any) -> None:
    ref = await never_started.aio_run_no_wait()
    details = await final(hatchet, ref.workflow_run_id)
    assert details.run.status == V1TaskStatus.CANCELLED
    assert events_of(hatchet, ref.workflow_run_id)["SCHEDULING_TIMED_OUT"] == 1


@pytest.mark.short
async def test_cancelling_a_run_stops_its_task(hatchet: Any) -> None:
    ref = await long.aio_run_no_wait()
    await running(hatchet, ref.workflow_run_id)
    await hatchet.runs.aio_cancel(ref.workflow_run_id)
    details = await final(hatchet, ref.workflow_run_id)
    assert details.run.status == V1TaskStatus.CANCELLED
    assert events_of(hatchet, ref.workflow_run_id)["CANCELLED"] >= 1


async def test_a_sync_task_notices_that_it_is_cancelled(hatchet: Any) -> None:
    ref = await long_sync.aio_run_no_wait()
    await running(hatchet, ref.workflow_run_id)
    await hatchet.runs.aio_cancel(ref.workflow_run_id)
    details = await final(hatchet, ref.workflow_run_id)
    assert details.run.status == V1TaskStatus.CANCELLED


async def test_waiting_for_a_cancelled_run_ends(hatchet: Any) -> None:
    ref = await long.aio_run_no_wait()
    await running(hatchet, ref.workflow_run_id)
    waiting = asyncio.ensure_future(hatchet.runs.get_run_ref(ref.workflow_run_id).aio_result())
    await hatchet.runs.aio_cancel(ref.workflow_run_id)
    # No task of the run has an output, and none has failed.
    assert await asyncio.wait_for(waiting, SLACK_SECONDS) == {}
    # The sync caller is told by an exception.
    with pytest.raises(ValueError, match="cancelled"):
        await asyncio.to_thread(hatchet.runs.get_run_ref(ref.workflow_run_id).result)


async def test_a_task_may_cancel_itself(hatchet: Any) -> None:
    ref = await gives_up.aio_run_no_wait()
    assert (await final(hatchet, ref.workflow_run_id)).run.status == V1TaskStatus.CANCELLED


async def test_many_runs_are_cancelled_by_their_ids(hatchet: Any) -> None:
    refs = await long.aio_run_many_no_wait([long.create_bulk_run_item() for _ in range(5)])
    ids = [ref.workflow_run_id for ref in refs]
    await hatchet.runs.aio_bulk_cancel(BulkCancelReplayOpts(ids=ids[:4]))
    for id in ids[:4]:
        assert (await final(hatchet, id)).run.status == V1TaskStatus.CANCELLED
    assert await hatchet.runs.aio_get_status(ids[4]) in ("QUEUED", "RUNNING")
    await hatchet.runs.aio_cancel(ids[4])


async def test_many_runs_are_cancelled_by_what_they_carry(hatchet: Any, mark: str) -> None:
    since = datetime.now(timezone.utc) - timedelta(minutes=1)
    mine = await long.aio_run_many_no_wait(
        [long.create_bulk_run_item(additional_metadata={"mark": mark}) for _ in range(3)]
    )
    other = await long.aio_run_no_wait(additional_metadata={"mark": mark + "-other"})
    await hatchet.runs.aio_bulk_cancel(
        BulkCancelReplayOpts(
            filters=RunFilter(since=since, additional_metadata={"mark": mark}, workflow_ids=[long.id])
        )
    )
    for ref in mine:
        assert (await final(hatchet, ref.workflow_run_id)).run.status == V1TaskStatus.CANCELLED
    assert await hatchet.runs.aio_get_status(other.workflow_run_id) in ("QUEUED", "RUNNING")
    await hatchet.runs.aio_cancel(other.workflow_run_id)


@pytest.mark.short
async def test_a_failure_is_told_to_the_failure_task(hatchet: Any) -> None:
    ref = await cleaned.aio_run_no_wait(Tries(succeed_at=1))
    with pytest.raises(FailedTaskRunExceptionGroup):
        await ref.aio_result()
    details = await final(hatchet, ref.workflow_run_id)
    assert details.run.status == V1TaskStatus.FAILED
    tasks = tasks_of(details)
    assert tasks["works"].status == V1TaskStatus.COMPLETED
    assert tasks["breaks"].status == V1TaskStatus.FAILED
    assert tasks["clean_up-on-failure"].status == V1TaskStatus.COMPLETED
    assert "broken pipe" in tasks["clean_up-on-failure"].output["errors"]["breaks"]
    assert set(tasks["clean_up-on-failure"].output["errors"]) == {"breaks"}


async def test_the_failure_task_does_nothing_without_a_failure(hatchet: Any) -> None:
    ref = await cleaned.aio_run_no_wait(Tries())
    results = await ref.aio_result()
    assert results["works"] == {"made": "something"}
    assert results["breaks"] == {"fine": "yes"}
    assert results.get("clean_up-on-failure", {"skipped": True}) == {"skipped": True}
    assert (await final(hatchet, ref.workflow_run_id)).run.status == V1TaskStatus.COMPLETED


async def test_the_success_task_runs_after_all_others() -> None:
    assert (await celebrated.aio_run(Tries()))["celebrate-on-success"] == {"sum": 3}


async def test_the_success_task_does_not_run_after_a_failure(hatchet: Any) -> None:
    ref = await celebrated.aio_run_no_wait(Tries(succeed_at=1))
    with pytest.raises(FailedTaskRunExceptionGroup):
        await ref.aio_result()
    details = await final(hatchet, ref.workflow_run_id)
    assert details.run.status == V1TaskStatus.FAILED
    celebration = tasks_of(details).get("celebrate-on-success")
    assert celebration is None or celebration.status == V1TaskStatus.CANCELLED
