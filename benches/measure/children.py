"""Processes that work when they are told to, and what they took."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class Child:
    """``python -m MODULE ARGUMENTS``, a line of JSON in, a line of JSON out."""

    def __init__(self, module: str, *arguments: str) -> None:
        command = [sys.executable, "-W", "ignore", "-m", module, *arguments]
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.hello = self.wait()

    def tell(self, job: dict[str, Any]) -> None:
        """Send a job; `wait` for what comes of it."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()

    def wait(self) -> dict[str, Any]:
        """The next answer; ``failed`` in it where the process has died."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"failed": "its process died"}
        return answer

    def ask(self, job: dict[str, Any]) -> dict[str, Any]:
        """A job and its answer."""
        with contextlib.suppress(BrokenPipeError):
            self.tell(job)
        return self.wait()

    def end(self) -> int | None:
        """Let it end; the most memory that it, or a process that it started, ever held, in bytes.

        None where the platform does not tell.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        if not hasattr(os, "wait4"):
            self._process.wait()
            return None
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        return peak_bytes(usage)


def peak_bytes(usage: Any) -> int:
    """ru_maxrss, which macOS counts in bytes and others in KiB."""
    return int(usage.ru_maxrss) * (1 if sys.platform == "darwin" else 1024)


def run_module(module: str, *arguments: str) -> Any:
    """What ``python -m MODULE`` prints, which is JSON; its errors are ours to see."""
    command = [sys.executable, "-W", "ignore", "-m", module, *arguments]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


@contextlib.contextmanager
def empty_folder(inside: Path) -> Iterator[str]:
    """A folder for outputs; emptying it is in nobody's time."""
    folder = tempfile.mkdtemp(prefix="out-", dir=inside)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def cores() -> list[int]:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def pinned(core: int) -> Sequence[str]:
    """The option of a child that keeps to one core, where the platform can do that."""
    return ("--core", str(core)) if hasattr(os, "sched_setaffinity") else ()
