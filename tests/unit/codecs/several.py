"""Streams of JPEG in several scans, and who decodes them."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

import numpy as np

from fastdcm.codecs.jpeg_scans import decode as module
from fastdcm.codecs.jpeg_scans.headers import refusal
from fastdcm.codestream import jpeg
from tests.unit.codecs.scan_writer import Scan, drawing, progression, with_intervals, written
from tests.unit.codecs.sequential import KINDS, Array, damaged, encoded, library
from tests.unit.codecs.test_codecs_jpeg_lossless import content

PROGRESSIVE = "1.2.840.10008.1.2.4.55"
GRAY = ((1, 1),)
SAMPLINGS = (GRAY, ((1, 1),) * 3, ((2, 1), (1, 1), (1, 1)), ((2, 2), (1, 1), (1, 1)))
#: Components of the scans of sequential streams.
PARTS = [
    ((0,), (1,), (2,)),
    ((2,), (0,), (1,)),
    ((0,), (1, 2)),
    ((1, 2), (0,)),
    ((0, 2), (1,)),
    ((1,), (0, 2)),
]


def decoded(stream: bytes, *, converted: bool = True) -> Array | None:
    """By our own kernels; YCbCr as RGB where it is ``converted``."""
    header = jpeg.parse(stream)
    assert refusal(header) == ""
    return module.decode(stream, header, converted=converted and len(header.components) == 3)


def check(stream: bytes, *, converted: bool = True) -> None:
    found = decoded(stream, converted=converted)
    assert found is not None
    np.testing.assert_array_equal(found, library(stream, converted=converted))


@cache
def gray() -> bytes:
    return encoded(content("smooth", (40, 56), 8), 90, progressive=True)


@cache
def colour() -> bytes:
    return encoded(content("smooth", (40, 56, 3), 8), 90, subsampling=2, progressive=True)


@cache
def planes() -> bytes:
    chance = random.Random(5)
    image = drawing(chance, 40, 56, SAMPLINGS[3])
    return written(chance, image, [Scan((0,)), Scan((1, 2))], sof=0xC0)


def any_stream(number: int) -> bytes:
    """Of an encoder, or of random coefficients and scans."""
    chance = random.Random(number)
    if number % 2:
        options: dict[str, Any] = {"restart_marker_blocks": 9} if number % 3 == 0 else {}
        shape: tuple[int, ...] = (40, 56)
        if number % 4 == 1:
            shape, options["subsampling"] = (40, 56, 3), chance.choice([0, 1, 2])
        array = content(chance.choice(KINDS), shape, 8, number)
        return encoded(array, chance.choice([10, 80, 97]), progressive=True, **options)
    samplings = SAMPLINGS[number // 2 % 4]
    image = drawing(chance, chance.randint(1, 40), chance.randint(5, 60), samplings)
    if len(samplings) == 1 and chance.random() < 0.4:
        if chance.random() < 0.5:
            return written(chance, image, with_intervals(chance, [Scan((0,))]), sof=0xC1, bits=12)
        return written(chance, image, with_intervals(chance, progression(chance, 1)), bits=12)
    if len(samplings) > 1 and chance.random() < 0.3:
        script = [Scan(part) for part in chance.choice(PARTS)]
        return written(chance, image, with_intervals(chance, script), sof=0xC1)
    return written(chance, image, with_intervals(chance, progression(chance, len(samplings))))


def damaged_scan(stream: bytes, chance: random.Random) -> tuple[str, bytes]:
    """As `damaged`, in any of the scans, or in the last bytes of its header."""
    if chance.random() < 0.2:
        return damaged(stream, chance)
    scan = chance.choice(jpeg.parse(stream).scans)
    kind = chance.choice(["cut in the middle", "changed", "changed much", "longer", "another header"])
    place = chance.randrange(scan.start, scan.end)
    if kind == "cut in the middle":
        return kind, stream[:place] + stream[chance.randint(place + 1, scan.end) :]
    if kind == "longer":
        more = bytes(chance.choices(range(255), k=chance.randint(1, 9)))
        return kind, stream[:place] + more + stream[place:]
    changed = bytearray(stream)
    if kind == "another header":  # tables of the last component, the band, the bits
        changed[scan.start - chance.randint(1, 4)] = chance.choice(
            [0, 1, 2, 5, 16, 33, 63, chance.randrange(256)]
        )
        return kind, bytes(changed)
    for _ in range(1 if kind == "changed" else chance.randint(2, 20)):
        changed[chance.randrange(scan.start, scan.end)] = chance.randrange(256)
    return kind, bytes(changed)
