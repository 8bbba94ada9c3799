"""A run of the fuzzer: workers that are fed mutated files, watched, and replaced when one ends them."""

from __future__ import annotations

import json
import queue
import struct
import subprocess
import sys
import tempfile
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conftest import ROOT
from tests.damage.outcomes import table
from tests.fuzz.mutations import Mutant, mutant
from tests.fuzz.seeds import Seed, by_area

#: What a file may take: seconds of processor time, and memory beyond what the worker had.
LIMIT_SECONDS = 2.0
LIMIT_BYTES = 512 << 20
#: A worker that is silent for `LIMIT_SECONDS` on a busy machine gets a second chance, alone and with this.
_PATIENCE = 30.0
_WARM_UP = 300.0


class EndedError(Exception):
    """A worker ended, or was ended after its time."""


class Worker:
    """One child process."""

    def __init__(self) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the worker
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.fuzz.worker"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
        )
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as answers:
            for line in answers:
                self._answers.put(line)
        self._answers.put(b"")

    def ask(self, data: bytes, seconds: float) -> dict[str, Any]:
        """The worker's answer. Raises `EndedError`; then the worker is no more."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(struct.pack("<I", len(data)) + data)
            self._process.stdin.flush()
            line = self._answers.get(timeout=seconds)
        except queue.Empty:
            self.close()
            raise EndedError(f"no answer within {seconds:g} s") from None
        except OSError:  # a broken pipe, by any name
            line = b""
        if not line:
            status, words = self._process.wait(), self._last_words()
            self.close()
            raise EndedError(f"the worker ended with {status}: {words}")
        found: dict[str, Any] = json.loads(line)
        return found

    def _last_words(self) -> str:
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").splitlines()
        fatal = [number for number, line in enumerate(lines) if line.startswith("Fatal")]
        return " / ".join(lines[fatal[-1] :][:6] if fatal else lines[-3:])

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()
        self._listener.join()
        self._said.close()


@dataclass
class Report:
    """What a run found."""

    inputs: Counter[str] = field(default_factory=Counter)
    #: Area -> outcomes of its inputs: the worst of each, by the names of `exercise`.
    outcomes: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    #: Area -> how many of its inputs got to which decoder.
    reached: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    #: (what, the input)
    findings: list[tuple[str, Mutant]] = field(default_factory=list)
    peak: int = 0
    most: int = 0
    slowest: float = 0.0

    def add(self, found: Mutant, answer: dict[str, Any]) -> None:
        """Count one input."""
        self.inputs[found.area] += 1
        outcomes = [name for name in answer["outcomes"] if name not in ("read", "notice")]
        read = "notice" if "notice" in answer["outcomes"] else "read"
        self.outcomes[found.area][outcomes[0] if outcomes else read] += 1
        self.reached[found.area].update(answer["reached"])
        self.peak, self.most = max(self.peak, answer["peak"]), max(self.most, answer["more"])
        self.slowest = max(self.slowest, answer["seconds"])
        if answer["finding"]:
            self.findings.append((answer["finding"], found))
        if answer["seconds"] > LIMIT_SECONDS:
            self.findings.append((f"{answer['seconds']:.1f} s of processor time", found))
        if answer["more"] > LIMIT_BYTES:
            self.findings.append((f"{answer['more'] >> 20} MiB of memory", found))

    def lines(self) -> Iterator[str]:
        """Tables of areas and of decoders, and the findings."""
        rows = []
        for area, count in self.inputs.items():
            outcomes = self.outcomes[area]
            errors = count - outcomes["read"] - outcomes["notice"]
            kinds = ", ".join(
                f"{number} {name.removesuffix('Error')}"
                for name, number in outcomes.most_common()
                if name not in ("read", "notice")
            )
            decoders = ", ".join(f"{number} {name}" for name, number in self.reached[area].most_common(3))
            rows.append(
                [
                    area,
                    str(count),
                    str(outcomes["read"]),
                    str(outcomes["notice"]),
                    str(errors),
                    decoders,
                    kinds,
                ]
            )
        yield table(["area", "inputs", "read", "notice", "error", "reached", "errors"], rows)
        decoders_reached: Counter[str] = sum(self.reached.values(), Counter())
        yield "inputs that reached a decoder: " + ", ".join(
            f"{name} {number}" for name, number in decoders_reached.most_common()
        )
        yield (
            f"{self.inputs.total()} inputs; most processor time {self.slowest:.2f} s, most memory "
            f"{self.most >> 20} MiB more than before, {self.peak >> 20} MiB in all; "
            f"{len(self.findings)} findings"
        )
        for what, found in self.findings:
            yield f"  {found.number}: {found.area}, {found.seed}: {what}"


def run(seed: int, count: int, found: tuple[Seed, ...], *, first: int = 0, jobs: int = 1) -> Report:
    """Inputs ``first`` to ``first + count`` of a seed through ``jobs`` workers."""
    areas = by_area(found)
    report, lock = Report(), threading.Lock()
    numbers = iter(range(first, first + count))

    def feed() -> None:
        worker = _warm(areas)
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                worker.close()
                return
            made = mutant(seed, number, areas)
            try:
                answer = worker.ask(made.data, LIMIT_SECONDS)
            except EndedError as error:
                worker = _warm(areas)
                answer, worker = _again(made, worker, areas, error)
            with lock:
                report.add(made, answer)

    with ThreadPoolExecutor(jobs) as feeders:
        for feeder in [feeders.submit(feed) for _ in range(jobs)]:
            feeder.result()
    return report


def _again(
    made: Mutant, worker: Worker, areas: dict[str, list[Seed]], first: EndedError
) -> tuple[dict[str, Any], Worker]:
    """A file that ended a worker, once more in a new one; a crash that does not come again counts, too."""
    try:
        answer = worker.ask(made.data, _PATIENCE)
    except EndedError as error:
        worker = _warm(areas)
        answer = {"outcomes": ["ended"], "reached": [], "seconds": 0.0, "more": 0, "peak": 0}
        return answer | {"finding": str(error)}, worker
    if "ended with" in str(first):
        answer["finding"] = answer["finding"] or f"{first}; not a second time"
    return answer, worker


def _warm(areas: dict[str, list[Seed]]) -> Worker:
    """A worker that has decoded a file of every area: all is imported and compiled."""
    worker = Worker()
    for found in areas.values():
        for each in (found[0], found[-1]):
            answer = worker.ask(each.data, _WARM_UP)
            assert not answer["finding"], f"{each.name}: {answer['finding']}"
    return worker


def save(report: Report, folder: Path) -> None:
    """The files that were findings."""
    folder.mkdir(parents=True, exist_ok=True)
    for _, found in report.findings:
        (folder / f"{found.number}.dcm").write_bytes(found.data)
