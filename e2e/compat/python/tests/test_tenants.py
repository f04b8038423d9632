"""Tasks of a tenant that shares the workers of another one, which know their own token only."""

from collections.abc import Iterator
from typing import Any

import pytest
from hatchet_sdk import ClientConfig, Hatchet

from harness.engine import Engine
from harness.read import final
from harness.worker import Worker

HOME = "default"
GUEST = "guest"


@pytest.fixture
def guest(engine: Engine) -> Iterator[Any]:
    """A client of a tenant whose workflows were registered by a worker that is gone."""
    engine.operator("tenant", "create", GUEST, "--beside", HOME)
    token = engine.operator("token", "create", "--tenant", GUEST)
    client = Hatchet(config=ClientConfig(token=token))
    env = {"HATCHET_CLIENT_TOKEN": token}
    Worker(engine.dir, "registers", "children", env=env).start(client).stop()
    engine.operator("tenant", "share", GUEST, "--with", HOME)
    yield client
    engine.operator("tenant", "unshare", GUEST, "--with", HOME)


async def test_children_of_a_guests_task_are_the_guests(hatchet: Any, guest: Any) -> None:
    for name in ("parent", "parent-sync", "parent-bulk"):
        made = guest.runs.create(workflow_name=name, input={"count": 2})
        run = made.run.metadata.id
        details = await final(guest, run)
        assert details.run.status == "COMPLETED", details.run.error_message
        assert [c["n"] for c in details.run.output["children"]] == [0, 1]
        assert len(guest.runs.list(parent_task_external_id=run).rows) == 2
        assert not hatchet.runs.list(parent_task_external_id=run).rows
