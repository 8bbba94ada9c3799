"""How throughput grows with workers, beside that of the bare encoder with as many processes, in alternation.

Ours is `fastdcm.convert` with ``jobs``, from the call to its return: the start of workers and the looking for
files are in it. The bare encoder's processes have their pixels in memory and start together.

What two processes get of a shared machine may change from one second to the next. So half of the bare
encoder's images come before each run of ours and half behind it, and every other round goes from many jobs to
few.

A run of one file a job is what starting takes. Without that a run should scale as the encoder does; with it,
the shorter it is the less.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

from benches.corpus import Case
from benches.measure.children import Child, cores, empty_folder, run_module


def job_counts() -> list[int]:
    """1, 2, 4, ... up to the cores at hand."""
    most = len(cores())
    counts = [1]
    while counts[-1] * 2 < most:
        counts.append(counts[-1] * 2)
    return counts if most == 1 else [*counts, most]


def measure(case: Case, count: int, rounds: int, folder: Path) -> dict[str, Any]:
    """Seconds for ``count`` images at each number of jobs, ours and the bare encoder's."""
    source = case.of(count)
    counts = job_counts()
    taken: dict[int, list[dict[str, float]]] = {jobs: [] for jobs in counts}
    encoders = [Child("benches.measure.encoder", case.folder) for _ in range(max(counts))]
    for number in range(rounds):
        for jobs in counts[:: -1 if number % 2 else 1]:
            before = _encode(encoders[:jobs], count // 2)
            run = _convert(source, jobs, folder)
            behind = _encode(encoders[:jobs], count - count // 2)
            start = _convert(case.of(jobs), jobs, folder)["seconds"]
            taken[jobs].append({**run, "bare": before + behind, "start": start})
    for encoder in encoders:
        encoder.end()
    return {"case": case.id, "files": count, "points": [_point(jobs, taken) for jobs in counts]}


def _convert(source: str, jobs: int, folder: Path) -> dict[str, float]:
    with empty_folder(folder) as target:
        found: dict[str, float] = run_module("benches.measure.conversion", source, target, str(jobs))
    return found


def _encode(encoders: list[Child], images: int) -> float:
    """The seconds of the last of them, each with its share of the images."""
    for number, encoder in enumerate(encoders):
        encoder.tell({"images": (images + number) // len(encoders)})
    return float(max(encoder.wait()["seconds"] for encoder in encoders))


def _point(jobs: int, taken: dict[int, list[dict[str, float]]]) -> dict[str, Any]:
    """Seconds, and by how much faster than one job: the median over rounds of each round's own ratio."""
    rounds = list(zip(taken[1], taken[jobs], strict=True))
    ours = [one["seconds"] / many["seconds"] for one, many in rounds]
    bare = [one["bare"] / many["bare"] for one, many in rounds]
    started = [(one["seconds"] - one["start"]) / (many["seconds"] - many["start"]) for one, many in rounds]
    return {
        "jobs": jobs,
        "seconds": median(run["seconds"] for run in taken[jobs]),
        "bare seconds": median(run["bare"] for run in taken[jobs]),
        "start": median(run["start"] for run in taken[jobs]),
        "speed-up": median(ours),
        "bare speed-up": median(bare),
        "relative": _spread(ours, bare),
        "once started": _spread(started, bare),
        "waited": median(run["waited"] for run in taken[jobs]),
        "parent share": median(run["parent"] / run["seconds"] for run in taken[jobs]),
    }


def _spread(ours: list[float], bare: list[float]) -> dict[str, float]:
    """Of each round the share that our speed-up is of the bare encoder's."""
    shares = sorted(one / other for one, other in zip(ours, bare, strict=True))
    return {"median": median(shares), "least": shares[0], "most": shares[-1]}
