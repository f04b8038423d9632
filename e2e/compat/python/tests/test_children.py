"""Runs that other runs start."""

import asyncio
from typing import Any

import pytest

from harness.read import final
from programs.children import (
    Parent,
    parent,
    parent_bulk,
    parent_of_failure,
    parent_of_twins,
    parent_retried,
    parent_sync,
)


@pytest.mark.short
async def test_a_child_answers_its_parent_and_knows_it(hatchet: Any, mark: str) -> None:
    ref = await parent.aio_run_no_wait(Parent(count=2), additional_metadata={"mark": mark, "own": "no"})
    children = (await ref.aio_result())["children"]
    assert [c["n"] for c in children] == [0, 1]
    assert [c["index"] for c in children] == [0, 1]
    assert {c["parent"] for c in children} == {ref.workflow_run_id}
    for n, c in enumerate(children):
        assert c["metadata"]["mark"] == mark, "a child inherits what its parent carries"
        assert c["metadata"]["own"] == str(n), "but its own word counts"
        assert c["metadata"]["hatchet__parent_workflow_run_id"] == ref.workflow_run_id


async def test_rest_lists_the_children_of_a_task(hatchet: Any) -> None:
    ref = await parent.aio_run_no_wait(Parent(count=3))
    children = (await ref.aio_result())["children"]
    listed = hatchet.runs.list(parent_task_external_id=ref.workflow_run_id).rows
    assert {r.workflow_run_external_id for r in listed} == {c["run"] for c in children}
    task = await hatchet.runs.aio_get_task_run(ref.workflow_run_id)
    assert task.num_spawned_children == 3


async def test_a_sync_parent_has_children_too() -> None:
    result = await asyncio.to_thread(parent_sync.run, Parent(count=2))
    assert [c["n"] for c in result["children"]] == [0, 1]


async def test_many_children_start_in_one_request() -> None:
    result = await parent_bulk.aio_run(Parent(count=100))
    assert [c["n"] for c in result["children"]] == list(range(100))
    assert [c["index"] for c in result["children"]] == list(range(100))


async def test_the_same_key_is_the_same_child() -> None:
    twins = await parent_of_twins.aio_run(Parent(key="only-one"))
    assert twins["runs"][0] == twins["runs"][1]
    assert twins["children"][0] == twins["children"][1]
    assert twins["children"][0]["key"] == "only-one"


async def test_the_same_key_of_another_parent_is_another_child() -> None:
    one, two = await asyncio.gather(
        parent_of_twins.aio_run(Parent(key="k")), parent_of_twins.aio_run(Parent(key="k"))
    )
    assert one["runs"][0] != two["runs"][0]


async def test_children_without_a_key_are_different() -> None:
    twins = await parent_of_twins.aio_run(Parent())
    assert twins["runs"][0] != twins["runs"][1]
    assert [c["n"] for c in twins["children"]] == [0, 1]


async def test_a_retried_parent_finds_its_children_again(hatchet: Any) -> None:
    ref = await parent_retried.aio_run_no_wait()
    result = await ref.aio_result()
    details = await final(hatchet, ref.workflow_run_id)
    failure = next(e.error_message for e in details.task_events if e.error_message)
    assert " ".join(result["runs"]) in failure
    assert len(hatchet.runs.list(parent_task_external_id=ref.workflow_run_id).rows) == 3


async def test_the_failure_of_a_child_reaches_its_parent() -> None:
    result = await parent_of_failure.aio_run()
    assert any("child 3 failed" in text for text in [result["caught"], *result["inner"]])
