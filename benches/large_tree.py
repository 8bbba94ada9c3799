"""``python -m benches.large_tree [--entries N] [--seconds N] [--jobs N]``: a folder of very many files.

A tree of a million hard links to a CT slice is converted. Prints when the first image is there, and, every
few seconds, how many are and what memory the run's own process and its workers have. Then the run is ended
with Ctrl-C, or, with ``--seconds 0``, waited for.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from benches import corpus

_IN_ONE_FOLDER = 1000
#: Filesystems allow so many names a file, ext4 65 000.
_LINKS = 30_000


def make_tree(place: Path, entries: int) -> Path:
    """A tree of so many names of a CT slice."""
    (case,) = corpus.make(place / "cases", quick=False, only=["ct-native"])
    original = next(Path(case.of(1)).iterdir())
    (place / "copies").mkdir()
    copy = folder = place
    for number in range(entries):
        if number % _LINKS == 0:
            copy = place / "copies" / str(number)
            shutil.copyfile(original, copy)
        if number % _IN_ONE_FOLDER == 0:
            folder = place / "in" / f"{number // _IN_ONE_FOLDER:04}"
            folder.mkdir(parents=True)
        os.link(copy, folder / f"{number:07}.dcm")
    return place / "in"


def memory(process: int) -> float:
    """MiB that a process has of its own."""
    for line in Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"process {process} tells nothing")


def children(process: int) -> list[int]:
    """The processes that it started."""
    threads = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for started in threads for child in started.read_text(encoding="ascii").split()]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--every", type=float, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--size", help="as of fastdcm convert: small images take less room")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        place = Path(name)
        tree, output = make_tree(place, asked.entries), place / "out"
        command = [sys.executable, "-m", "fastdcm", "convert", str(tree), "-o", str(output), "--quiet"]
        command += ["-j", str(asked.jobs), "--manifest", str(place / "run.jsonl")]
        command += ["--size", asked.size] if asked.size else []
        start = time.monotonic()
        # Where a shell has this in its background, Ctrl-C is ignored, and would be there.
        run = subprocess.Popen(command, preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL))
        while not any(output.rglob("*.jpg")):
            time.sleep(0.005)
        print(f"{asked.entries:,} files: the first image is there after {time.monotonic() - start:.2f} s")
        due = start
        while run.poll() is None and (not asked.seconds or time.monotonic() - start < asked.seconds):
            if time.monotonic() >= due:
                due += asked.every
                _tell(run.pid, output, time.monotonic() - start)
            time.sleep(0.05)
        run.send_signal(signal.SIGINT)
        print(f"status {run.wait()}")


def _tell(process: int, output: Path, seconds: float) -> None:
    images = sum(len(names) for _, _, names in os.walk(output))
    workers = ", ".join(f"{memory(child):.1f}" for child in children(process))
    print(
        f"{seconds:5.0f} s: {images:7,} images, {memory(process):.1f} MiB, workers {workers} MiB", flush=True
    )


if __name__ == "__main__":
    main()
