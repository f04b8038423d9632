"""Rate limits hold back what is too much, and can be listed."""

import asyncio
import time
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hatchet_sdk.rate_limit import RateLimitDuration

from harness.poll import SLACK_SECONDS
from harness.read import assigned
from programs.rates import Call, dynamic_rate, paused_rate, static_rate


def most_in_a_second(times: list[float]) -> int:
    return max(sum(1 for other in times if t <= other < t + 0.9) for t in times)


async def starts(hatchet: Any, task: Any, runs: list[Any]) -> list[float]:
    """When runs were given to the worker, all of them."""
    refs = await task.aio_run_many_no_wait(runs)
    await asyncio.gather(*(ref.aio_result() for ref in refs))
    times = assigned(hatchet, refs)
    assert len(times) == len(runs)
    return times


@pytest.mark.short
async def test_a_static_rate_holds(hatchet: Any) -> None:
    hatchet.rate_limits.put("compat-static", 4, RateLimitDuration.SECOND)
    times = await starts(hatchet, static_rate, [static_rate.create_bulk_run_item() for _ in range(10)])
    # Four in each window; a window may begin in the midst of the first four.
    assert max(times) - min(times) >= 1
    assert most_in_a_second(times) <= 8


async def test_a_dynamic_rate_holds_for_each_key(hatchet: Any, mark: str) -> None:
    users = [f"{mark}-a", f"{mark}-b"]
    times = await starts(
        hatchet,
        dynamic_rate,
        [dynamic_rate.create_bulk_run_item(Call(user=users[n % 2], limit=2)) for n in range(10)],
    )
    for of_user in (times[0::2], times[1::2]):
        assert max(of_user) - min(of_user) >= 1, "five runs at two a second"
        assert most_in_a_second(of_user) <= 4


async def test_dearer_runs_take_more_of_the_rate(hatchet: Any, mark: str) -> None:
    times = await starts(
        hatchet,
        dynamic_rate,
        [dynamic_rate.create_bulk_run_item(Call(user=mark, units=3, limit=3)) for _ in range(3)],
    )
    assert max(times) - min(times) >= 1


async def test_rates_are_listed(hatchet: Any, mark: str) -> None:
    hatchet.rate_limits.put(f"listed-{mark}", 12, RateLimitDuration.MINUTE)
    (row,) = hatchet.rate_limits.list(search=mark).rows
    assert (row.key, row.limit_value, row.value) == (f"listed-{mark}", 12, 12)
    assert "MINUTE" in row.window or "min" in row.window
    hatchet.rate_limits.put(f"listed-{mark}", 5, RateLimitDuration.MINUTE)
    (row,) = hatchet.rate_limits.list(search=mark).rows
    assert row.limit_value == 5


@pytest.mark.skipif(
    "not hasattr(__import__('hatchet_sdk').features.rate_limits.RateLimitsClient, 'pause')",
    reason="this SDK cannot pause a rate",
)
async def test_a_paused_rate_holds_back_all(hatchet: Any) -> None:
    hatchet.rate_limits.put("compat-paused", 100, RateLimitDuration.SECOND)
    until = datetime.now(timezone.utc) + timedelta(seconds=2)
    assert abs((hatchet.rate_limits.pause("compat-paused", until) - until).total_seconds()) < 0.01
    earlier = hatchet.rate_limits.pause("compat-paused", until - timedelta(seconds=1))
    assert abs((earlier - until).total_seconds()) < 0.01, "a pause is never cut short"
    start = time.time()
    done = await paused_rate.aio_run()
    assert done["at"] >= until.timestamp() - 0.05
    assert done["at"] - start < 2 + SLACK_SECONDS
