"""``python -m benches FOLDER [--quick] [--data DIR]``: measure everything, and write the report.

FOLDER gets results.json, report.md and index.html. ``--write-reference`` makes the ratios of this run
those that later ones are compared with (reference.json).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benches import corpus, peers
from benches.corpus import Case
from benches.measure import guard, machine, memory, scaling, speed, startup
from benches.measure.children import ROOT, run_module
from tests.conftest import CORPUS, PYDICOM_FILES

#: Benches that take seconds each, what compiles among them, are none of a quick run.
_NOT_SLOW = " and ".join(
    f"not {name}"
    for name in (
        "start",
        "bench_stored",
        "bench_jpeg2000",
        "bench_jpegls",
        "bench_jpeg_baseline",
        "bench_jpeg_lossless",
        "bench_import",
        "bench_code_blocks",
    )
)
#: Of which small images are made, by `benches.measure.small`.
SMALL_CASES = ("cr-jpeg-2000-lossless", "cr-htj2k", "sc-jpeg-baseline")
#: Who is asked about every case of a quick run; the others see one of them.
_FEW = ("fastdcm_worker", "dicomsdl_opencv", "pydicom_pillow")


def temporary_place() -> str | None:
    """A folder in memory, where the system has one that is large enough; None is the usual place."""
    shared = Path("/dev/shm")
    if shared.is_dir() and os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > 2 << 30:
        return str(shared)
    return None


class Session:
    """One run: what was asked for, where the inputs are, what was found so far."""

    def __init__(self, folder: Path, *, quick: bool, data: Path | None) -> None:
        self.start = time.monotonic()
        self.quick, self.folder, self.data = quick, folder, data
        arguments = [str(folder), *(["--quick"] if quick else []), *(["--data", str(data)] if data else [])]
        self.say("inputs")
        subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "benches.corpus", *arguments], cwd=ROOT, check=True
        )
        self.cases = corpus.load(folder)
        if not self.cases:
            sys.exit(f"no DICOM image was found in {data}")
        self.settings = (
            speed.Settings(0.03, 0.3, 1, 5, folder) if quick else speed.Settings(0.1, 0.6, 3, 5, folder)
        )

    def say(self, words: str) -> None:
        """Tell what comes next."""
        print(f"{time.monotonic() - self.start:6.1f} s  {words}", file=sys.stderr, flush=True)

    def case(self, *wanted: str) -> Case:
        """The first of these cases that there is, or the first of all."""
        by_id = {case.id: case for case in self.cases}
        return next((by_id[name] for name in wanted if name in by_id), self.cases[0])

    def speeds(self) -> list[dict[str, Any]]:
        """Every case on one core; a few as PNG, and a few on all cores."""
        first, large = self.case("ct-native"), self.case("dx-native")
        found = [self._speed(case, "jpeg", self._names(case, first)) for case in self.cases]
        if not self.quick:
            found += [self._speed(case, "png", peers.NAMES) for case in (first, large)]
        if hasattr(os, "sched_setaffinity"):
            names = tuple(name for name in peers.NAMES if name != "fastdcm_worker")
            for case in [first] if self.quick else dict.fromkeys([first, large]):
                some = ("fastdcm_command", *_FEW[1:]) if self.quick else names
                found.append(self._speed(case, "jpeg", some, together=True))
        return found

    def _names(self, case: Case, first: Case) -> tuple[str, ...]:
        return peers.NAMES if case == first or not self.quick else _FEW

    def _speed(
        self, case: Case, format: str, names: tuple[str, ...], *, together: bool = False
    ) -> dict[str, Any]:
        self.say(f"speed: {case.label}, {format}{', all cores' if together else ''}")
        self.settings.names = names
        if not self.quick:
            # Where a goal compares programs, runs are longer and more: the machine's own ups and downs are
            # larger than what is looked for, and a Java machine compiles for seconds.
            compared = case.id in ("ct-native", "dx-native") and format == "jpeg" and not together
            self.settings.starts, self.settings.seconds = (10, 0.3) if compared else (3, 0.1)
            self.settings.rounds = 9 if compared else 5
        return speed.compare_speed(case, format, self.settings, together=together)

    def stages(self) -> list[dict[str, Any]]:
        """The stages of a worker, for every case."""
        found = []
        for case in self.cases:
            self.say(f"stages: {case.label}")
            seconds = "0.5" if self.quick else "3"
            found.append(run_module("benches.measure.stages", str(self.folder), case.id, seconds))
        return found

    def decodings(self) -> Any:
        """Our own decoders beside the libraries', over real files; the user's are cases already."""
        self.say("decoders")
        more = [] if self.data or self.quick else [PYDICOM_FILES, CORPUS / "files"]
        seconds = "0.1" if self.quick else "1"
        folders = [str(folder) for folder in more if folder.is_dir()]
        return run_module("benches.measure.decoding", str(self.folder), seconds, *folders)

    def smalls(self) -> list[dict[str, Any]]:
        """Small images of large ones, where their decoder does the halvings."""
        found = []
        for case in (case for case in self.cases if case.id in SMALL_CASES):
            self.say(f"small images: {case.label}")
            found.append(run_module("benches.measure.small", str(self.folder), case.id, "3"))
        return found

    def scalings(self) -> list[dict[str, Any]]:
        """More and more workers."""
        small, large = self.case("ct-native"), self.case("dx-native")
        # The start of workers is a tenth of 5000 files' time, of 20 000's it is little.
        runs = [(small, 300, 3)] if self.quick else [(small, 5000, 9), (small, 20_000, 5), (large, 100, 9)]
        found = []
        for case, count, rounds in runs:
            self.say(f"scaling: {case.label}, {count} files")
            found.append(scaling.measure(case, count, rounds, self.folder))
        return found

    def memories(self) -> dict[str, Any]:
        """More and more files, more and more frames."""
        counts, frames = ([500, 2000], 1000) if self.quick else ([500, 2000, 10_000], 10_000)
        self.say(f"memory: up to {counts[-1]} files, {frames} frames")
        return {
            "files": memory.of_files(self.case("ct-native"), counts, self.folder),
            "frames": memory.of_frames(frames, self.folder),
        }

    def starts(self) -> list[dict[str, Any]]:
        """One file, from process start to exit."""
        self.say("start-up")
        return startup.measure(self.case("ct-native"), 5 if self.quick else 15, self.folder)

    def readings(self) -> Any:
        """Bytes read for one frame of many."""
        self.say("bytes read")
        return run_module("benches.measure.frames", str(self.folder))

    def parts(self) -> list[dict[str, Any]]:
        """The benches of parts."""
        self.say("benches of the parts")
        return benches(self.folder, quick=self.quick)


def benches(folder: Path, *, quick: bool) -> list[dict[str, Any]]:
    """The benches of parts, by pytest-benchmark: group, name, median and least seconds."""
    file = folder / "benchmarks.json"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "benches",
        "--benchmark-only",
        f"--benchmark-json={file}",
    ]
    if quick:
        command += [
            "--benchmark-min-rounds=3",
            "--benchmark-max-time=0.02",
            "-k",
            _NOT_SLOW,
        ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        print("\n".join(done.stdout.splitlines()[-12:]), file=sys.stderr)
    if not file.is_file():
        return []
    found = json.loads(file.read_text(encoding="utf-8"))["benchmarks"]
    return [
        {
            "group": bench["group"],
            "name": bench["name"],
            "median": bench["stats"]["median"],
            "least": bench["stats"]["min"],
            "rounds": bench["stats"]["rounds"],
            "notes": bench["extra_info"],
        }
        for bench in found
    ]


def measure(place: Path, *, quick: bool, data: Path | None) -> Iterator[dict[str, Any]]:
    """All figures of a run: after each part, those that there are by then."""
    os.environ["BENCHES_FOLDER"] = str(place)
    session = Session(place, quick=quick, data=data)
    results: dict[str, Any] = {
        "quick": quick,
        "data": str(data) if data else None,
        "machine": machine.describe(place),
        "cases": [asdict(case) for case in session.cases],
        "peers": speed.find_peers(),
    }
    parts: dict[str, Callable[[], Any]] = {
        "stages": session.stages,
        "guard": lambda: guard.compare(results["stages"], guard.load()),
        "decoding": session.decodings,
        "small": session.smalls,
        "startup": session.starts,
        "scaling": session.scalings,
        "reading": session.readings,
        "speed": session.speeds,
        # Behind the peers, to whose peaks the memory of this process counts as it is when they start.
        "memory": session.memories,
        "benches": session.parts,
    }
    for name, part in parts.items():
        results[name] = part()
        results["load at the end"] = machine.load()
        results["seconds"] = time.monotonic() - session.start
        yield results


def keep(parts: Iterator[dict[str, Any]], file: Path) -> dict[str, Any]:
    """The last of these results; all are written as they come, and Ctrl-C ends it with what is there."""
    results: dict[str, Any] = {}
    try:
        for results in parts:
            file.write_text(json.dumps(results, indent=1), encoding="utf-8")
    except KeyboardInterrupt:
        if not results:
            raise
        print("ended early: the report is of what was measured until now", file=sys.stderr)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure fastdcm and its peers, and write the report.")
    parser.add_argument("folder", type=Path, help="gets results.json, report.md, index.html")
    parser.add_argument("--quick", action="store_true", help="under 90 seconds, rougher")
    parser.add_argument("--data", type=Path, help="your own DICOM files instead of the usual inputs")
    parser.add_argument("--write-reference", action="store_true", help="make this run the reference")
    asked = parser.parse_args()
    asked.folder = asked.folder.absolute()
    asked.data = asked.data and asked.data.absolute()
    asked.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fastdcm-benches-", dir=temporary_place()) as place:
        parts = measure(Path(place), quick=asked.quick, data=asked.data)
        results = keep(parts, asked.folder / "results.json")
    if asked.write_reference:
        guard.write(results["stages"])
    subprocess.run([sys.executable, "-m", "benches.report", str(asked.folder)], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
