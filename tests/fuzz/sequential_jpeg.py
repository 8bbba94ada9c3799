"""``python -m tests.fuzz.sequential_jpeg --streams 20000 --damaged 20000``: our own decoder.

Random streams are compared with libjpeg-turbo. Cut and damaged ones must not count as whole, unless the walk
in front of libjpeg-turbo has nothing against them; then pixels must be libjpeg-turbo's. What the kernels read
and write ends at pages that nobody may touch. Exits with 1 where there is a mismatch; a stream's number, with
the seed, makes it again.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from typing import Any

import numpy as np

from fastdcm.codecs.jpeg_baseline import decode as module
from fastdcm.codecs.jpeg_baseline.headers import refusal
from fastdcm.codestream import jpeg, jpeg_entropy
from fastdcm.errors import CodestreamError, UnsupportedError
from fastdcm.kernels import sequential_scans
from tests.fuzz.guarded import Guarded, GuardedScans, copied, empty
from tests.fuzz.seeded import main
from tests.payoffs import Fixed
from tests.unit.codecs.sequential import KINDS, Array, damaged, encoded, library
from tests.unit.codecs.test_codecs_jpeg_lossless import content

_MOST = 4 << 20
SOURCE = Guarded(_MOST)


class Room(GuardedScans, module._Room):
    """What the decoder works in, in place of a thread's room; strips as narrow as an image."""

    def __init__(self) -> None:
        super().__init__()
        self.coefficients, self.rows = copied(self.coefficients), copied(self.rows)
        self.halves, self.state = copied(self.halves), copied(self.state)

    def strips(self, across: int) -> tuple[Array, ...]:
        """Strips that end at guarded pages."""
        luma, chroma = empty(17 * 2 * across, np.uint64), empty(2 * 9 * across, np.uint64)
        sums, pairs = empty(8 * across + 2, np.int16), empty(2 * 8 * across, np.uint16)
        return luma, luma.view(np.uint8), chroma, chroma.view(np.uint8), sums, pairs, pairs.view(np.uint8)


def own(stream: bytes, *, converted: bool) -> Array | None:
    """Decoded by our own kernels, from bytes with a guarded page behind them."""
    header = jpeg.parse(stream)
    if refusal(header):
        raise UnsupportedError(refusal(header))
    guarded = SOURCE.holding(stream)
    decode_scan = sequential_scans.decode_scan

    def on_guarded(source: Array, *arguments: Any) -> int:
        return int(decode_scan(guarded, *arguments))

    module.scans.decode_scan = on_guarded  # type: ignore[assignment]
    try:
        return module.decode(stream, header, converted=converted and len(header.components) == 3)
    finally:
        module.scans.decode_scan = decode_scan


def stream_of(seed: int, number: int) -> bytes:
    """A stream; mostly small, because there every boundary is near."""
    chance = random.Random(f"{seed} {number}")
    most = chance.choice([8, 24, 24, 64, 64, 150, 700])
    shape: tuple[int, ...] = chance.randint(1, min(most, 150)), chance.randint(1, most)
    options: dict[str, Any] = {"optimize": chance.random() < 0.3}
    if chance.random() < 0.6:
        shape = (shape[0], max(5, shape[1]), 3)
        options["subsampling"] = chance.choice([0, 1, 2])
    if chance.random() < 0.3:
        options["restart_marker_blocks"] = chance.choice([1, 2, 3, 8, 9, chance.randint(1, 100)])
    array = content(chance.choice(KINDS), shape, 8, chance.randrange(1 << 30))
    return encoded(array, chance.choice([1, 10, 30, 50, 75, 85, 90, 95, 98]), **options)


def outcome_of(stream: bytes, *, converted: bool) -> str:
    """What is right about a damaged stream: not whole for the walk and for us, or libjpeg-turbo's pixels."""
    try:
        header = jpeg.parse(stream)
        jpeg_entropy.coverage(stream, header)
        is_whole = True
    except (CodestreamError, UnsupportedError):
        is_whole = False
    try:
        found = own(stream, converted=converted)
    except (CodestreamError, UnsupportedError):
        return "MISMATCH: an error of ours only" if is_whole else "error"
    if found is None:
        return "whole for the walk only" if is_whole else "error"
    if not is_whole:
        return "MISMATCH: whole for us only"
    equal = np.array_equal(found, library(stream, converted=converted))
    return "libjpeg-turbo's pixels" if equal else "MISMATCH: other pixels"


def run(seed: int, numbers: range, changed: int) -> tuple[Counter[str], list[tuple[int, str]]]:
    """Streams of these numbers, of which the first ``changed`` are damaged besides: outcomes, mismatches."""
    found, wrong = Counter[str](), list[tuple[int, str]]()
    jpeg_entropy._PAYOFF, payoff = Fixed(True), jpeg_entropy._PAYOFF
    module._ROOM, room = Room(), module._ROOM
    try:
        for number in numbers:
            stream, converted = stream_of(seed, number), number % 4 != 0
            pixels = own(stream, converted=converted)
            equal = pixels is not None and np.array_equal(pixels, library(stream, converted=converted))
            outcomes = ["as libjpeg-turbo has it" if equal else "MISMATCH"]
            if number - numbers.start < changed:
                kind, other = damaged(stream, random.Random(f"damaged {seed} {number}"))
                outcomes.append(f"{kind}: {outcome_of(other, converted=converted)}")
            found.update(outcomes)
            wrong += [(number, outcome) for outcome in outcomes if "MISMATCH" in outcome]
    finally:
        jpeg_entropy._PAYOFF, module._ROOM = payoff, room
    return found, wrong


if __name__ == "__main__":
    sys.exit(main(run, "sequential_jpeg", __doc__, streams=5_000, damage="--damaged", damaged=5_000))
