"""Rate limits hold back what is too much, and can be listed."""

import time
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hatchet_sdk.rate_limit import RateLimitDuration

from programs.rates import Call, dynamic_rate, paused_rate, static_rate


def most_in_a_second(times: list[float]) -> int:
    return max(sum(1 for other in times if t <= other < t + 0.9) for t in times)


@pytest.mark.short
async def test_a_static_rate_holds(hatchet: Any) -> None:
    hatchet.rate_limits.put("compat-static", 4, RateLimitDuration.SECOND)
    done = await static_rate.aio_run_many([static_rate.create_bulk_run_item() for _ in range(10)])
    times = sorted(d["at"] for d in done)
    # Four in each window; a window may begin in the midst of the first four.
    assert times[-1] - times[0] >= 1
    assert most_in_a_second(times) <= 8


async def test_a_dynamic_rate_holds_for_each_key(mark: str) -> None:
    users = [f"{mark}-a", f"{mark}-b"]
    done = await dynamic_rate.aio_run_many(
        [dynamic_rate.create_bulk_run_item(Call(user=users[n % 2], limit=2)) for n in range(10)]
    )
    for of_user in (done[0::2], done[1::2]):
        times = sorted(d["at"] for d in of_user)
        assert times[-1] - times[0] >= 1, "five runs at two a second"
        assert most_in_a_second(times) <= 4


async def test_dearer_runs_take_more_of_the_rate(mark: str) -> None:
    done = await dynamic_rate.aio_run_many(
        [dynamic_rate.create_bulk_run_item(Call(user=mark, units=3, limit=3)) for _ in range(3)]
    )
    times = sorted(d["at"] for d in done)
    assert times[-1] - times[0] >= 1


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
    assert done["at"] - start < 10
