"""Streams reach who listens, logs can be read afterwards."""

import asyncio
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from harness.poll import SLACK_SECONDS, eventually
from programs.streams import Lines, talker, talker_much, talker_retried, writer, writer_sync


async def read_stream(hatchet: Any, run_id: str) -> list[str]:
    return [chunk async for chunk in hatchet.runs.subscribe_to_stream(run_id)]


async def logs_of(hatchet: Any, task_id: str, count: int) -> Any:
    """The lines of a task, once there are that many: the SDK sends them behind the task."""

    def lines() -> Any:
        rows = hatchet.logs.list(task_id).rows or []
        return sorted(rows, key=lambda r: r.created_at) if len(rows) >= count else None

    return await eventually(lines)


@pytest.mark.short
@pytest.mark.parametrize("task", [writer, writer_sync], ids=["async", "sync"])
async def test_a_reader_gets_every_chunk_in_order(hatchet: Any, task: Any) -> None:
    ref = await task.aio_run_no_wait(Lines(count=20))
    chunks = await asyncio.wait_for(read_stream(hatchet, ref.workflow_run_id), SLACK_SECONDS)
    assert "".join(chunks) == "".join(f"line {n}\n" for n in range(20))


async def test_two_readers_get_the_same(hatchet: Any) -> None:
    ref = await writer.aio_run_no_wait(Lines(count=10))
    both = await asyncio.gather(*(read_stream(hatchet, ref.workflow_run_id) for _ in range(2)))
    assert both[0] == both[1]
    assert len(both[0]) == 10


async def test_a_stream_of_a_finished_run_ends_at_once(hatchet: Any) -> None:
    ref = await writer.aio_run_no_wait(Lines(count=1))
    await ref.aio_result()
    await asyncio.wait_for(read_stream(hatchet, ref.workflow_run_id), SLACK_SECONDS)


@pytest.mark.short
async def test_logs_are_kept_with_their_levels(hatchet: Any) -> None:
    ref = await talker.aio_run_no_wait()
    await ref.aio_result()
    rows = await logs_of(hatchet, ref.workflow_run_id, 4)
    levels = {r.message: r.level for r in rows}
    assert set(levels) == {
        "said by the context",
        "said by the logger",
        "a warning with ünïcode",
        "an error",
    }
    assert levels["said by the logger"] == "INFO"
    assert levels["a warning with ünïcode"] == "WARN"
    assert levels["an error"] == "ERROR"


async def test_logs_know_their_attempt(hatchet: Any) -> None:
    ref = await talker_retried.aio_run_no_wait()
    await ref.aio_result()
    rows = await logs_of(hatchet, ref.workflow_run_id, 2)
    said = {r.message: r.retry_count for r in rows if "talks" in r.message}
    assert said == {"attempt 0 talks": 0, "attempt 1 talks": 1}


async def test_logs_are_cut_by_number_and_time(hatchet: Any) -> None:
    ref = await talker_much.aio_run_no_wait()
    await ref.aio_result()
    rows = await logs_of(hatchet, ref.workflow_run_id, 200)
    assert {r.message for r in rows} == {f"number {n:03}" for n in range(200)}
    assert len(hatchet.logs.list(ref.workflow_run_id, limit=7).rows) == 7
    future = datetime.now(timezone.utc) + timedelta(hours=1)
    assert not hatchet.logs.list(ref.workflow_run_id, since=future).rows
