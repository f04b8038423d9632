"""What only newer SDKs can do. An older one skips what it cannot say."""

import asyncio
import time
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hatchet_sdk import FailedTaskRunExceptionGroup, V1TaskStatus

from harness.poll import SLACK_SECONDS, eventually
from harness.read import events_of, final, running
from harness.spans import most_at_once
from programs import newer
from programs.newer import Item, Work


def needs(feature: bool) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not feature, reason="this SDK does not have it")


@needs(newer.HAS_BATCHES)
async def test_a_batch_starts_when_it_is_full(hatchet: Any, mark: str) -> None:
    start = time.monotonic()
    refs = await newer.batch.aio_run_many_no_wait(
        [newer.batch.create_bulk_run_item(Item(n=n, group=mark)) for n in range(8)]
    )
    results = [await ref.aio_result() for ref in refs]
    assert [r["n"] for r in results] == list(range(8))
    assert [r["together"] for r in results] == [[0, 1, 2, 3]] * 4 + [[4, 5, 6, 7]] * 4
    assert time.monotonic() - start < SLACK_SECONDS
    assert await hatchet.runs.aio_get_status(refs[0].workflow_run_id) == V1TaskStatus.COMPLETED


@needs(newer.HAS_BATCHES)
async def test_the_end_of_waiting_for_a_batch_is_told_in_the_history(hatchet: Any, mark: str) -> None:
    ref = await newer.batch.aio_run_no_wait(Item(n=5, group=mark))
    await ref.aio_result()
    assert events_of(hatchet, ref.workflow_run_id)["BATCH_FLUSHED"] == 1


@needs(newer.HAS_BATCHES)
async def test_a_batch_that_is_not_full_starts_after_its_interval(mark: str) -> None:
    start = time.time()
    result = await newer.batch.aio_run(Item(n=5, group=mark))
    assert result["together"] == [5]
    assert 0.9 <= result["at"] - start < 1 + SLACK_SECONDS


@needs(newer.HAS_BATCHES)
async def test_a_batch_holds_one_group_only(mark: str) -> None:
    results = await newer.batch.aio_run_many(
        [newer.batch.create_bulk_run_item(Item(n=n, group=f"{mark}{n % 2}")) for n in range(8)]
    )
    assert [r["together"] for r in results] == [[0, 2, 4, 6], [1, 3, 5, 7]] * 4


@needs(newer.HAS_BATCHES)
async def test_a_batch_may_have_one_result_for_all() -> None:
    results = await newer.batch_broadcast.aio_run_many(
        [newer.batch_broadcast.create_bulk_run_item(Item(n=n)) for n in (1, 2, 4)]
    )
    assert results == [{"sum": 7}] * 3


@needs(newer.HAS_BATCHES)
async def test_a_batch_that_fails_fails_all_its_members(hatchet: Any) -> None:
    results = await newer.batch_failing.aio_run_many(
        [newer.batch_failing.create_bulk_run_item(Item(n=n)) for n in range(2)], return_exceptions=True
    )
    assert all(isinstance(r, FailedTaskRunExceptionGroup) for r in results)
    assert all("the whole batch failed" in r.exceptions[0].exc for r in results)


@needs(newer.HAS_IDEMPOTENCY)
async def test_a_second_run_of_the_same_key_is_refused_for_a_while(hatchet: Any, mark: str) -> None:
    from hatchet_sdk import IdempotencyCollisionError

    start = time.monotonic()
    ref = await newer.once_a_while.aio_run_no_wait(Item(key=mark, n=1))
    with pytest.raises(IdempotencyCollisionError) as collision:
        await newer.once_a_while.aio_run_no_wait(Item(key=mark, n=2))
    assert collision.value.existing_run_external_id == ref.workflow_run_id
    assert (await ref.aio_result())["n"] == 1
    assert hatchet.runs.get_task_run(ref.workflow_run_id).idempotency_key == f"ttl-{mark}"

    async def accepted() -> Any:
        try:
            return await newer.once_a_while.aio_run(Item(key=mark, n=3))
        except IdempotencyCollisionError:
            return None

    assert (await eventually(accepted))["n"] == 3
    assert time.monotonic() - start > 5.9


@needs(newer.HAS_IDEMPOTENCY)
async def test_a_key_is_free_again_when_its_run_has_ended(hatchet: Any, mark: str) -> None:
    from hatchet_sdk import IdempotencyCollisionError

    ref = await newer.once_at_a_time.aio_run_no_wait(Item(key=mark, seconds=4))
    with pytest.raises(IdempotencyCollisionError) as collision:
        await newer.once_at_a_time.aio_run(Item(key=mark))
    assert collision.value.existing_run_external_id == ref.workflow_run_id
    await ref.aio_result()
    assert (await newer.once_at_a_time.aio_run(Item(key=mark, n=2)))["n"] == 2


@needs(newer.HAS_IDEMPOTENCY)
async def test_of_many_runs_those_that_do_not_collide_are_made(hatchet: Any, mark: str) -> None:
    from hatchet_sdk import BulkTriggerIdempotencyCollisionError

    first = await newer.once_at_a_time.aio_run_no_wait(Item(key=f"{mark}-0", seconds=5))
    with pytest.raises(BulkTriggerIdempotencyCollisionError) as collision:
        await newer.once_at_a_time.aio_run_many_no_wait(
            [newer.once_at_a_time.create_bulk_run_item(Item(key=f"{mark}-{n}", n=n)) for n in (0, 1, 2, 1)]
        )
    made = collision.value.successful_workflow_run_external_ids
    assert len(made) == 2
    existing = [c.existing_run_external_id for c in collision.value.collisions]
    assert first.workflow_run_id in existing and len(existing) == 2
    for run in made:
        assert (await final(hatchet, run)).run.status == V1TaskStatus.COMPLETED


@needs(newer.HAS_RETRY_AFTER)
async def test_a_failure_may_say_when_to_try_again() -> None:
    start = time.time()
    result = await newer.asks_for_delay.aio_run()
    assert result["retry_count"] == 1
    assert 1.9 <= result["at"] - start < 2 + SLACK_SECONDS


@needs(newer.HAS_SHARED_LIMITS)
async def test_two_workflows_share_one_limit(mark: str) -> None:
    both = await asyncio.gather(
        *(
            task.aio_run_many([task.create_bulk_run_item(Work(group=mark)) for _ in range(2)])
            for task in (newer.shares_one, newer.shares_two)
        )
    )
    spans = [span for spans in both for span in spans]
    assert most_at_once(spans) == 1


@needs(newer.HAS_SHARED_LIMITS)
async def test_a_limit_may_be_computed(mark: str) -> None:
    async def spans(kind: str) -> list[Any]:
        group = Work(group=mark + kind, digit=kind)
        return await newer.computed_limit.aio_run_many(
            [newer.computed_limit.create_bulk_run_item(group) for _ in range(6)]
        )

    many, few = await spans("many"), await spans("few")
    assert most_at_once(many) == 3
    assert most_at_once(few) == 1


@needs(newer.HAS_SHARED_LIMITS)
@pytest.mark.parametrize("keeps", ["newest", "oldest"])
async def test_of_those_that_wait_one_is_kept(hatchet: Any, mark: str, keeps: str) -> None:
    task = newer.keeps_newest if keeps == "newest" else newer.keeps_oldest
    refs = [await task.aio_run_no_wait(Work(group=mark, seconds=2, n=0))]
    await running(hatchet, refs[0].workflow_run_id)
    for n in (1, 2, 3):
        refs.append(await task.aio_run_no_wait(Work(group=mark, seconds=0, n=n)))
    ended = [(await final(hatchet, ref.workflow_run_id)).run.status.value for ref in refs]
    kept = 3 if keeps == "newest" else 1
    assert ended == ["COMPLETED" if n in (0, kept) else "CANCELLED" for n in range(4)]


@needs(newer.HAS_PAUSE)
async def test_a_paused_workflow_starts_nothing_until_it_goes_on(hatchet: Any) -> None:
    task = newer.paused_workflow
    assert (await task.aio_pause(queue_ttl=timedelta(hours=1))).is_paused
    try:
        ref = await task.aio_run_no_wait(Item(n=1))
        # Another task goes all the way meanwhile.
        await newer.once_a_while.aio_run(Item(key=ref.workflow_run_id))
        assert await hatchet.runs.aio_get_status(ref.workflow_run_id) == V1TaskStatus.QUEUED
        assert (await hatchet.workflows.aio_get(task.id)).is_paused
    finally:
        unpaused = time.time()
        assert not (await task.aio_unpause()).is_paused
    result = await ref.aio_result()
    assert result["n"] == 1 and result["at"] >= unpaused - 0.05


@needs(newer.HAS_PAUSE)
async def test_a_run_that_waits_too_long_for_its_workflow_is_cancelled(hatchet: Any) -> None:
    task = newer.paused_workflow
    await task.aio_pause(queue_ttl=timedelta(seconds=1))
    try:
        ref = await task.aio_run_no_wait(Item(n=1))
        assert (await final(hatchet, ref.workflow_run_id)).run.status == V1TaskStatus.CANCELLED
    finally:
        await task.aio_unpause()


@needs(newer.HAS_PAUSE)
async def test_a_paused_workflow_may_drop_its_schedules(hatchet: Any, mark: str) -> None:
    task = newer.paused_workflow
    at = datetime.now(timezone.utc) + timedelta(seconds=1)
    paused = await task.aio_pause(
        queue_ttl=timedelta(hours=1), paused_workflow_scheduled_run_queue_behavior="DROP"
    )
    assert paused.paused_workflow_scheduled_run_queue_behavior == "DROP"
    try:
        await task.aio_schedule(at, Item(n=1), additional_metadata={"mark": mark})
        gone = at + timedelta(seconds=1)
        await eventually(lambda: datetime.now(timezone.utc) > gone)
    finally:
        await task.aio_unpause()
    assert (await task.aio_run(Item(n=2)))["n"] == 2
    assert not hatchet.runs.list(workflow_ids=[task.id], additional_metadata={"mark": mark}).rows


@needs(newer.HAS_CRON_INPUT)
async def test_a_declared_cron_has_its_input(hatchet: Any) -> None:
    def ticked() -> Any:
        rows = hatchet.runs.list(workflow_ids=[newer.ticking_with_input.id]).rows
        return [r for r in rows if r.status == "COMPLETED"]

    rows = await eventually(ticked)
    assert rows[0].output == {"n": 7, "key": "from the cron"}
