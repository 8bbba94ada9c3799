"""``python -m tests.fuzz --seed 1 --count 20000``: mutated files through everything that reads one.

Exits with 1 where one ends or holds up a worker, takes too much memory, or raises what is no error of
fastdcm's; those files are written to a folder.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.campaign import run, save
from tests.fuzz.seeds import seeds


def main() -> int:
    """Run, print the report; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first input, to repeat one")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir(), "fastdcm-fuzz"))
    chosen = parser.parse_args()
    start = time.monotonic()
    found = seeds()
    report = run(chosen.seed, chosen.count, found, first=chosen.first, jobs=chosen.jobs)
    for line in report.lines():
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(f"seed {chosen.seed}, {len(found)} files, {time.monotonic() - start:.0f} s\n")
    if report.findings:
        save(report, chosen.out)
        sys.stdout.write(f"written to {chosen.out}\n")
    return int(bool(report.findings))


if __name__ == "__main__":
    sys.exit(main())
