"""Arithmetic on when tasks were at work, from the times that they return."""

from collections.abc import Iterable, Mapping
from typing import Any

# Two processes read the same clock, but a task says "to" before the engine knows.
GRACE_SECONDS = 0.02


def most_at_once(spans: Iterable[Mapping[str, Any]]) -> int:
    """How many were at work at the same moment."""
    moments = []
    for span in spans:
        moments += [(span["from"] + GRACE_SECONDS, 1), (span["to"], -1)]
    now = most = 0
    for _, step in sorted(moments):
        now += step
        most = max(most, now)
    return most
