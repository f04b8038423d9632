"""What a traced worker sends can be read back for a run."""

import json
import urllib.request
from typing import Any

from harness.poll import eventually
from programs.traced import traced


def spans_of(engine: Any, hatchet: Any, run_id: str) -> list[dict[str, Any]]:
    """Asks REST directly: the SDK sends traces, but has no method to read them."""
    request = urllib.request.Request(
        f"{engine.server_url}/api/v1/stable/tenants/{hatchet.tenant_id}/traces?run_external_id={run_id}",
        headers={"Authorization": f"Bearer {engine.token}"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)["rows"]


async def test_the_traces_of_a_run_can_be_read(engine: Any, hatchet: Any, start_worker: Any) -> None:
    start_worker("traced", "traced")
    ref = await traced.aio_run_no_wait()
    assert await ref.aio_result() == {"traced": True}

    def spans() -> Any:
        rows = {row["spanName"]: row for row in spans_of(engine, hatchet, ref.workflow_run_id)}
        return rows if "inner work" in rows and "hatchet.start_step_run" in rows else None

    rows = await eventually(spans)
    inner, outer = rows["inner work"], rows["hatchet.start_step_run"]
    assert inner["parentSpanId"] == outer["spanId"]
    assert inner["traceId"] == outer["traceId"]
    assert inner["spanAttributes"]["colour"] == "green"
    assert inner["durationNs"] >= 0
