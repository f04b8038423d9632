"""Waiting by asking: a scenario never sleeps for something to have happened."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

WITHIN_SECONDS = 30.0
EVERY_SECONDS = 0.05

# What a busy machine may add to any span of time before that is a fault. Scenarios are not
# about speed: they say that a thing is not early, and does not hang.
SLACK_SECONDS = 20.0


async def eventually(
    check: Callable[[], T | Awaitable[T]],
    within: float = WITHIN_SECONDS,
    retry: tuple[type[Exception], ...] = (AssertionError,),
) -> T:
    """Returns what check returns once that is true, and neither None nor empty.

    An assertion that fails inside check counts as "not yet"; the last one is raised
    when the time is over.
    """
    deadline = time.monotonic() + within
    while True:
        last: Exception | None = None
        found: T | None = None
        try:
            answer = check()
            found = await answer if inspect.isawaitable(answer) else answer
        except retry as e:
            last = e
        if found:
            return found
        if time.monotonic() >= deadline:
            raise last or AssertionError(f"still {found!r} after {within} s")
        await asyncio.sleep(EVERY_SECONDS)


def eventually_now(check: Callable[[], T], within: float = WITHIN_SECONDS) -> T:
    """Does as eventually, for who cannot await: it holds up the event loop."""
    deadline = time.monotonic() + within
    while not (found := check()):
        if time.monotonic() >= deadline:
            raise AssertionError(f"still {found!r} after {within} s")
        time.sleep(EVERY_SECONDS)
    return found
