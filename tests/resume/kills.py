"""``python -m tests.resume.kills [--files N] [--kills N]``: a run that is killed again and again.

A run over so many files is killed with all of its processes (kill -9) at random moments, and gone on from
with ``--resume`` at once each time. Says whether at the end every image is there and equal to that of a run
that nobody killed, whether an image that had its row in the manifest was written again, and how many
others, under way when the run was killed, were. Ends with 1 where something is wrong.
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
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

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


def killed(arguments: list[str], due: Callable[[], bool]) -> bool:
    """Run it in a process group of its own, and kill all of it when it is due; False where it ended first."""
    process = subprocess.Popen(arguments, cwd=ROOT, start_new_session=True)
    while process.poll() is None:
        if due():
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return True
        time.sleep(0.002)
    return False


def digests(folder: Path) -> dict[str, str]:
    """Each file of a folder by its path, with its SHA-256."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


class Torment(NamedTuple):
    """What came of a run that was killed again and again."""

    kills: int
    #: Images that had a row in the manifest when a run was killed.
    told: int
    #: Of these, those that were written again.
    again: int
    #: Images that were there without a row, and were written again.
    under_way: int
    #: Rows that tell of an image a second time.
    twice: int
    #: Whether all images are there, and those of a run that nobody killed.
    right: bool


def told(manifest: Path) -> Counter[str]:
    """How often the manifest tells that an output is written, by its path; not its torn last line."""
    if not manifest.exists():
        return Counter()
    lines = [line for line in manifest.read_bytes().split(b"\n")[:-1] if line]
    rows = [json.loads(line) for line in lines]
    return Counter(str(manifest.parent / row["output"]) for row in rows if row.get("status") == "written")


def are_there(folder: Path, images: int) -> bool:
    """Whether a folder has so many images, while others write into it."""
    return sum(name.endswith(".jpg") for _, _, names in os.walk(folder) for name in names) >= images


def _stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Which file each path is, and when it was written: another one where it is replaced."""
    stats = {str(path): path.stat() for path in folder.rglob("*.jpg")}
    return {path: (stat.st_ino, stat.st_mtime_ns) for path, stat in stats.items()}


def torment(place: Path, files: int, kills: int, seed: int) -> Torment:
    """Kill the run so often, or as often as it lasts, and let it end."""
    pick = random.Random(seed)
    source = place / "in"
    make_inputs(source, files)
    subprocess.run(command(source, place / "whole", place / "whole.jsonl"), cwd=ROOT, check=True)
    run = command(source, place / "out", place / "run.jsonl", "--resume")
    count, told_ones, others = 0, dict[str, tuple[int, int]](), dict[str, tuple[int, int]]()
    for _ in range(kills):
        due = len(_stamps(place / "out")) + pick.randint(0, files // kills)
        count += killed(run, partial(are_there, place / "out", due))
        rows = told(place / "run.jsonl")
        for path, stamp in _stamps(place / "out").items():
            (told_ones if path in rows else others).setdefault(path, stamp)
    subprocess.run(run, cwd=ROOT, check=True)
    rows, stamps = told(place / "run.jsonl"), _stamps(place / "out")
    return Torment(
        kills=count,
        told=len(told_ones),
        again=sum(stamps.get(path) != stamp for path, stamp in told_ones.items()),
        under_way=sum(stamps.get(path) != stamp for path, stamp in others.items()),
        twice=rows.total() - len(rows),
        right=digests(place / "whole") == digests(place / "out") and len(rows) == files,
    )


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        found = torment(Path(place), asked.files, asked.kills, asked.seed)
    words = "every image there and equal" if found.right else "images are missing, differ, or are too many"
    print(
        f"{asked.files} files, killed {found.kills} times: {words}; of {found.told} with a row {found.again} "
        f"were written again, of those under way {found.under_way}; {found.twice} rows told a second time"
    )
    return 0 if found.right and not found.again and not found.twice else 1


if __name__ == "__main__":
    sys.exit(main())
