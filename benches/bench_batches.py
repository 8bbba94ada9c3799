"""``python -m benches.bench_batches``: many files to 512 x 512, against what people load them with today.

`fastdcm.load` with two threads, and others in two worker processes of a torch DataLoader (`benches.loaders`),
each in its own process, in alternation; peers that are not installed are absent. Images a second, the median
of the rounds. ``bare decoder`` is the library's decoder, a window and the area filter by bare calls on bytes
in memory, in two threads: what the codec leaves to be gained without a decoder of our own.

2000 CT files and 100 of CR and DX, a few different ones under many names (``--files CT CR`` for others).
Ours load all of them; others, of which some take seconds for ten files, so many as they load in
``--seconds``, of which their cells tell: a rate hardly depends on how many there are. All cases take some
ten minutes where nobody else works; for ratios that are good to some per cent, take a few ``--cases``, and
more seconds and rounds.

Goals: 3 times the best peer for JPEG 2000 and HTJ2K whose sides are twice the target's or more, 2 times for
other JPEG 2000, else 1.2 times, or as fast as the bare decoder, which is the codec's floor.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benches import corpus
from benches.corpus import Case
from benches.loaders import BATCH, LOADERS, PEERS, WORKERS
from benches.measure.children import ROOT, Child

SIZE = 512
SYNTAXES = ("native", "rle", "jpeg-lossless", "jpeg-ls", "jpeg-2000-lossless", "htj2k")
CASES = (*(f"{kind}-{syntax}" for kind in ("ct", "cr") for syntax in SYNTAXES), "dx-native")
#: Greys by which the pictures of a peer may differ on average, before it is said to do something else.
_APART = 2.0
#: Files of a trial, which tells how many there may be; whole batches for each worker.
_TRIAL = BATCH * WORKERS


#: The goal where neither JPEG 2000 nor a smaller size leaves much to be gained.
ELSEWHERE = 1.2
OURS, BARE = ("fastdcm.load", "iter_batches"), "bare decoder"


def goal_of(case: Case) -> float:
    """How many times the best peer's rate ours should be."""
    wavelet = "2000" in case.syntax or case.syntax == "HTJ2K"
    if wavelet and case.megapixels * 1e6 >= (2 * SIZE) ** 2:
        return 3.0
    return 2.0 if "2000" in case.syntax else ELSEWHERE


class Rates(NamedTuple):
    """Of each way: images a second and of how many files; or why there are none. What was different."""

    found: dict[str, float]
    files: dict[str, int]
    failed: dict[str, str]
    apart: dict[str, str]


def files_for(name: str, rate: float, count: int, seconds: float) -> int:
    """How many of the files a way gets: ours all, others so many as they load in that time."""
    if name in OURS:
        return count
    return min(count, max(_TRIAL, round(rate * seconds / _TRIAL) * _TRIAL))


def rates(case: Case, children: dict[str, Child], count: int, rounds: int, seconds: float) -> Rates:
    """What each way loads, in alternation."""
    folder = case.of(count)
    paths = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    times: dict[str, list[float]] = {}
    files: dict[str, int] = {}
    failed: dict[str, str] = {}
    means: dict[str, float] = {}
    for number in range(1 + rounds):
        for name, child in children.items():
            if name in failed or len(times.get(name, ())) == rounds:
                continue
            some = paths[: files.get(name, _TRIAL)]
            answer = child.ask({"case": f"{case.id} {len(some)}", "paths": some, "size": SIZE})
            if "failed" in answer:
                failed[name] = answer["failed"]
                continue
            if not number:
                files[name] = files_for(name, len(some) / answer["seconds"], count, seconds)
            if files[name] == len(some):  # the trial counts where it was of as many
                times.setdefault(name, []).append(answer["seconds"])
                means[name] = answer["mean"]
    ours = means.get(OURS[0])
    apart = {
        name: f"mean grey {mean:.1f}, ours {ours:.1f}"
        for name, mean in means.items()
        if ours is not None and abs(mean - ours) > _APART
    }
    found = {name: files[name] / statistics.median(all_of) for name, all_of in times.items()}
    return Rates(found, files, failed, apart)


def verdict(case: Case, found: dict[str, float]) -> tuple[str, str]:
    """How many times the best peer's rate ours is; and whether that is the goal, or the codec's floor."""
    peers = [found[name] for name in PEERS if name in found]
    if OURS[0] not in found or not peers:
        return "", ""
    ours, goal = found[OURS[0]], goal_of(case)
    ratio = ours / max(peers)
    if ratio >= goal:
        return f"{ratio:.1f}", "yes"
    if goal == ELSEWHERE and BARE in found:
        return f"{ratio:.1f}", f"{ours / found[BARE]:.2f} of the bare decoder"
    return f"{ratio:.1f}", "no"


def row(case: Case, rates: Rates, count: int) -> str:
    """A row of the table."""
    cells = [case.label]
    for name in LOADERS:
        if name in rates.found:
            fewer = f" ({rates.files[name]})" if rates.files[name] < count else ""
            cells.append(f"{rates.found[name]:.0f}{fewer}")
        else:
            cells.append("fails" if name in rates.failed else "absent")
    ratio, met = verdict(case, rates.found)
    return f"| {' | '.join(cells)} | {ratio} | {goal_of(case):.1f} | {met} |"


def measured(
    cases: list[Case], counts: tuple[int, int], rounds: int, seconds: float, names: list[str]
) -> Iterator[str]:
    """The table, row by row; behind it what failed or was different."""
    children, remarks = {}, []
    for name in names:
        child = Child("benches.loaders", name)
        if "ready" in child.hello:
            children[name] = child
        else:
            remarks.append(f"{name}: {child.hello.get('absent') or child.hello}")
    yield (
        f"Images a second, loaded to {SIZE} x {SIZE}, of {counts[0]} CT files and {counts[1]} of CR and DX, "
        f"or of as many as are in brackets: ours by {WORKERS} threads, others in {WORKERS} worker processes."
    )
    yield ""
    yield f"| | {' | '.join(LOADERS)} | times the best of these | goal | met |"
    yield "| --- |" + " --- |" * (len(LOADERS) + 3)
    for case in cases:
        count = counts[case.modality != "CT"]
        found = rates(case, children, count, rounds, seconds)
        remarks += [f"{case.id}: {name}: {why}" for name, why in {**found.failed, **found.apart}.items()]
        yield row(case, found, count)
    for child in children.values():
        child.end()
    yield from ("", *remarks)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, nargs=2, default=(2000, 100), metavar=("CT", "CR"))
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=2.0, help="that others may take in a round, about")
    parser.add_argument("--cases", nargs="+", default=CASES, choices=CASES)
    parser.add_argument("--ways", nargs="+", default=list(LOADERS), choices=list(LOADERS))
    parser.add_argument("--inputs", type=Path, help="a folder of benches.corpus; it is made anew without one")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fastdcm-benches-") as place:
        folder = asked.inputs or Path(place)
        if not (folder / "cases.json").is_file():
            command = [sys.executable, "-W", "ignore", "-m", "benches.corpus", str(folder)]
            command += ["--only", *asked.cases]
            subprocess.run(command, cwd=ROOT, check=True)
        by_id = {case.id: case for case in corpus.load(folder)}
        for line in measured(
            [by_id[name] for name in asked.cases], tuple(asked.files), asked.rounds, asked.seconds, asked.ways
        ):
            print(line, flush=True)


if __name__ == "__main__":
    main()
