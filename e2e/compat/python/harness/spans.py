"""Arithmetic on when tasks were at work, from the times that they return."""

from collections.abc import Iterable, Mapping
from typing import Any

# Two processes read the same clock, but a task says "to" before the engine knows.
GRACE_SECONDS = 0.02


def most_at_once(spans: Iterable[Mapping[str, Any]]) -> int:
    """How many were at work at the same moment."""
    moments = [(s["from"] + GRACE_SECONDS, 1) for s in spans] + [(s["to"], -1) for s in spans]
    now = most = 0
    for _, step in sorted(moments):
        now += step
        most = max(most, now)
    return most


def apart(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return one["to"] <= other["from"] + GRACE_SECONDS or other["to"] <= one["from"] + GRACE_SECONDS
