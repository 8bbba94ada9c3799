"""The command of programs that try numbered streams, each made of a seed and its number."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence

#: Of a seed, the numbers of streams, and how many of these are also damaged: what came of them, how often,
#: and what is wrong with which of them.
Run = Callable[[int, range, int], tuple[Counter[str], Sequence[tuple[int, str]]]]


def main(run: Run, name: str, description: str | None, *, streams: int, damage: str, damaged: int) -> int:
    """Run, print what was found; the exit status. ``damage`` is the option that says how many are damaged."""
    parser = argparse.ArgumentParser(prog=f"python -m tests.fuzz.{name}", description=description)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--streams", type=int, default=streams)
    parser.add_argument(damage, type=int, default=damaged, dest="damaged")
    parser.add_argument("--first", type=int, default=0, help="number of the first stream, to repeat one")
    chosen = parser.parse_args()
    start = time.monotonic()
    numbers = range(chosen.first, chosen.first + chosen.streams)
    found, wrong = run(chosen.seed, numbers, chosen.damaged)
    lines = [f"{what:<50} {count}" for what, count in sorted(found.items())]
    lines += [f"  {number}: {what}" for number, what in wrong]
    took = time.monotonic() - start
    lines.append(f"seed {chosen.seed}, from {chosen.first} on: {took:.0f} s, {len(wrong)} findings")
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if wrong else 0
