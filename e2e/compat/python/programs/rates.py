"""Tasks that must not start too often."""

import time

from hatchet_sdk import Context, EmptyModel
from hatchet_sdk.rate_limit import RateLimit, RateLimitDuration
from pydantic import BaseModel

from programs.client import hatchet


class Call(BaseModel):
    user: str = ""
    units: int = 1
    limit: int = 3


@hatchet.task(name="static-rate", rate_limits=[RateLimit(static_key="compat-static", units=1)])
async def static_rate(input: EmptyModel, ctx: Context) -> dict[str, float]:
    return {"at": time.time()}


@hatchet.task(
    name="dynamic-rate",
    input_validator=Call,
    rate_limits=[
        RateLimit(
            dynamic_key="'compat-' + input.user",
            units="input.units",
            limit="input.limit",
            duration=RateLimitDuration.SECOND,
        )
    ],
)
async def dynamic_rate(input: Call, ctx: Context) -> dict[str, float]:
    return {"at": time.time()}


@hatchet.task(name="paused-rate", rate_limits=[RateLimit(static_key="compat-paused", units=1)])
async def paused_rate(input: EmptyModel, ctx: Context) -> dict[str, float]:
    return {"at": time.time()}


WORKFLOWS = [static_rate, dynamic_rate, paused_rate]
