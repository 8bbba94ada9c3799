"""How fast everybody is with a case: in alternation, each in its own process, each on one core or all on all.

Peers get as many files as they need for a run of a fair length, up to the case's most: a program that starts
once for all files gets more, so that its start counts as little as it does in real use.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benches import peers
from benches.corpus import Case
from benches.measure.children import Child, cores, empty_folder, pinned, run_module

#: Ours, with which the others of a kind are compared; a server runs already, as a library does.
OURS = {"library": "fastdcm_worker", "server": "fastdcm_worker", "command": "fastdcm_command"}


@dataclass
class Settings:
    """How long, how often, who.

    ``seconds`` is what a run of a peer should last at least. That of a program that starts once for all files
    should last ``command_seconds``, and so many times what it takes for one file. ``rounds`` are of all
    peers; the first of ``names`` is ours, whose picture the others' are compared with.
    """

    seconds: float
    command_seconds: float
    starts: float
    rounds: int
    folder: Path
    names: tuple[str, ...] = peers.NAMES


@dataclass
class Runner:
    """A peer at work on a case, and what it took so far."""

    name: str
    children: list[Child]
    count: int = 1
    seconds: list[float] = field(default_factory=list)
    deviation: dict[str, Any] = field(default_factory=dict)
    failed: str = ""

    @property
    def kind(self) -> str:
        return str(self.children[0].hello.get("kind", "library"))

    def run(self, case: Case, count: int, format: str, folder: Path) -> float | None:
        """Convert ``count`` files with all children at once; the seconds of the slowest."""
        share = max(1, count // len(self.children))
        source = case.of(share)
        with empty_folder(folder) as target:
            for number, child in enumerate(self.children):
                place = Path(target, str(number))
                place.mkdir()
                child.tell({"source": source, "target": str(place), "format": format})
            answers = [child.wait() for child in self.children]
        self.failed = next((answer["failed"] for answer in answers if "failed" in answer), self.failed)
        return None if self.failed else max(answer["seconds"] for answer in answers) / (share * len(answers))


def find_peers() -> list[dict[str, Any]]:
    """Every peer: its label, and its version or how to get it."""
    found = []
    for name in peers.NAMES:
        child = Child("benches.peers", name)
        found.append({"name": name, **child.hello})
        child.end()
    return found


def compare_speed(case: Case, format: str, settings: Settings, *, together: bool = False) -> dict[str, Any]:
    """All peers with one case; with ``together`` on all cores, a process on each."""
    where = cores() if together else cores()[:1]
    runners = []
    for name in settings.names:
        # Ours has its own workers; the others get a process on each core, as somebody with xargs would do it.
        one = together and name == OURS["command"]
        options = [()] if one else [pinned(core) for core in where]
        runner = Runner(name, [Child("benches.peers", name, *option) for option in options])
        if "version" in runner.children[0].hello:
            runners.append(runner)
        else:
            _end(runner)
    _check(case, format, settings, runners)
    for runner in _able(runners):
        _find_count(runner, case, format, settings)
    encoder = None if together or format != "jpeg" else _Encoder(case, where[0], settings.seconds)
    for _ in range(settings.rounds):
        for runner in _able(runners):
            seconds = runner.run(case, runner.count, format, settings.folder)
            if seconds is not None:
                runner.seconds.append(seconds / case.frames_a_file)
        if encoder is not None:
            encoder.run()
    return {
        "encoder": encoder.end() if encoder else [],
        "case": case.id,
        "format": format,
        "together": together,
        "cores": len(where),
        "peers": [_result(runner) for runner in runners],
    }


class _Encoder:
    """The bare encoder, which has its images in memory and takes its turn: nobody who uses it is faster."""

    def __init__(self, case: Case, core: int, seconds: float) -> None:
        self._child = Child("benches.measure.encoder", case.folder, str(core))
        self._images = 1
        self._seconds: list[float] = []
        while self.run() * self._images < seconds:
            self._images *= 2
        self._seconds.clear()

    def run(self) -> float:
        """Seconds an image."""
        answer = self._child.ask({"images": self._images})
        self._seconds.append(answer["seconds"] / self._images)
        return self._seconds[-1]

    def end(self) -> list[float]:
        """The seconds of all turns."""
        self._child.end()
        return self._seconds


def _able(runners: list[Runner]) -> Iterator[Runner]:
    return (runner for runner in runners if not runner.failed)


def _check(case: Case, format: str, settings: Settings, runners: list[Runner]) -> None:
    """One file each first: whose picture differs from ours, or is not there."""
    with empty_folder(settings.folder) as target:
        for runner in runners:
            place = Path(target, runner.name)
            place.mkdir()
            answer = runner.children[0].ask({"source": case.of(1), "target": str(place), "format": format})
            runner.failed = answer.get("failed", "")
            for child in runner.children[1:]:  # everybody's first job is the slowest
                with empty_folder(settings.folder) as other:
                    child.ask({"source": case.of(1), "target": other, "format": format})
        ours = settings.names[0]
        found = run_module("benches.measure.deviations", target, ours)
    for runner in _able(runners):
        runner.deviation = found.get(runner.name, {})
        images, expected = runner.deviation.get("images", 0), found[ours]["images"]
        if images < expected:
            runner.failed = f"{images} of {expected} frames were written"


def _find_count(runner: Runner, case: Case, format: str, settings: Settings) -> None:
    """Double the files until a run is long enough, and the start of a program little of it."""
    starts_once = runner.kind == "command" and runner.name != "dcmj2pnm"
    least = settings.command_seconds if starts_once else settings.seconds
    while True:
        seconds = runner.run(case, runner.count, format, settings.folder)
        if seconds is None:
            return
        if starts_once and runner.count == 1:
            least = max(least, settings.starts * seconds)
        if seconds * runner.count >= least or runner.count >= case.most:
            return
        runner.count = min(case.most, runner.count * 2)


def _end(runner: Runner) -> int | None:
    peaks = [child.end() for child in runner.children]
    return max((peak for peak in peaks if peak is not None), default=None)


def _result(runner: Runner) -> dict[str, Any]:
    """Seconds an image of each round, the files of a round, how the picture differs, the most memory."""
    hello = runner.children[0].hello
    return {
        "name": runner.name,
        "label": hello["label"],
        "kind": runner.kind,
        "files": runner.count,
        "seconds": runner.seconds,
        "deviation": runner.deviation,
        "failed": runner.failed,
        "peak": _end(runner),
    }
