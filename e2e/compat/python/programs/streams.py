"""Tasks that say things while they run: streams and logs."""

import asyncio
import logging
import time

from hatchet_sdk import Context, EmptyModel
from pydantic import BaseModel

from programs.client import hatchet, log


class Lines(BaseModel):
    count: int = 5


# A reader gets only what is written while it listens, and cannot say that it does.
READER_SECONDS = 0.5


@hatchet.task(name="writer", input_validator=Lines)
async def writer(input: Lines, ctx: Context) -> dict[str, int]:
    await asyncio.sleep(READER_SECONDS)
    for n in range(input.count):
        await ctx.aio_put_stream(f"line {n}\n")
    return {"count": input.count}


@hatchet.task(name="writer-sync", input_validator=Lines)
def writer_sync(input: Lines, ctx: Context) -> dict[str, int]:
    time.sleep(READER_SECONDS)
    for n in range(input.count):
        ctx.put_stream(f"line {n}\n")
    return {"count": input.count}


@hatchet.task(name="talker")
async def talker(input: EmptyModel, ctx: Context) -> dict[str, bool]:
    await ctx.aio_log("said by the context")
    log.info("said by the logger")
    log.warning("a warning with ünïcode")
    log.error("an error")
    return {"said": True}


@hatchet.task(name="talker-retried", retries=1)
def talker_retried(input: EmptyModel, ctx: Context) -> dict[str, bool]:
    log.info("attempt %d talks", ctx.retry_count)
    if ctx.retry_count == 0:
        raise RuntimeError("again")
    return {"said": True}


@hatchet.task(name="talker-much")
async def talker_much(input: EmptyModel, ctx: Context) -> dict[str, bool]:
    for n in range(200):
        log.log(logging.INFO, "number %03d", n)
    return {"said": True}


WORKFLOWS = [writer, writer_sync, talker, talker_retried, talker_much]
