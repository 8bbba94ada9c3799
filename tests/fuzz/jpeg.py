"""``python -m tests.fuzz.jpeg --seed 1 --count 10000``: cuts of baseline, extended and progressive JPEG.

Each process gets as many cuts: in a scan of a random stream, with an end marker behind, without one, or with
what follows the scan behind it. All must be errors, and none may be whole for who asks for what is there.
What kernels of the quick walk read and write ends at pages that nobody may touch; of every tenth cut, the
exact walk is interpreted besides, where Python looks at indices, and has to find the same. Exits with 1 where
a cut is not detected, or takes more than 2 s; a number, with the seed, makes it again.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import ImageFile

from fastdcm.codestream import jpeg, jpeg_entropy, jpeg_quick
from fastdcm.codestream.jpeg import JpegHeader
from fastdcm.errors import CodestreamError
from tests.fuzz import guarded
from tests.payoffs import Fixed
from tests.unit.codestream.streams import pillow

Array = NDArray[Any]

PROCESSES = ("baseline", "extended", "progressive")
LIMIT_SECONDS = 2.0
#: Streams of a process; each gets cuts in turn.
_STREAMS = 200


class _NumPy(guarded._NumPy):
    """NumPy, whose arrays of bytes and of room end at a guarded page."""

    @staticmethod
    def frombuffer(data: bytes, dtype: Any) -> Array:
        """A copy that may not be written to."""
        found = guarded.copied(np.frombuffer(data, dtype)) if data else np.frombuffer(data, dtype)
        found.flags.writeable = False
        return found


@contextmanager
def guarded_pages() -> Iterator[None]:
    """Within this, the quick walk works in guarded memory, tables included."""
    payoff = jpeg_entropy._PAYOFF
    jpeg_quick.__dict__["np"] = _NumPy()
    jpeg_entropy._PAYOFF = Fixed(True)
    caches = jpeg_quick._lane_tables, jpeg_quick._band_table
    for cache in caches:
        cache.cache_clear()
    try:
        yield
    finally:
        jpeg_quick.__dict__["np"] = np
        jpeg_entropy._PAYOFF = payoff
        for cache in caches:
            cache.cache_clear()


@contextmanager
def _room_for_pillow() -> Iterator[None]:
    """Within this, Pillow has room for small images of much noise, which it has too little for."""
    ImageFile.MAXBLOCK, block = 1 << 22, ImageFile.MAXBLOCK
    try:
        yield
    finally:
        ImageFile.MAXBLOCK = block


def content(chance: random.Random, *, colour: bool, top: int) -> Array:
    """Waves with noise, or little of anything; mostly small, some for many lanes."""
    most = chance.choice([8, 40, 40, 120, 120, 250, 700])
    rows, columns = chance.randint(1, most), chance.randint(1, most)
    y, x = np.mgrid[:rows, :columns]
    random_numbers = np.random.default_rng(chance.randrange(1 << 30))
    waves = np.sin(x / chance.uniform(2, 40)) + np.cos(y / chance.uniform(2, 40))
    noise = random_numbers.normal(0, chance.choice([0.0, 0.02, 0.1, 0.5]), (rows, columns))
    gray = np.clip((waves * chance.choice([0.0, 0.2, 0.25]) + noise + 0.5) * top, 0, top)
    samples = gray.astype(np.uint8 if top < 256 else np.uint16)
    return np.stack([samples, samples[::-1], samples[:, ::-1]], -1) if colour else samples


@lru_cache(maxsize=_STREAMS)
def stream_of(process: str, seed: int, number: int) -> tuple[bytes, JpegHeader]:
    """A whole stream."""
    chance = random.Random(f"{process} {seed} {number}")
    colour, quality = chance.random() < 0.5, chance.choice([30, 75, 90, 97, 100])
    if process == "extended":
        array = content(chance, colour=False, top=4095)
        options = {"optimize": chance.random() < 0.5}
        stream = bytes(imagecodecs.jpeg8_encode(array, quality, bitspersample=12, **options))
    else:
        options = {"quality": quality, "optimize": chance.random() < 0.5}
        if colour:
            options["subsampling"] = chance.randrange(3)
        options |= chance.choice([{}, {}, {"restart_marker_rows": 1}, {"restart_marker_blocks": 3}])
        array = content(chance, colour=colour, top=255)
        with _room_for_pillow():
            stream = pillow(array, progressive=process == "progressive", **options)
    header = jpeg.parse(stream)
    assert header.process == process
    assert jpeg_entropy.coverage(stream, header).rows == header.rows
    return stream, header


def cut(stream: bytes, header: JpegHeader, chance: random.Random) -> tuple[str, bytes]:
    """A stream that lacks the rest of a scan, and what kind of cut it is."""
    scan = chance.choice(header.scans)
    # Cuts near the end are those which are hard to see.
    length = scan.end - scan.start
    place = scan.end - min(length, chance.choice([1, chance.randint(1, 8), chance.randint(1, length)]))
    kind = chance.choice(["no end marker", "end marker", "the rest behind"])
    behind = {"no end marker": b"", "end marker": b"\xff\xd9", "the rest behind": stream[scan.end :]}
    return kind, stream[:place] + behind[kind]


def outcome_of(changed: bytes, *, interpreted: bool) -> str:
    """How a cut is detected, or what is wrong."""
    start = time.thread_time()
    there = _rows(changed)
    try:
        jpeg_entropy.coverage(changed, jpeg.parse(changed))
        error = ""
    except CodestreamError as raised:
        error = raised.message
    if time.thread_time() - start > LIMIT_SECONDS:
        return f"FINDING: {time.thread_time() - start:.1f} s"
    if not error:
        return "FINDING: called whole"
    if there == "all":
        return "FINDING: all rows are said to be there"
    if interpreted:
        jpeg_entropy._PAYOFF, payoff = Fixed(False), jpeg_entropy._PAYOFF
        try:
            again = _rows(changed)
        finally:
            jpeg_entropy._PAYOFF = payoff
        if again != there:
            return f"FINDING: {there} rows, interpreted {again}"
    return error.partition(":")[0]


def _rows(changed: bytes) -> str:
    """What is there, as it is said to who wants that."""
    try:
        header = jpeg.parse(changed, partial=True)
        covered = jpeg_entropy.coverage(changed, header, partial=True)
    except CodestreamError as error:
        return error.message
    is_all = covered.rows == header.rows and covered.detailed and header.complete
    return "all" if is_all else f"{covered.rows} {covered.detailed}"


def run(seed: int, numbers: range) -> tuple[Counter[str], list[tuple[str, int, str]]]:
    """Cuts of these numbers, of each process: outcomes, and findings."""
    found, wrong = Counter[str](), list[tuple[str, int, str]]()
    with guarded_pages():
        for process in PROCESSES:
            for number in numbers:
                stream, header = stream_of(process, seed, number % _STREAMS)
                kind, changed = cut(stream, header, random.Random(f"cut {process} {seed} {number}"))
                outcome = outcome_of(changed, interpreted=number % 10 == 0 and len(changed) < 4_000)
                found[f"{process}, {kind}: {outcome}"] += 1
                if "FINDING" in outcome:
                    wrong.append((process, number, outcome))
    return found, wrong


def main() -> int:
    """Run, print what was found; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.jpeg", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=10_000, help="cuts of each process")
    parser.add_argument("--first", type=int, default=0, help="number of the first cut, to repeat one")
    chosen = parser.parse_args()
    start = time.monotonic()
    found, wrong = run(chosen.seed, range(chosen.first, chosen.first + chosen.count))
    lines = [f"{what:<70} {count}" for what, count in sorted(found.items())]
    lines += [f"  {process} {number}: {what}" for process, number, what in wrong]
    lines.append(f"seed {chosen.seed}: {time.monotonic() - start:.0f} s, {len(wrong)} findings")
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
