"""``python -m tests.resume.kills [--files N] [--kills N]``: a run that is killed again and again.

A run over so many files is killed with all of its processes (kill -9) at random moments, and gone on from
with ``--resume`` each time. Says whether at the end every image is there and equal to that of a run that
nobody killed, and how many rows were told twice. Ends with 1 where not.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.conftest import PYDICOM_FILES

ROOT = Path(__file__).parents[2]


def make_inputs(folder: Path, count: int) -> None:
    """So many files, by links to a few of pydicom's.

    Not lossy JPEG 2000, of which a short run and a long one may take different decoders, a grey apart.
    """
    names = [
        "CT_small.dcm",
        "MR_small.dcm",
        "MR_small_jp2klossless.dcm",
        "SC_rgb_jpeg_dcmtk.dcm",
        "MR_small_RLE.dcm",
    ]
    for number in range(count):
        place = folder / f"{number // 250:03}"
        place.mkdir(parents=True, exist_ok=True)
        os.link(_near(folder, names[number % len(names)]), place / f"{number:06}.dcm")


def _near(folder: Path, name: str) -> Path:
    """The file, on the filesystem of the folder, so that it can be linked to."""
    near = folder.with_name("originals") / name
    if not near.exists():
        near.parent.mkdir(exist_ok=True)
        shutil.copyfile(PYDICOM_FILES / name, near)
    return near


def command(source: Path, output: Path, manifest: Path, *more: str) -> list[str]:
    """The conversion of a folder by two workers, with a manifest."""
    arguments = ["convert", str(source), "-o", str(output), "--manifest", str(manifest), "-j", "2", "--quiet"]
    return [sys.executable, "-m", "fastdcm", *arguments, *more]


def killed(arguments: list[str], after: float) -> bool:
    """Start a run in a process group of its own, and kill all of it; False where it had come to its end."""
    process = subprocess.Popen(arguments, cwd=ROOT, start_new_session=True)
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        # Workers, which have groups of their own, see that their run is gone, and end with their file.
        time.sleep(1)
        return True
    return False


def digests(folder: Path) -> dict[str, str]:
    """Each file of a folder by its path, with its SHA-256."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def torment(place: Path, files: int, kills: int, seed: int) -> tuple[int, int, bool]:
    """How often the run was killed, how many rows are told twice, whether the images are right."""
    pick = random.Random(seed)
    source = place / "in"
    make_inputs(source, files)
    start = time.monotonic()
    subprocess.run(command(source, place / "whole", place / "whole.jsonl"), cwd=ROOT, check=True)
    took = time.monotonic() - start
    run = command(source, place / "out", place / "run.jsonl", "--resume")
    count = 0
    for _ in range(kills):
        count += killed(run, pick.uniform(0.3, max(0.6, 2 * took / kills)))
    subprocess.run(run, cwd=ROOT, check=True)
    rows = [json.loads(line) for line in (place / "run.jsonl").read_text(encoding="ascii").splitlines()]
    written = Counter(row["source"] for row in rows if row.get("status") == "written")
    expected, found = digests(place / "whole"), digests(place / "out")
    return count, sum(times - 1 for times in written.values()), expected == found and len(written) == files


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        kills, twice, equal = torment(Path(place), asked.files, asked.kills, asked.seed)
    words = "every image there and equal" if equal else "images are missing, differ, or are too many"
    print(f"{asked.files} files, killed {kills} times: {words}; {twice} rows told of a second time")
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
