"""``python -m tests.scaling.obstacles [--files N]``: targets that take nothing, sources that go away.

Needs root on Linux, to mount small filesystems in memory. Each run meets its obstacle, must end with status
1, say what is wrong, and leave whole images alone; the cause is taken away, and ``--resume`` must finish.
Prints what was said, and ends with 1 where something else came of it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.resume.kills import ROOT, digests, make_inputs


class Ended(NamedTuple):
    """How a run ended."""

    status: int
    lines: list[str]


class Met(NamedTuple):
    """What came of an obstacle: the run that met it, whether all it left was whole, and the run after it."""

    first: Ended
    whole: bool
    images: int
    second: Ended
    equal: bool

    @property
    def right(self) -> bool:
        return self.first.status == 1 and self.whole and self.second.status == 0 and self.equal


def convert(source: Path, output: Path, *more: str) -> Ended:
    """Convert a folder by two workers, with a manifest beside the output."""
    return _run(source, "-o", output, "--manifest", output.with_suffix(".jsonl"), *more)


def _run(source: Path, *arguments: object) -> Ended:
    command = [sys.executable, "-m", "fastdcm", "convert", source, "-j", "2", *arguments]
    done = subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True, check=False)
    return Ended(done.returncode, [*done.stderr.splitlines(), *done.stdout.splitlines()])


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A filesystem in memory there, with these options."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def _met(source: Path, output: Path, expected: dict[str, str], mend: Callable[[], object]) -> Met:
    first = convert(source, output)
    left = digests(output)
    mend()
    second = convert(source, output, "--resume")
    whole = all(expected.get(name) == digest for name, digest in left.items())
    return Met(first, whole, len(left), second, digests(output) == expected)


def full(place: Path, source: Path, expected: dict[str, str]) -> Met:
    """A disk with room for some of the images; then there is more."""
    output = place / "full"
    with mounted(output, "size=1m"):
        return _met(source, output, expected, lambda: _remount(output, "size=100m"))


def read_only(place: Path, source: Path, expected: dict[str, str]) -> Met:
    """A disk that takes nothing, and then does."""
    output = place / "read-only"
    with mounted(output, "size=100m,ro"):
        return _met(source, output, expected, lambda: _remount(output, "rw"))


def gone(place: Path, source: Path, expected: dict[str, str]) -> Met:
    """A source that goes away once the first images are there, and comes back."""
    output, away = place / "gone", place / "away"

    def take_away() -> None:
        while not any(output.rglob("*.jpg")):
            time.sleep(0.002)
        os.rename(source, away)

    thread = threading.Thread(target=take_away)
    thread.start()
    try:
        return _met(source, output, expected, lambda: (thread.join(), os.rename(away, source)))
    finally:
        thread.join()


def told(met: Met) -> Iterator[str]:
    """What was said, with the first failure alone, and what came of it."""
    failures = [line for line in met.first.lines if line.startswith("failed:")]
    yield f"  status {met.first.status}, {met.images} images left, {len(failures)} lines of failures:"
    yield from (f"  | {line}" for line in failures[:1])
    yield from (f"  | {line}" for line in met.first.lines if line not in failures)
    yield f"  gone on: status {met.second.status}, {'equal to' if met.equal else 'UNLIKE'} a run without it:"
    yield from (f"  | {line}" for line in met.second.lines)


def refused(place: Path, source: Path) -> dict[str, Ended]:
    """Runs into what takes nothing, by what it is: there is nothing to go on from."""
    folder = place / "takes-nothing"
    with mounted(folder, "size=1m,ro"):
        return {
            "an archive on a read-only disk": _run(source, "-o", folder / "out.zip"),
            "shards on a read-only disk": _run(source, "-o", folder, "--shards", "%06d.tar"),
            "a manifest on a read-only disk": _run(
                source, "-o", place / "x", "--manifest", folder / "m.jsonl"
            ),
        }


OBSTACLES: dict[str, Callable[[Path, Path, dict[str, str]], Met]] = {
    "a full target": full,
    "a read-only target": read_only,
    "a source that goes away": gone,
}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=1000)
    asked = parser.parse_args()
    right = True
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        make_inputs(place / "in", asked.files)
        convert(place / "in", place / "expected")
        expected = digests(place / "expected")
        for obstacle, meet in OBSTACLES.items():
            met = meet(place, place / "in", expected)
            right &= met.right
            print("\n".join([f"{obstacle}: {'as it should be' if met.right else 'WRONG'}", *told(met)]))
        for obstacle, ended in refused(place, place / "in").items():
            right &= ended.status == 1
            print("\n".join([f"{obstacle}: status {ended.status}", *(f"  | {line}" for line in ended.lines)]))
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
