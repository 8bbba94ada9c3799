"""How throughput grows with workers, beside that of the bare encoder with as many processes, in alternation.

Ours is `fastdcm.convert` with ``jobs``, from the call to its return: the start of workers and the looking for
files are in it. The bare encoder's processes have their pixels in memory and start together.
"""

from __future__ import annotations

import statistics
from pathlib import Path
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
    ours: dict[int, list[dict[str, float]]] = {jobs: [] for jobs in job_counts()}
    bare: dict[int, list[float]] = {jobs: [] for jobs in job_counts()}
    encoders = [Child("benches.measure.encoder", case.folder) for _ in range(max(ours))]
    for _ in range(rounds):
        for jobs in ours:
            with empty_folder(folder) as target:
                ours[jobs].append(run_module("benches.measure.conversion", source, target, str(jobs)))
            for encoder in encoders[:jobs]:
                encoder.tell({"images": count // jobs})
            bare[jobs].append(max(encoder.wait()["seconds"] for encoder in encoders[:jobs]))
    for encoder in encoders:
        encoder.end()
    points = [_point(jobs, ours, bare) for jobs in ours]
    return {"case": case.id, "files": count, "points": points}


def _point(
    jobs: int, ours: dict[int, list[dict[str, float]]], bare: dict[int, list[float]]
) -> dict[str, Any]:
    """Seconds, and by how much faster than one job: the median over rounds of each round's own ratio."""
    pairs = zip(ours[1], ours[jobs], bare[1], bare[jobs], strict=True)
    ratios = [
        {"ours": one["seconds"] / many["seconds"], "bare": alone / together}
        for one, many, alone, together in pairs
    ]
    relative = sorted(ratio["ours"] / ratio["bare"] for ratio in ratios)
    return {
        "jobs": jobs,
        "seconds": statistics.median(run["seconds"] for run in ours[jobs]),
        "bare seconds": statistics.median(bare[jobs]),
        "speed-up": statistics.median(ratio["ours"] for ratio in ratios),
        "bare speed-up": statistics.median(ratio["bare"] for ratio in ratios),
        "relative": {"median": statistics.median(relative), "least": relative[0], "most": relative[-1]},
        "waited": statistics.median(run["waited"] for run in ours[jobs]),
        "parent share": statistics.median(run["parent"] / run["seconds"] for run in ours[jobs]),
    }
