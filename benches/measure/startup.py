"""One image, from the start of a process to its end: ours, and everybody's who is a command."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benches.corpus import Case
from benches.measure.children import empty_folder
from benches.peers import dcm2jpg, dcmj2pnm, find_command


def commands(case: Case) -> dict[str, list[str]]:
    """What is started, by its label; OUT stands for the output."""
    one = os.path.join(case.of(1), "000001.dcm")
    python = sys.executable
    found = {
        "Python alone": [python, "-c", "pass"],
        "import numpy": [python, "-c", "import numpy"],
        "fastdcm --help": [python, "-m", "fastdcm", "--help"],
        "fastdcm convert, one file": [python, "-m", "fastdcm", "convert", "--quiet", one, "OUT.jpg"],
        "import pydicom": [python, "-c", "import pydicom"],
    }
    if program := find_command("dcmj2pnm", "DCMJ2PNM"):
        found["dcmj2pnm, one file"] = dcmj2pnm.command(program, one, "OUT", "jpeg", windowed=True)
    if program := find_command("dcm2jpg", "DCM2JPG"):
        found["dcm2jpg, one file"] = dcm2jpg.command(program, one, "OUT.jpg", "jpeg")
    return found


def measure(case: Case, rounds: int, folder: Path) -> list[dict[str, Any]]:
    """Seconds of each, alternating; the first round warms the disk's cache and is not counted."""
    seconds: dict[str, list[float]] = {}
    found = commands(case)
    for number in range(rounds + 1):
        for label, command in list(found.items()):
            with empty_folder(folder) as target:
                line = [part.replace("OUT", os.path.join(target, "out")) for part in command]
                start = time.perf_counter()
                done = subprocess.run(line, capture_output=True, check=False, env=_environment())
                took = time.perf_counter() - start
            if done.returncode and label.startswith("fastdcm"):
                raise RuntimeError(f"{label} ended with {done.returncode}: {done.stderr[-500:]!r}")
            if done.returncode:
                del found[label]  # it cannot do this file
            elif number:
                seconds.setdefault(label, []).append(took)
    return [
        {"label": label, "seconds": statistics.median(times), "least": min(times), "times": times}
        for label, times in seconds.items()
    ]


def _environment() -> dict[str, str]:
    """JVM start-up at its best, as people who start it for one file have it."""
    program = find_command("dcm2jpg", "DCM2JPG")
    return {
        **(dcm2jpg.environment(program) if program else os.environ),
        "JAVA_OPTS": os.environ.get("JAVA_OPTS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"),
    }
