"""The machine of a run: what a reader must know to compare it with another one."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benches.measure.children import ROOT, cores, run_module

PACKAGES = ("fastdcm", "numpy", "numba", "imagecodecs", "pydicom", "PyTurboJPEG", "pillow", "matplotlib")


def describe(folder: Path) -> dict[str, Any]:
    """Processor, cores, load, memory, versions, where the files are."""
    return {
        "when": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": processor(),
        "cores": len(cores()),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load": load(),
        "memory": memory(),
        "filesystem": filesystem(folder),
        "commit": commit(),
        "packages": {package: found for package in PACKAGES if (found := _version(package))},
        "codecs": run_module("benches.measure.codecs"),
    }


def load() -> float | None:
    """The load of the last minute; other work makes every figure worse."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def processor() -> str:
    """As the system calls it."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    if platform.system() == "Darwin":
        said = subprocess.run(
            ["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, check=False
        )
        return said.stdout.strip()
    return platform.processor() or platform.machine()


def memory() -> int | None:
    """Bytes of memory."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def filesystem(folder: Path) -> str:
    """The kind of filesystem that a folder is on, where the system tells."""
    mounts = Path("/proc/mounts")
    if not mounts.is_file():
        return "unknown"
    kinds = {}
    for line in mounts.read_text(encoding="utf-8").splitlines():
        _, place, kind, *_ = line.split(" ")
        kinds[place] = kind
    return next((kinds[str(place)] for place in [folder, *folder.parents] if str(place) in kinds), "unknown")


def commit() -> str:
    """The commit of this tree, with a plus where it was changed since."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
