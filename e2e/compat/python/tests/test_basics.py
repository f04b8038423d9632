"""Running tasks and getting what they return, in every way the SDK has."""

import asyncio
import time
from typing import Any

import pytest
from hatchet_sdk import FailedTaskRunExceptionGroup, TriggerWorkflowOptions, V1TaskStatus

from harness.poll import eventually
from programs.basics import Anything, Pair, add_async, add_sync, echo, nothing, tell


@pytest.mark.short
def test_a_sync_task_answers_a_sync_caller() -> None:
    assert add_sync.run(Pair(left=2, right=3)).total == 5


@pytest.mark.short
async def test_an_async_task_answers_an_async_caller() -> None:
    assert (await add_async.aio_run(Pair(left=20, right=3))).total == 23


async def test_an_idle_engine_answers_in_well_under_a_second() -> None:
    await add_async.aio_run(Pair(left=0, right=0))  # opens the connection
    took = []
    for n in range(10):
        start = time.monotonic()
        assert (await add_async.aio_run(Pair(left=n, right=n))).total == 2 * n
        took.append(time.monotonic() - start)
    # The best of ten: the machine may be busy now and then. Most of it is the SDK's.
    assert min(took) < 0.5


async def test_a_run_that_is_not_waited_for_can_be_asked_later(hatchet: Any) -> None:
    ref = await add_async.aio_run_no_wait(Pair(left=1, right=1))
    assert len(ref.workflow_run_id) == 36
    assert (await ref.aio_result()).total == 2
    # Asked again by its id only, when it has long been finished.
    assert (await add_async.aio_get_result(ref.workflow_run_id)).total == 2
    details = await hatchet.runs.aio_get(ref.workflow_run_id)
    assert details.run.status == V1TaskStatus.COMPLETED
    assert details.run.output == {"total": 2}
    assert details.run.input == {"left": 1, "right": 1}


def test_many_sync_runs_answer_in_the_order_asked() -> None:
    results = add_sync.run_many([add_sync.create_bulk_run_item(Pair(left=n, right=1)) for n in range(5)])
    assert [r.total for r in results] == [1, 2, 3, 4, 5]


async def test_hundreds_of_runs_in_one_request_answer_in_the_order_asked() -> None:
    results = await add_async.aio_run_many(
        [add_async.create_bulk_run_item(Pair(left=n, right=0)) for n in range(300)]
    )
    assert [r.total for r in results] == list(range(300))


async def test_many_runs_give_a_ref_each() -> None:
    refs = await add_async.aio_run_many_no_wait(
        [add_async.create_bulk_run_item(Pair(left=n, right=n)) for n in range(20)]
    )
    assert len({ref.workflow_run_id for ref in refs}) == 20
    results = await asyncio.gather(*(ref.aio_result() for ref in refs))
    assert [r.total for r in results] == [2 * n for n in range(20)]


async def test_an_input_that_does_not_fit_fails_the_task(hatchet: Any) -> None:
    # Another program may know nothing of the validator.
    stub = hatchet.stubs.task(name="add-async", input_validator=dict)
    with pytest.raises(FailedTaskRunExceptionGroup) as failure:
        await stub.aio_run({"left": 1, "right": -1})
    assert "right" in str(failure.value.exceptions[0])


async def test_a_stub_runs_what_another_program_defines(hatchet: Any) -> None:
    stub = hatchet.stubs.task(name="add-async", input_validator=Pair, output_validator=dict)
    assert await stub.aio_run(Pair(left=4, right=4)) == {"total": 8}


@pytest.mark.parametrize(
    "value",
    [
        'grüße, 世界 🎉 " \\ \n\t</script>',
        {"nested": [{"deep": [[], {}, None, True, False]}]},
        [0, -1, 2**53 - 1, 1.5, -2.25e-7, 1e300],
        "x" * 1_000_000,
    ],
    ids=["unicode", "nesting", "numbers", "a million letters"],
)
async def test_json_comes_back_as_it_went(value: Any) -> None:
    assert (await echo.aio_run(Anything(value=value)))["value"] == value


async def test_a_task_may_return_nothing(hatchet: Any) -> None:
    ref = await nothing.aio_run_no_wait()
    await ref.aio_result()
    assert await hatchet.runs.aio_get_status(ref.workflow_run_id) == V1TaskStatus.COMPLETED


async def test_an_unknown_workflow_is_refused_by_name(hatchet: Any) -> None:
    stub = hatchet.stubs.task(name="nobody-knows-this")
    with pytest.raises(Exception, match="nobody-knows-this"):
        await stub.aio_run_no_wait()


@pytest.mark.short
async def test_the_context_knows_the_run(hatchet: Any, mark: str) -> None:
    ref = await tell.aio_run_no_wait(Anything(value=[1, 2]), additional_metadata={"mark": mark}, priority=2)
    told = await ref.aio_result()
    workflow = next(w for w in hatchet.workflows.list(workflow_name="tell").rows if w.name == "tell")
    assert told["workflow_run_id"] == told["task_run_id"] == ref.workflow_run_id
    assert (told["workflow_name"], told["task_name"]) == ("tell", "tell")
    assert told["workflow_id"] == workflow.metadata.id
    assert told["workflow_version_id"] == hatchet.workflows.get_version(workflow.metadata.id).metadata.id
    assert (told["retry_count"], told["priority"]) == (0, 2)
    assert told["metadata"]["mark"] == mark
    assert told["metadata"]["origin"] == "default"
    assert told["input"]["value"] == [1, 2]
    assert not told["event_key"]


async def test_options_given_as_an_object_count_the_same(mark: str) -> None:
    told = await tell.aio_run(options=TriggerWorkflowOptions(additional_metadata={"mark": mark}, priority=3))
    assert told["metadata"]["mark"] == mark
    assert told["priority"] == 3


async def test_a_run_made_over_rest_is_a_run_like_any_other(hatchet: Any, mark: str) -> None:
    made = await hatchet.runs.aio_create(
        workflow_name="tell", input={"value": "rest"}, additional_metadata={"mark": mark}
    )
    told = await tell.aio_get_result(made.run.metadata.id)
    assert told["input"]["value"] == "rest"
    assert told["metadata"]["mark"] == mark


async def test_the_details_over_grpc_agree_with_rest(hatchet: Any, mark: str) -> None:
    ref = await echo.aio_run_no_wait(Anything(value="both"), additional_metadata={"mark": mark})
    await ref.aio_result()
    grpc = await hatchet.runs.aio_get_details(ref.workflow_run_id)
    rest = await hatchet.runs.aio_get(ref.workflow_run_id)
    assert grpc.done and grpc.status == "COMPLETED"
    assert grpc.input == rest.run.input == {"value": "both"}
    assert grpc.additional_metadata is not None and grpc.additional_metadata["mark"] == mark
    assert grpc.task_runs["echo"].output == rest.tasks[0].output == {"value": "both"}
    assert grpc.task_runs["echo"].external_id == rest.tasks[0].task_external_id


async def test_two_waiters_of_one_run_both_get_it() -> None:
    ref = await echo.aio_run_no_wait(Anything(value=1))
    both = await asyncio.gather(ref.aio_result(), echo.aio_get_result(ref.workflow_run_id))
    assert both == [{"value": 1}, {"value": 1}]


async def test_rest_counts_the_time_of_a_run(hatchet: Any) -> None:
    ref = await echo.aio_run_no_wait(Anything(value=1))
    await ref.aio_result()

    def timed() -> Any:
        run = hatchet.runs.get(ref.workflow_run_id).run
        return run if run.finished_at else None

    run = await eventually(timed)
    assert run.created_at <= run.started_at <= run.finished_at
    assert run.duration is not None and 0 <= run.duration < 10_000
