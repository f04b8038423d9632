"""Workers as users have them: processes that run a program until they are told to stop."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from harness.poll import eventually_now

ROOT = Path(__file__).parent.parent

# Importing the SDK and starting its listener takes a few seconds on a busy machine.
START_SECONDS = 60.0
STOP_SECONDS = 20.0


class Worker:
    """One worker process. The name must be unique among the workers of a session."""

    def __init__(
        self,
        log_dir: Path,
        name: str,
        *modules: str,
        slots: int = 100,
        durable_slots: int = 100,
        labels: dict[str, str | int] | None = None,
        env: dict[str, str] | None = None,
    ) -> None:
        self._env = env or {}
        self.name = self._namespace() + name
        self.log = log_dir / f"worker-{name}.log"
        self._args = [
            sys.executable,
            "-m",
            "programs",
            name,
            *modules,
            "--slots",
            str(slots),
            "--durable-slots",
            str(durable_slots),
        ]
        for key, value in (labels or {}).items():
            self._args += ["--label", f"{key}={value}"]
        self._process: subprocess.Popen[bytes] | None = None

    def _namespace(self) -> str:
        """What the SDK puts before the name of a worker."""
        namespace = self._env.get("HATCHET_CLIENT_NAMESPACE", "").lower()
        return f"{namespace}_" if namespace else ""

    def start(self, hatchet: Any) -> "Worker":
        """Returns once the engine says over REST that the worker listens."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._args,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env=os.environ | self._env,
                start_new_session=True,
            )
        try:
            eventually_now(lambda: self.row(hatchet) is not None, within=START_SECONDS)
        except BaseException:
            self.kill()
            raise
        return self

    def row(self, hatchet: Any) -> Any | None:
        """What REST says of this worker while it is active."""
        if self._process is None or self._process.poll() is not None:
            raise RuntimeError(f"worker {self.name} ended:\n{self.log.read_text()[-2000:]}")
        for worker in hatchet.workers.list().rows or []:
            if worker.name == self.name and worker.status in ("ACTIVE", "PAUSED"):
                return worker
        return None

    def id(self, hatchet: Any) -> str:
        row = self.row(hatchet)
        assert row is not None, f"worker {self.name} is not active"
        return str(row.metadata.id)

    def kill(self) -> None:
        """Ends it and its listener as a lost machine would."""
        assert self._process is not None
        os.killpg(self._process.pid, 9)
        self._process.wait(STOP_SECONDS)

    def ask_to_stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def await_end(self) -> None:
        """Returns once it has ended; what does not end in time is killed."""
        if self._process is None or self._process.poll() is not None:
            return
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def stop(self) -> None:
        self.ask_to_stop()
        self.await_end()
