"""``python -m benches.bench_batches``: many files to 512 x 512, against what people load them with today.

`fastdcm.load` with two threads, and others in two worker processes of a torch DataLoader (`benches.loaders`),
each in its own process, in alternation; peers that are not installed are absent. Images a second, the median
of the rounds. ``bare decoder`` is the library's decoder, a window and the area filter by bare calls on bytes
in memory, in two threads: what the codec leaves to be gained without a decoder of our own.

2000 CT files and 100 of CR and DX, a few different ones under many names (``--files CT CR`` for fewer).
Goals: 3 times the best peer for JPEG 2000 and HTJ2K whose sides are twice the target's or more, 2 times for
other JPEG 2000, else 1.2 times.
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
from typing import Any

from benches import corpus
from benches.corpus import Case
from benches.loaders import LOADERS, PEERS
from benches.measure.children import ROOT, Child

SIZE = 512
SYNTAXES = ("native", "rle", "jpeg-lossless", "jpeg-ls", "jpeg-2000-lossless", "htj2k")
CASES = (*(f"{kind}-{syntax}" for kind in ("ct", "cr") for syntax in SYNTAXES), "dx-native")
#: Greys by which the pictures of a peer may differ on average, before it is said to do something else.
_APART = 2.0


def goal_of(case: Case) -> float:
    """How many times the best peer's rate ours should be."""
    wavelet = "2000" in case.syntax or case.syntax == "HTJ2K"
    if wavelet and case.megapixels * 1e6 >= (2 * SIZE) ** 2:
        return 3.0
    return 2.0 if "2000" in case.syntax else 1.2


def rates(case: Case, children: dict[str, Child], count: int, rounds: int) -> dict[str, Any]:
    """Images a second of each way, in alternation; or why there are none."""
    folder = case.of(count)
    paths = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    job = {"case": f"{case.id} {count}", "paths": paths, "size": SIZE}
    found: dict[str, list[float]] = {}
    failed: dict[str, str] = {}
    means: dict[str, float] = {}
    for _ in range(rounds):
        for name, child in children.items():
            if name in failed:
                continue
            answer = child.ask(job)
            if "failed" in answer:
                failed[name] = answer["failed"]
            else:
                found.setdefault(name, []).append(count / answer["seconds"])
                means[name] = answer["mean"]
    apart = {
        name: f"mean grey {mean:.1f}, ours {means['fastdcm.load']:.1f}"
        for name, mean in means.items()
        if abs(mean - means["fastdcm.load"]) > _APART
    }
    return {name: statistics.median(one) for name, one in found.items()} | failed | {"apart": apart}


def row(case: Case, found: dict[str, Any]) -> str:
    """A row of the table."""
    cells = [case.label]
    for name in LOADERS:
        value = found.get(name, "absent")
        cells.append(
            f"{value:.0f}" if isinstance(value, float) else "absent" if value == "absent" else "fails"
        )
    peers = [found[name] for name in PEERS if isinstance(found.get(name), float)]
    ratio = found["fastdcm.load"] / max(peers) if peers else float("nan")
    return f"| {' | '.join(cells)} | {ratio:.1f} | {goal_of(case):.1f} |"


def measured(cases: list[Case], counts: tuple[int, int], rounds: int, names: list[str]) -> Iterator[str]:
    """The table, row by row; behind it what failed or was different."""
    children, remarks = {}, []
    for name in names:
        child = Child("benches.loaders", name)
        if "ready" in child.hello:
            children[name] = child
        else:
            remarks.append(f"{name}: {child.hello.get('absent') or child.hello}")
    yield f"| images/s | {' | '.join(LOADERS)} | ratio to the best peer | goal |"
    yield "| --- |" + " --- |" * (len(LOADERS) + 2)
    for case in cases:
        found = rates(case, children, counts[case.modality != "CT"], rounds)
        remarks += [f"{case.id}: {name}: {why}" for name, why in found.pop("apart").items()]
        remarks += [f"{case.id}: {name}: {why}" for name, why in found.items() if isinstance(why, str)]
        yield row(case, found)
    for child in children.values():
        child.end()
    yield from ("", *remarks)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, nargs=2, default=(2000, 100), metavar=("CT", "CR"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cases", nargs="+", default=CASES, choices=CASES)
    parser.add_argument("--ways", nargs="+", default=list(LOADERS), choices=list(LOADERS))
    parser.add_argument("--inputs", type=Path, help="a folder of benches.corpus; it is made anew without one")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fastdcm-benches-") as place:
        folder = asked.inputs or Path(place)
        if not (folder / "cases.json").is_file():
            command = [sys.executable, "-W", "ignore", "-m", "benches.corpus", str(folder)]
            subprocess.run(command, cwd=ROOT, check=True)
        by_id = {case.id: case for case in corpus.load(folder)}
        for line in measured(
            [by_id[name] for name in asked.cases], tuple(asked.files), asked.rounds, asked.ways
        ):
            print(line, flush=True)


if __name__ == "__main__":
    main()
