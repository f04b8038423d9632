"""What an operator does over REST: list, look, replay, count, pause, delete."""

import asyncio
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hatchet_sdk import BulkCancelReplayOpts, ClientConfig, Hatchet, RunFilter, V1TaskStatus
from hatchet_sdk.clients.rest.exceptions import ApiException, NotFoundException
from hatchet_sdk.features.cel import CELFailure, CELSuccess

from harness.poll import eventually
from harness.read import events_of, final
from programs.admin import Thing, fails_once, listed, replayed_graph
from programs.failures import long
from programs.graphs import Number, diamond

UNKNOWN = "00000000-0000-4000-8000-000000000000"


async def some_runs(mark: str) -> list[Any]:
    """Four runs of which the last two fail."""
    refs = await listed.aio_run_many_no_wait(
        [
            listed.create_bulk_run_item(
                Thing(n=n, fail=n > 1), additional_metadata={"mark": mark, "n": str(n)}
            )
            for n in range(4)
        ]
    )
    await asyncio.gather(*(ref.aio_result() for ref in refs), return_exceptions=True)
    return refs


@pytest.mark.short
async def test_runs_are_listed_by_what_they_carry(hatchet: Any, mark: str) -> None:
    refs = await some_runs(mark)
    rows = hatchet.runs.list(additional_metadata={"mark": mark}).rows
    assert {r.workflow_run_external_id for r in rows} == {ref.workflow_run_id for ref in refs}
    assert rows == sorted(rows, key=lambda r: r.created_at, reverse=True), "newest first"
    by_id = {r.workflow_run_external_id: r for r in rows}
    row = by_id[refs[1].workflow_run_id]
    assert (row.input["n"], row.output["n"]) == (1, 1)
    assert row.workflow_name == "listed"
    assert row.additional_metadata["n"] == "1"
    assert row.display_name.startswith("listed-")
    assert "failed as asked" in by_id[refs[3].workflow_run_id].error_message


async def test_runs_are_listed_by_status_workflow_and_page(hatchet: Any, mark: str) -> None:
    await some_runs(mark)
    await diamond.aio_run(Number(n=1), additional_metadata={"mark": mark})

    def count(**filters: Any) -> int:
        return len(hatchet.runs.list(additional_metadata={"mark": mark}, **filters).rows)

    assert count() == 5
    assert count(statuses=[V1TaskStatus.FAILED]) == 2
    assert count(statuses=[V1TaskStatus.FAILED, V1TaskStatus.COMPLETED]) == 5
    assert count(statuses=[V1TaskStatus.RUNNING]) == 0
    assert count(workflow_ids=[listed.id]) == 4
    assert count(workflow_ids=[diamond.id]) == 1
    assert count(workflow_ids=[diamond.id], only_tasks=True) == 4
    assert count(limit=2) == 2
    assert count(limit=3, offset=3) == 2
    assert count(since=datetime.now(timezone.utc) + timedelta(minutes=1)) == 0
    plain = hatchet.runs.list(additional_metadata={"mark": mark}, include_payloads=False).rows
    assert all(r.input == {} and r.output == {} for r in plain)


async def test_all_pages_together_are_all_runs(hatchet: Any, mark: str) -> None:
    refs = await listed.aio_run_many_no_wait(
        [listed.create_bulk_run_item(additional_metadata={"mark": mark}) for _ in range(120)]
    )
    # The SDK lists what had ended by the moment of the call: what ends during it is left out.
    await asyncio.gather(*(ref.aio_result() for ref in refs))
    rows = await hatchet.runs.aio_list_with_pagination(additional_metadata={"mark": mark}, limit=50)
    assert {r.workflow_run_external_id for r in rows} <= {ref.workflow_run_id for ref in refs}
    assert len(listed.list_runs(additional_metadata={"mark": mark}, limit=200)) == 120


async def test_a_task_is_found_by_its_own_id(hatchet: Any) -> None:
    ref = await diamond.aio_run_no_wait(Number(n=3))
    await ref.aio_result()
    details = await final(hatchet, ref.workflow_run_id)
    left = next(t for t in details.tasks if t.display_name.startswith("left-"))
    task = hatchet.runs.get_task_run(left.task_external_id)
    assert task.output == {"n": 6}
    assert task.workflow_run_external_id == ref.workflow_run_id
    assert task.task_external_id != ref.workflow_run_id


async def test_what_is_unknown_is_not_found(impatient: Any) -> None:
    for ask in (
        lambda: impatient.runs.get(UNKNOWN),
        lambda: impatient.runs.get_status(UNKNOWN),
        lambda: impatient.runs.get_task_run(UNKNOWN),
        lambda: impatient.workflows.get(UNKNOWN),
        lambda: impatient.workers.get(UNKNOWN),
        lambda: impatient.cron.get(UNKNOWN),
        lambda: impatient.scheduled.get(UNKNOWN),
        lambda: impatient.filters.get(UNKNOWN),
        lambda: impatient.event.get(UNKNOWN),
        lambda: impatient.webhooks.get("unknown"),
    ):
        with pytest.raises(NotFoundException) as refused:
            ask()
        assert '"errors"' in refused.value.body


@pytest.mark.short
async def test_a_replay_runs_again_under_the_same_id(hatchet: Any) -> None:
    ref = await fails_once.aio_run_no_wait(Thing(n=4))
    assert (await final(hatchet, ref.workflow_run_id)).run.status == V1TaskStatus.FAILED
    await hatchet.runs.aio_replay(ref.workflow_run_id)

    def completed() -> Any:
        run = hatchet.runs.get(ref.workflow_run_id)
        return run if run.run.status == V1TaskStatus.COMPLETED else None

    details = await eventually(completed)
    assert details.tasks[0].output == {"n": 4, "retry_count": 1}
    assert await fails_once.aio_get_result(ref.workflow_run_id) == {"n": 4, "retry_count": 1}
    rows = hatchet.runs.list(workflow_ids=[fails_once.id]).rows
    assert [r.workflow_run_external_id for r in rows].count(ref.workflow_run_id) == 1


async def test_a_replayed_graph_runs_as_a_whole(hatchet: Any) -> None:
    ref = await replayed_graph.aio_run_no_wait()
    first = await ref.aio_result()
    await hatchet.runs.aio_replay(ref.workflow_run_id)

    def again() -> Any:
        run = hatchet.runs.get(ref.workflow_run_id)
        outputs = {t.display_name.rsplit("-", 1)[0]: t.output for t in run.tasks}
        return outputs if run.run.status == "COMPLETED" and outputs["unstable"] != first["unstable"] else None

    second = await eventually(again)
    assert second["stable"]["at"] > first["stable"]["at"]
    assert second["unstable"]["parent"] == second["stable"]["at"]


async def test_many_runs_are_replayed_by_what_they_carry(hatchet: Any, mark: str) -> None:
    refs = await fails_once.aio_run_many_no_wait(
        [fails_once.create_bulk_run_item(Thing(n=n), additional_metadata={"mark": mark}) for n in range(3)]
    )
    for ref in refs:
        await final(hatchet, ref.workflow_run_id)
    await hatchet.runs.aio_bulk_replay(
        BulkCancelReplayOpts(
            filters=RunFilter(
                since=datetime.now(timezone.utc) - timedelta(minutes=5),
                additional_metadata={"mark": mark},
                statuses=[V1TaskStatus.FAILED],
            )
        )
    )

    def completed() -> bool:
        rows = hatchet.runs.list(additional_metadata={"mark": mark}).rows
        return len(rows) == 3 and all(r.status == V1TaskStatus.COMPLETED for r in rows)

    await eventually(completed)


async def test_all_runs_of_a_filter_are_cancelled_in_pages(hatchet: Any, mark: str) -> None:
    refs = await long.aio_run_many_no_wait(
        [long.create_bulk_run_item(additional_metadata={"mark": mark}) for _ in range(4)]
    )
    await hatchet.runs.aio_bulk_cancel_by_filters_with_pagination(
        chunk_size=3, sleep_time=0, additional_metadata={"mark": mark}
    )
    for ref in refs:
        assert (await final(hatchet, ref.workflow_run_id)).run.status == V1TaskStatus.CANCELLED


async def test_the_history_of_a_task_is_told_in_its_events(hatchet: Any) -> None:
    ref = await listed.aio_run_no_wait(Thing(n=1))
    await ref.aio_result()
    await final(hatchet, ref.workflow_run_id)
    seen = events_of(hatchet, ref.workflow_run_id)
    for event in ("QUEUED", "ASSIGNED", "STARTED", "FINISHED"):
        assert seen[event] == 1, f"{event} in {seen}"


async def test_tasks_are_counted_by_status(hatchet: Any, mark: str) -> None:
    before = hatchet.metrics.get_task_metrics(workflow_ids=[listed.id])
    await some_runs(mark)

    def counted() -> bool:
        now = hatchet.metrics.get_task_metrics(workflow_ids=[listed.id])
        return (now.completed - before.completed, now.failed - before.failed) == (2, 2)

    await eventually(counted)


async def test_queues_are_measured(hatchet: Any) -> None:
    assert isinstance(hatchet.metrics.get_queue_metrics(), dict)
    assert isinstance(hatchet.metrics.get_task_stats(), dict)
    assert isinstance(hatchet.metrics.scrape_tenant_prometheus_metrics(), str)


@pytest.mark.short
async def test_workflows_are_listed_and_deleted(hatchet: Any, impatient: Any, start_worker: Any) -> None:
    start_worker("deleted", "deleted")
    (row,) = [w for w in hatchet.workflows.list(workflow_name="DELETE").rows if w.name == "deleted"]
    workflow = hatchet.workflows.get(row.metadata.id)
    assert workflow.name == "deleted"
    assert workflow.tenant_id == hatchet.tenant_id
    assert not workflow.is_paused
    version = hatchet.workflows.get_version(row.metadata.id)
    assert version.workflow_id == row.metadata.id
    hatchet.workflows.delete(row.metadata.id)
    assert not [w for w in hatchet.workflows.list(workflow_name="deleted").rows if w.name == "deleted"]
    with pytest.raises(NotFoundException):
        impatient.workflows.get(row.metadata.id)
    with pytest.raises(Exception, match="deleted"):
        await hatchet.stubs.task(name="deleted").aio_run_no_wait()


async def test_an_expression_can_be_tried(hatchet: Any) -> None:
    def debug(expression: str) -> Any:
        return hatchet.cel.debug(
            expression, input={"n": 3}, additional_metadata={"m": "x"}, filter_payload={"least": 2}
        ).result

    assert debug("input.n > payload.least && additional_metadata.m == 'x'") == CELSuccess(output=True)
    assert debug("input.n > 5") == CELSuccess(output=False)
    for bad in ("input.n >", "input.nothing == 1", "input.n + 1"):
        assert isinstance(debug(bad), CELFailure), bad


async def test_the_token_of_another_opens_nothing(hatchet: Any, engine: Any) -> None:
    head, claims, signature = engine.token.split(".")
    forged = f"{head}.{claims}.{'A' * len(signature)}"
    other = Hatchet(config=ClientConfig(token=forged))
    with pytest.raises(ApiException) as refused:
        other.workflows.list()
    assert refused.value.status in (401, 403)
    with pytest.raises(Exception, match="UNAUTHENTICATED|invalid auth token"):
        await other.runs.aio_get_details(UNKNOWN)
