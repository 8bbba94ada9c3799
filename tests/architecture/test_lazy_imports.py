"""What is not needed is not imported: start-up, and the path of one image."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from fastdcm.batch.discovery import Task
from fastdcm.batch.protocol import Outlook

HEAVY = {
    "PIL",
    "anyio",
    "av",
    "httpx",
    "imagecodecs",
    "isal",
    "llvmlite",
    "numba",
    "numpy",
    "pydicom",
    "turbojpeg",
}


def imported_by(*arguments: str) -> set[str]:
    """First names of all modules that ``python ARGUMENTS`` imports."""
    command = [sys.executable, "-X", "importtime", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    rows = [row for row in done.stderr.splitlines() if row.startswith("import time:")]
    assert done.returncode == 0, done.stderr
    assert len(rows) > 10, "no import times were printed"
    return {row.rpartition("|")[2].strip().partition(".")[0] for row in rows}


@pytest.mark.parametrize(
    "arguments",
    [
        ("-c", "import fastdcm"),
        ("-c", "import fastdcm; fastdcm.FastdcmError, fastdcm.Header"),
        ("-c", "import fastdcm; fastdcm.convert; import fastdcm.batch.pool"),
        ("-m", "fastdcm", "--help"),
        ("-m", "fastdcm", "--version"),
        ("-m", "fastdcm", "convert", "--help"),
        ("-m", "fastdcm", "get", "--help"),
    ],
    ids=" ".join,
)
def test_nothing_heavy_at_start_up(arguments: tuple[str, ...]) -> None:
    assert not imported_by(*arguments) & HEAVY


def test_native_image_needs_neither_pydicom_nor_numba(pydicom_files: Path) -> None:
    code = f"import fastdcm; fastdcm.open({str(pydicom_files / 'CT_small.dcm')!r}).encode()"
    imported = imported_by("-c", code)
    assert "numpy" in imported
    assert not imported & {"PIL", "av", "fractions", "llvmlite", "numba", "pydicom"}


def test_a_worker_imports_nothing_of_what_leads_it() -> None:
    """Nor is it sent anything that does: what starts processes takes 8 ms to import."""
    code = """
import pickle, sys
from fastdcm.batch import worker
worker.load("fastdcm.batch.convert:Converter")
assert pickle.loads(bytes.fromhex(sys.argv[1]))
assert not {"subprocess", "fastdcm.batch.pool", "fastdcm.batch.process"} & sys.modules.keys()
"""
    chunk = [(Task("a", "b", "c"), False)], Outlook(1, may_compile=True)
    command = [sys.executable, "-c", code, pickle.dumps(chunk).hex()]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
