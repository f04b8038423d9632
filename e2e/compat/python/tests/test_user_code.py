"""What the SDK does by itself still works, as the engine gives it all it needs."""

from programs.user_code import uses_dependencies, uses_life


async def test_a_task_uses_what_its_worker_opened() -> None:
    assert await uses_life.aio_run() == {"word": "alive"}


async def test_a_task_gets_its_dependencies() -> None:
    assert await uses_dependencies.aio_run() == {
        "number": 40,
        "text": "uses-dependencies",
        "opened": 42,
    }
