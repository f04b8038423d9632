"""What the SDK does around a task: lifespans, dependencies, streams of a worker's life."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from hatchet_sdk import Context, Depends, EmptyModel
from pydantic import BaseModel

from programs.client import hatchet


class Life(BaseModel):
    word: str


async def lifespan() -> AsyncGenerator[Life, None]:
    yield Life(word="alive")


async def number(input: EmptyModel, ctx: Context) -> int:
    return 40


def text(input: EmptyModel, ctx: Context) -> str:
    return ctx.task_name


@asynccontextmanager
async def opened(input: EmptyModel, ctx: Context, number: Annotated[int, Depends(number)]) -> Any:
    yield number + 2


@hatchet.task(name="uses-life")
async def uses_life(input: EmptyModel, ctx: Context) -> dict[str, str]:
    return {"word": ctx.lifespan.word}


@hatchet.task(name="uses-dependencies")
async def uses_dependencies(
    input: EmptyModel,
    ctx: Context,
    number: Annotated[int, Depends(number)],
    text: Annotated[str, Depends(text)],
    opened: Annotated[int, Depends(opened)],
) -> dict[str, Any]:
    return {"number": number, "text": text, "opened": opened}


WORKFLOWS = [uses_life, uses_dependencies]
