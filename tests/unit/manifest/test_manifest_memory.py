"""How much memory the rows of a manifest take."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

ROWS = 100_000
PROGRAM = """
import sys, tracemalloc
from fastdcm.manifest.done import Done
from fastdcm.manifest.reading import latest
from fastdcm.options.manifest import ManifestOptions
what, path = sys.argv[1:]
tracemalloc.start()
if what == "latest":
    rows = latest(path)
    next(rows)
else:
    done = Done(ManifestOptions(path), "keep")
print(*tracemalloc.get_traced_memory())
"""


@pytest.mark.parametrize(("what", "kept", "peak"), [("done", 16, 32), ("latest", 1, 66)])
def test_rows_take_so_many_bytes(what: str, kept: int, peak: int, tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    about = {"status": "skipped", "message": "no", "frame": None, "source_bytes": 1, "source_modified": 2}
    with path.open("w") as file:
        file.write('{"run":"now","fastdcm":"0.1.0","made_of":"a"}\n')
        for number in range(ROWS):
            file.write(json.dumps({"source": f"/data/{number}", **about}) + "\n")

    command = [sys.executable, "-c", PROGRAM, what, str(path)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)

    found_kept, found_peak = (int(word) / ROWS for word in done.stdout.split())
    room = 2_000_000 / ROWS  # what is imported meanwhile, and buffers
    assert kept <= found_kept < kept + room, found_peak
    assert found_peak < peak + room
