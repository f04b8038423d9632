"""A real engine, `adze dev`, as a process of its own that can be killed and started again."""

import os
import signal
import subprocess
import tempfile
from pathlib import Path

from harness.poll import eventually_now

# A first start makes a database cluster, a later one may have to recover it.
START_SECONDS = 60.0
STOP_SECONDS = 30.0


class Engine:
    """One `adze dev` and its data directory. It keeps its ports across restarts."""

    def __init__(self, binary: str) -> None:
        self.dir = Path(tempfile.mkdtemp(prefix="adze-compat-"))
        self.log = self.dir / "engine.log"
        self.grpc = "127.0.0.1:0"
        self.http = "127.0.0.1:0"
        self.token = ""
        self.database = ""
        self._binary = binary
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def server_url(self) -> str:
        return f"http://{self.http}"

    def start(self) -> None:
        """Returns once the engine says that it is ready."""
        out = self.dir / "announced"
        with out.open("wb") as stdout, self.log.open("ab") as stderr:
            self._process = subprocess.Popen(
                [
                    self._binary,
                    "dev",
                    "--data-dir",
                    str(self.dir / "data"),
                    "--grpc-addr",
                    self.grpc,
                    "--http-addr",
                    self.http,
                ],
                stdout=stdout,
                stderr=stderr,
                # A group of its own, so that Ctrl-C reaches the scenarios first.
                start_new_session=True,
            )
        eventually_now(lambda: self._ready(out), within=START_SECONDS)
        said = dict(
            line.split(maxsplit=1)
            for line in out.read_text().splitlines()
            if len(line.split(maxsplit=1)) == 2
        )
        self.grpc = said["gRPC"].strip()
        self.http = said["HTTP"].strip().removeprefix("http://")
        self.database = said["Database"].strip()
        self.token = Path(said["Token"].strip()).read_text().strip()

    def _ready(self, out: Path) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"engine ended:\n{self.log.read_text()[-2000:]}")
        return "adze: ready" in out.read_text()

    def environment(self) -> dict[str, str]:
        """What a program on the SDK needs to find this engine, and nothing else."""
        return {
            "HATCHET_CLIENT_TOKEN": self.token,
            "HATCHET_CLIENT_HOST_PORT": self.grpc,
            "HATCHET_CLIENT_SERVER_URL": self.server_url,
            "HATCHET_CLIENT_TLS_STRATEGY": "none",
        }

    def operator(self, *arguments: str) -> str:
        """Runs a command on its database and gives what it prints."""
        own = {
            "ADZE_DATABASE_URL": self.database,
            "ADZE_ADDRESS": self.grpc,
            "ADZE_HTTP_URL": self.server_url,
        }
        command = [self._binary, *arguments]
        return subprocess.check_output(command, env=os.environ | own, text=True).strip()

    def kill(self) -> None:
        """Ends it as a lost machine would: at once, with nothing put in order."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(STOP_SECONDS)

    def stop(self) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        self._process.wait(STOP_SECONDS)


def binary() -> str:
    """The engine to test: ADZE_BIN, which run.sh sets."""
    path = os.environ.get("ADZE_BIN")
    if not path:
        raise RuntimeError("set ADZE_BIN to the engine to test, or use run.sh")
    return path
