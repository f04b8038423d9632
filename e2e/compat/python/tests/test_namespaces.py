"""Two programs of the same names live side by side under namespaces."""

from typing import Any

from hatchet_sdk import ClientConfig, Hatchet

from harness.poll import eventually
from programs.namespaced import Name


async def test_a_namespace_keeps_programs_apart(start_worker: Any) -> None:
    namespace = "3.10-Abc_def"
    spaced = Hatchet(config=ClientConfig(namespace=namespace))
    start_worker("namespaced", "namespaced", env={"HATCHET_CLIENT_NAMESPACE": namespace})
    task = spaced.stubs.task(name="Spaced", input_validator=Name, output_validator=dict)
    assert (await task.aio_run(Name(name="you")))["hello"] == "you"
    assert task.name.startswith("3.10-abc_def_")
    parent = spaced.stubs.task(name="spaced-parent", input_validator=Name, output_validator=dict)
    assert (await parent.aio_run(Name(name="child")))["hello"] == "child"

    event = await spaced.event.aio_push("spaced:event", {"name": "event"})
    assert event.key == "3.10-abc_def_spaced:event"

    def ended() -> Any:
        rows = spaced.runs.list(triggering_event_external_id=event.event_id).rows
        return rows[0].output if rows and rows[0].status == "COMPLETED" else None

    assert (await eventually(ended))["hello"] == "event"
