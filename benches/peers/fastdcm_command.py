"""Our own: the command, from start to exit, with a worker for each core that it may use."""

from __future__ import annotations

import os
import sys

from benches.peers import Absent, Present, run

label = "fastdcm convert"


def available() -> Present | Absent:
    import fastdcm

    return Present(fastdcm.__version__, "command")


def command(source: str, target: str, format: str, jobs: int) -> list[str]:
    """A folder to a folder; quality 90 is the default."""
    name = "png" if format == "png" else "jpg"
    start = [sys.executable, "-m", "fastdcm", "convert", source, "-o", os.path.join(target, "out")]
    return [*start, "-F", name, "-j", str(jobs), "--quiet"]


def convert(source: str, target: str, format: str) -> None:
    jobs = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    run(command(source, target, format, jobs))
