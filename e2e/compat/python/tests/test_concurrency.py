"""Limits by key hold, and cancel exactly whom they should."""

import asyncio
from typing import Any

import pytest
from hatchet_sdk import FailedTaskRunExceptionGroup, V1TaskStatus

from harness.read import assigned, final, running
from harness.spans import most_at_once
from programs.concurrency import (
    Work,
    bad_key,
    newest_wins,
    oldest_wins,
    one_at_a_time,
    round_robin,
    two_keys,
    whole_runs,
)


async def statuses(hatchet: Any, refs: list[Any]) -> list[str]:
    return [(await final(hatchet, ref.workflow_run_id)).run.status.value for ref in refs]


@pytest.mark.short
async def test_no_more_than_the_limit_run_of_one_group(mark: str) -> None:
    spans = await round_robin.aio_run_many(
        [round_robin.create_bulk_run_item(Work(group=f"{mark}-{n % 2}")) for n in range(10)]
    )
    for group in (f"{mark}-0", f"{mark}-1"):
        assert most_at_once(s for s in spans if s["group"] == group) == 2
    assert most_at_once(spans) > 2, "one group does not hold up another"


async def test_runs_of_a_group_keep_their_order(hatchet: Any, mark: str) -> None:
    refs = await round_robin.aio_run_many_no_wait(
        [round_robin.create_bulk_run_item(Work(group=mark, seconds=0.2, n=n)) for n in range(6)]
    )
    await asyncio.gather(*(ref.aio_result() for ref in refs))
    times = assigned(hatchet, refs)
    assert len(times) == 6 and times == sorted(times)


async def test_the_newest_run_cancels_the_one_before(hatchet: Any, mark: str) -> None:
    old = await newest_wins.aio_run_no_wait(Work(group=mark, seconds=30))
    await running(hatchet, old.workflow_run_id)
    new = await newest_wins.aio_run_no_wait(Work(group=mark, n=2))
    assert (await new.aio_result())["n"] == 2
    assert await statuses(hatchet, [old, new]) == ["CANCELLED", "COMPLETED"]


async def test_a_newcomer_is_cancelled_while_another_runs(hatchet: Any, mark: str) -> None:
    old = await oldest_wins.aio_run_no_wait(Work(group=mark, seconds=6))
    await running(hatchet, old.workflow_run_id)
    new = await oldest_wins.aio_run_no_wait(Work(group=mark))
    other = await oldest_wins.aio_run_no_wait(Work(group=mark + "-other"))
    assert await statuses(hatchet, [old, new, other]) == ["COMPLETED", "CANCELLED", "COMPLETED"]
    # The place is free again.
    assert (await oldest_wins.aio_run(Work(group=mark, n=9)))["n"] == 9


async def test_two_limits_hold_both(mark: str) -> None:
    spans = await two_keys.aio_run_many(
        [
            two_keys.create_bulk_run_item(Work(group=f"{mark}-{n % 2}", digit=f"{mark}{n % 3}", seconds=0.2))
            for n in range(12)
        ]
    )
    for key, limit in (("group", 2), ("digit", 1)):
        for value in {s[key] for s in spans}:
            assert most_at_once(s for s in spans if s[key] == value) <= limit


async def test_a_number_alone_limits_all_runs() -> None:
    spans = await one_at_a_time.aio_run_many(
        [one_at_a_time.create_bulk_run_item(Work(seconds=0.1)) for _ in range(5)]
    )
    assert most_at_once(spans) == 1


async def test_a_limit_of_a_workflow_holds_from_first_to_last_task(mark: str) -> None:
    runs = await whole_runs.aio_run_many(
        [whole_runs.create_bulk_run_item(Work(group=mark, seconds=0.2)) for _ in range(3)]
    )
    whole = [{"from": r["first"]["from"], "to": r["second"]["to"]} for r in runs]
    assert most_at_once(whole) == 1


async def test_a_waiting_run_can_be_cancelled(hatchet: Any, mark: str) -> None:
    refs = await round_robin.aio_run_many_no_wait(
        [round_robin.create_bulk_run_item(Work(group=mark, seconds=4, n=n)) for n in range(4)]
    )
    await running(hatchet, refs[0].workflow_run_id)
    await hatchet.runs.aio_cancel(refs[2].workflow_run_id)
    assert await statuses(hatchet, refs) == ["COMPLETED", "COMPLETED", "CANCELLED", "COMPLETED"]


async def test_a_key_that_cannot_be_computed_fails_the_run(hatchet: Any) -> None:
    ref = await bad_key.aio_run_no_wait()
    with pytest.raises(FailedTaskRunExceptionGroup, match=r"(?s)."):
        await ref.aio_result()
    details = await final(hatchet, ref.workflow_run_id)
    assert details.run.status == V1TaskStatus.FAILED
    assert "failed to parse step expression" in details.tasks[0].error_message
