"""Events start runs, pass filters, and can be listed with what they did."""

from typing import Any

import pytest
from hatchet_sdk import BulkPushEventWithMetadata, Priority
from hatchet_sdk.clients.rest.models.v1_update_filter_request import V1UpdateFilterRequest

from harness.poll import eventually
from programs.children import Parent, parent_pushes
from programs.events import on_declared, on_filtered


async def runs_of(hatchet: Any, event_id: str, count: int) -> list[dict[str, Any]]:
    """What the runs that an event started returned, once that many have."""

    def ended() -> Any:
        rows = hatchet.runs.list(triggering_event_external_id=event_id).rows
        done = [r for r in rows if r.status == "COMPLETED"]
        return done if len(done) >= count else None

    rows = await eventually(ended)
    return [(await hatchet.runs.aio_get(r.workflow_run_external_id)).tasks[0].output for r in rows]


@pytest.mark.short
async def test_an_event_starts_the_runs_that_ask_for_it(hatchet: Any, mark: str) -> None:
    event = await hatchet.event.aio_push(
        "order:created",
        {"mark": mark, "n": 3},
        additional_metadata={"from": mark},
        priority=Priority.HIGH,
    )
    assert event.key == "order:created"
    (told,) = await runs_of(hatchet, event.event_id, 1)
    assert told["input"] == {"mark": mark, "n": 3}
    assert (told["key"], told["event"], told["by_event"]) == ("order:created", event.event_id, True)
    assert told["metadata"]["from"] == mark
    assert told["metadata"]["hatchet__event_id"] == event.event_id
    assert told["metadata"]["hatchet__event_key"] == "order:created"
    assert told["priority"] == 3


async def test_many_events_are_answered_in_the_order_pushed(hatchet: Any, mark: str) -> None:
    events = await hatchet.event.aio_bulk_push(
        [
            BulkPushEventWithMetadata(
                key="order:created" if n % 2 else "order:unknown",
                payload={"mark": mark, "n": n},
                additional_metadata={"n": str(n)},
            )
            for n in range(20)
        ]
    )
    assert [e.key for e in events] == ["order:created" if n % 2 else "order:unknown" for n in range(20)]
    assert len({e.event_id for e in events}) == 20
    for n in (1, 19):
        (told,) = await runs_of(hatchet, events[n].event_id, 1)
        assert told["input"]["n"] == n and told["metadata"]["n"] == str(n)


@pytest.mark.parametrize("key", ["parcel:sent", "parcel:", "letter:to:me:sent"])
async def test_a_star_stands_for_anything(hatchet: Any, key: str) -> None:
    event = await hatchet.event.aio_push(key, {})
    (told,) = await runs_of(hatchet, event.event_id, 1)
    assert told["key"] == key


@pytest.mark.short
async def test_a_filter_lets_through_what_it_matches(hatchet: Any, mark: str) -> None:
    filters = [
        await on_filtered.aio_create_filter(expression=expression, scope=mark, payload={"from": expression})
        for expression in ("input.n > 5", "input.n > 5 && payload['from'] != ''", "input.n > 1000")
    ]
    listed = hatchet.filters.list(scopes=[mark]).rows
    assert {f.metadata.id for f in listed} == {f.metadata.id for f in filters}
    assert hatchet.filters.get(filters[0].metadata.id).payload == {"from": "input.n > 5"}

    hit = await hatchet.event.aio_push("filtered:made", {"n": 6}, scope=mark)
    told = await runs_of(hatchet, hit.event_id, 2)
    assert {t["filter_payload"]["from"] for t in told} == {f.payload["from"] for f in filters[:2]}

    miss = await hatchet.event.aio_push("filtered:made", {"n": 1}, scope=mark)
    unscoped = await hatchet.event.aio_push("filtered:made", {"n": 6})
    again = await hatchet.event.aio_push("filtered:made", {"n": 7}, scope=mark)
    # Events are handled in order: when the last has its runs, those before have theirs.
    await runs_of(hatchet, again.event_id, 2)
    for event in (miss, unscoped):
        assert not hatchet.runs.list(triggering_event_external_id=event.event_id).rows

    for f in filters:
        await hatchet.filters.aio_delete(f.metadata.id)
    assert not hatchet.filters.list(scopes=[mark]).rows
    free = await hatchet.event.aio_push("filtered:made", {"n": 1})
    assert (await runs_of(hatchet, free.event_id, 1))[0]["filter_payload"] == {}


async def test_a_filter_can_be_changed(hatchet: Any, mark: str) -> None:
    made = await on_filtered.aio_create_filter(expression="input.n > 5", scope=mark)
    try:
        changed = hatchet.filters.update(
            made.metadata.id, V1UpdateFilterRequest(expression="input.n > 8", payload={"p": 1})
        )
        assert (changed.expression, changed.scope) == ("input.n > 8", mark)
        event = await hatchet.event.aio_push("filtered:made", {"n": 9}, scope=mark)
        assert (await runs_of(hatchet, event.event_id, 1))[0]["filter_payload"] == {"p": 1}
    finally:
        hatchet.filters.delete(made.metadata.id)


async def test_declared_filters_count_like_made_ones(hatchet: Any) -> None:
    listed = hatchet.filters.list(workflow_ids=[on_declared.id]).rows
    assert {f.expression for f in listed} == {"input.n > 10", "input.n > payload.least"}
    event = await hatchet.event.aio_push("declared:made", {"n": 50}, scope="big")
    (told,) = await runs_of(hatchet, event.event_id, 1)
    assert told["filter_payload"] == {"size": "big"}
    event = await hatchet.event.aio_push("declared:made", {"n": 500}, scope="big")
    assert len(await runs_of(hatchet, event.event_id, 2)) == 2


async def test_events_are_listed_with_what_they_did(hatchet: Any, mark: str) -> None:
    did = await hatchet.event.aio_push("order:created", {"mark": mark}, additional_metadata={"mark": mark})
    nothing = await hatchet.event.aio_push(
        "nobody:cares", {"mark": mark}, additional_metadata={"mark": mark}, scope="s"
    )
    await runs_of(hatchet, did.event_id, 1)

    def rows() -> Any:
        found = {e.metadata.id: e for e in hatchet.event.list(additional_metadata={"mark": mark}).rows}
        ok = len(found) == 2 and found[did.event_id].workflow_run_summary.succeeded == 1
        return found if ok else None

    found = await eventually(rows)
    assert found[did.event_id].key == "order:created"
    assert found[did.event_id].payload == {"mark": mark}
    assert len(found[did.event_id].triggered_runs) == 1
    assert found[nothing.event_id].scope == "s"
    assert not found[nothing.event_id].triggered_runs
    assert {e.metadata.id for e in hatchet.event.list(event_ids=[did.event_id]).rows} == {did.event_id}
    keyed = hatchet.event.list(keys=["nobody:cares"], additional_metadata={"mark": mark}).rows
    assert [e.metadata.id for e in keyed] == [nothing.event_id]
    assert (await hatchet.event.aio_get(did.event_id)).key == "order:created"


async def test_an_event_pushed_by_a_task_knows_where_it_came_from(hatchet: Any, mark: str) -> None:
    ref = await parent_pushes.aio_run_no_wait(Parent(key=mark), additional_metadata={"mark": mark})
    event_id = (await ref.aio_result())["event"]
    event = await eventually(lambda: hatchet.event.get(event_id))
    assert event.additional_metadata["hatchet__source_workflow_run_id"] == ref.workflow_run_id


async def test_an_event_without_a_key_is_refused(hatchet: Any) -> None:
    with pytest.raises(Exception, match="key"):
        await hatchet.event.aio_push("", {})
