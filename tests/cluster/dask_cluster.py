"""A Dask cluster of processes, on this machine: a scheduler, and workers that can be killed and added."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parents[2]
_START_SECONDS = 60


class DaskCluster:
    """A scheduler without workers. ``file`` is what it is known by; ``folder`` takes what they leave."""

    def __init__(self, folder: Path, *, allowed_failures: int = 3) -> None:
        self.folder, self.file = folder, folder / "scheduler.json"
        self._env = {
            **os.environ,
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(allowed_failures),
            "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
            "PYTHONPATH": str(ROOT),
        }
        self.workers: list[subprocess.Popen[bytes]] = []
        self._scheduler = self._start("scheduler", "--port", "0", "--host", "127.0.0.1")
        deadline = time.monotonic() + _START_SECONDS
        while not self.file.exists():
            assert self._scheduler.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)

    def add(self, *, nanny: bool = False, threads: int = 1) -> subprocess.Popen[bytes]:
        """A worker more, which a nanny starts again where it dies."""
        worker = self._start(
            "worker",
            *("--nthreads", str(threads), "--nanny" if nanny else "--no-nanny"),
            *("--memory-limit", "0", "--local-directory", str(self.folder), "--host", "127.0.0.1"),
        )
        self.workers.append(worker)
        return worker

    @property
    def log(self) -> str:
        """What scheduler and workers have said."""
        return (self.folder / "log").read_text(errors="replace")

    def _start(self, kind: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--scheduler-file", str(self.file)]
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [*command, "--no-dashboard", *arguments],
                stdout=log,
                stderr=log,
                env=self._env,
                cwd=self.folder,
            )

    def close(self) -> None:
        """End all of it."""
        for process in [*self.workers, self._scheduler]:
            process.terminate()
        for process in [*self.workers, self._scheduler]:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
