"""``python -m tests.fuzz.lossless_jpeg --streams 200000 --cuts 10000``: our own decoder of lossless JPEG.

Random streams, by three encoders, are compared with libjpeg-turbo; cut and damaged ones must be errors, or
what the walk in front of libjpeg-turbo has nothing against must come out as libjpeg-turbo has it. What the
kernels read and write ends at pages that nobody may touch. Exits with 1 where there is a mismatch; a stream's
number, with the seed, makes it again.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from fastdcm.codecs.jpeg_lossless import decode as module
from fastdcm.codecs.jpeg_lossless.headers import refusal
from fastdcm.codestream import jpeg, jpeg_entropy
from fastdcm.errors import CodestreamError, UnsupportedError
from tests.fuzz.guarded import Guarded, GuardedScans, copied
from tests.fuzz.seeded import main
from tests.payoffs import Fixed
from tests.unit.codecs.annex_h import encoded, table
from tests.unit.codecs.test_codecs_jpeg_lossless import KINDS, content

Array = NDArray[Any]


_MOST = 4 << 20
SOURCE = Guarded(_MOST)


class Room(GuardedScans, module._Room):
    """What the decoder works in, in place of a thread's room."""

    def __init__(self) -> None:
        super().__init__()
        self.differences = copied(self.differences)


def own(stream: bytes) -> Array:
    """Decoded by our own kernels, from bytes with a guarded page behind them."""
    header = jpeg.parse(stream, scan_end=module.scan_end)
    assert refusal(header) == ""
    guarded = SOURCE.holding(stream)
    return module.decode(guarded.data, header).array  # type: ignore[arg-type]


def library(stream: bytes) -> Array:
    """Decoded by libjpeg-turbo."""
    colour = {"colorspace": "RGB", "outcolorspace": "RGB"} if len(jpeg.parse(stream).components) == 3 else {}
    found: Array = imagecodecs.jpeg8_decode(stream, **colour)
    return found


def shape_of(chance: random.Random) -> tuple[int, ...]:
    """Mostly small, because there every boundary is near; some of many lanes."""
    most = chance.choice([6, 24, 24, 64, 64, 64, 150, 400])
    found = chance.randint(1, most), chance.randint(1, most)
    return (*found, 3) if chance.random() < 0.25 else found


def stream_of(seed: int, number: int) -> tuple[bytes, Array]:
    """A stream, and the samples that it codes."""
    chance = random.Random(f"{seed} {number}")
    bits, predictor, kind = chance.randint(2, 16), chance.randint(1, 7), chance.choice(KINDS)
    array = content(kind, shape_of(chance), bits, chance.randrange(1 << 30))
    encoder = chance.random()
    if encoder < 0.45:
        options: dict[str, Any] = {"colorspace": "RGB", "outcolorspace": "RGB"} if array.ndim == 3 else {}
        options |= {"predictor": predictor, "bitspersample": bits}
        return bytes(imagecodecs.jpeg8_encode(array, lossless=True, **options)), array
    if encoder < 0.5 and array.ndim == 2:
        return bytes(imagecodecs.ljpeg_encode(array, bitspersample=bits)), array
    count = array.shape[2] if array.ndim == 3 else 1
    tables = [table(chance.randrange(1 << 30), deep=chance.random() < 0.2) for _ in range(count)]
    transform = chance.choice([0, 0, 0, 1, bits - 1, chance.randrange(bits)])
    stream = encoded(
        array,
        bits=bits,
        predictor=predictor,
        transform=transform,
        rows=min(chance.choice([0, 0, 1, 2, chance.randint(1, len(array))]), 0xFFFF // array.shape[1]),
        tables=chance.choice([[], tables[:1], tables]),
        interleaved=chance.random() < 0.7,
        fill=chance.choice([b"", b"", b"\xff", b"\xff\xff"]),
    )
    return stream, array >> transform << transform


def damaged(stream: bytes, chance: random.Random) -> tuple[str, bytes]:
    """A stream that is cut, without and with an end marker, or has other bytes in its scan."""
    scan = jpeg.parse(stream).scans[-1]
    place = chance.randrange(scan.start, scan.end)
    kind = chance.choice(["cut", "cut, EOI", "cut in the middle", "changed"])
    if kind == "cut":
        return kind, stream[:place]
    if kind == "cut, EOI":
        return kind, stream[:place] + b"\xff\xd9"
    if kind == "cut in the middle":
        return kind, stream[:place] + stream[chance.randint(place + 1, scan.end) :]
    return kind, stream[:place] + bytes([chance.randrange(256)]) + stream[place + 1 :]


def outcome_of(stream: bytes, array: Array) -> str:
    """What is right about a damaged stream: an error of both, or the samples that libjpeg-turbo gives."""
    try:
        jpeg_entropy.coverage(stream, jpeg.parse(stream))
        expected = library(stream)
    except (CodestreamError, UnsupportedError):
        expected = None
    try:
        found = own(stream)
    except (CodestreamError, UnsupportedError):
        return "error" if expected is None else "MISMATCH: an error of ours only"
    if expected is None:
        return "MISMATCH: no error of ours"
    if not np.array_equal(found, expected):
        return "MISMATCH: other samples"
    return "as it was" if np.array_equal(found, array) else "other samples, of valid codes"


def run(seed: int, numbers: range, cuts: int) -> tuple[Counter[str], list[tuple[int, str]]]:
    """Streams of these numbers, of which the first ``cuts`` are damaged besides: outcomes, and mismatches."""
    found, wrong = Counter[str](), list[tuple[int, str]]()
    jpeg_entropy._PAYOFF, payoff = Fixed(True), jpeg_entropy._PAYOFF
    module._ROOM, room = Room(), module._ROOM  # type: ignore[assignment]
    try:
        for number in numbers:
            stream, array = stream_of(seed, number)
            samples = own(stream)
            equal = np.array_equal(samples, library(stream)) and np.array_equal(samples, array)
            outcomes = ["as libjpeg-turbo has it" if equal else "MISMATCH"]
            if number - numbers.start < cuts:
                kind, changed = damaged(stream, random.Random(f"damaged {seed} {number}"))
                outcomes.append(f"{kind}: {outcome_of(changed, array)}")
            found.update(outcomes)
            wrong += [(number, outcome) for outcome in outcomes if "MISMATCH" in outcome]
    finally:
        jpeg_entropy._PAYOFF, module._ROOM = payoff, room
    return found, wrong


if __name__ == "__main__":
    sys.exit(main(run, "lossless_jpeg", __doc__, streams=20_000, damage="--cuts", damaged=2_000))
