"""Starts one engine and one big worker for the session; a scenario may start more workers."""

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness.engine import Engine, binary
from harness.worker import Worker

# Every program on the main worker. Those missing have workers of their own, because
# what they show depends on who may run them.
MAIN_PROGRAMS = (
    "basics",
    "failures",
    "graphs",
    "children",
    "streams",
    "events",
    "times",
    "concurrency",
    "rates",
    "durable",
    "user_code",
    "newer",
    "admin",
)

_engine: Engine | None = None


def pytest_sessionstart(session: pytest.Session) -> None:
    """Starts the engine before the scenarios are imported: programs make their client then."""
    global _engine
    if session.config.option.collectonly:
        os.environ.setdefault("HATCHET_CLIENT_TOKEN", "ey.e30.")
        return
    _engine = Engine(binary())
    _engine.start()
    os.environ.update(_engine.environment())
    print(f"\nengine: gRPC {_engine.grpc}, HTTP {_engine.server_url}, logs in {_engine.dir}")


def pytest_sessionfinish(exitstatus: int) -> None:
    if _engine is not None:
        _engine.stop()
        if exitstatus == 0:
            shutil.rmtree(_engine.dir, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("restart") is not None)


@pytest.fixture(scope="session")
def engine() -> Engine:
    assert _engine is not None
    return _engine


@pytest.fixture(scope="session")
def hatchet(engine: Engine) -> Any:
    from programs.client import hatchet

    return hatchet


@pytest.fixture(scope="session")
def impatient(engine: Engine) -> Any:
    """A client that takes "not found" for an answer; the others ask five times."""
    from hatchet_sdk import ClientConfig, Hatchet
    from hatchet_sdk.config import TenacityConfig

    return Hatchet(config=ClientConfig(tenacity=TenacityConfig(max_attempts=1)))


@pytest.fixture(scope="session", autouse=True)
def main_worker(engine: Engine, hatchet: Any) -> Iterator[Worker]:
    worker = Worker(engine.dir, "main", *MAIN_PROGRAMS).start(hatchet)
    yield worker
    worker.stop()


@pytest.fixture
def start_worker(engine: Engine, hatchet: Any) -> Iterator[Callable[..., Worker]]:
    """Starts further workers, which end with the scenario."""
    started: list[Worker] = []

    def start(name: str, *modules: str, **options: Any) -> Worker:
        worker = Worker(engine.dir, f"{name}-{uuid.uuid4().hex[:6]}", *modules, **options)
        started.append(worker)
        return worker.start(hatchet)

    yield start
    for worker in started:
        worker.ask_to_stop()
    for worker in started:
        worker.await_end()


@pytest.fixture
def mark() -> str:
    """A word that no other scenario uses, to find what this one made."""
    return uuid.uuid4().hex
