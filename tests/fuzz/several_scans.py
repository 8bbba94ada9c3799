"""``python -m tests.fuzz.several_scans --streams 20000 --damaged 20000``: our own decoder of several scans.

Random streams are compared with libjpeg-turbo: progressive ones of Pillow's; of random scan scripts, written
of random coefficients, or by jpegtran where it is installed; sequential ones of several scans. Cut and
damaged ones must not count as whole, unless the walk in front of libjpeg-turbo has nothing against them; then
pixels must be libjpeg-turbo's. What the kernels read and write ends at pages that nobody may touch. Exits
with 1 where there is a mismatch; a stream's number, with the seed, makes it again.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from collections import Counter
from typing import Any

import imagecodecs
import numpy as np

from fastdcm.codecs.jpeg_scans import decode as module
from fastdcm.codecs.jpeg_scans.headers import refusal
from fastdcm.codestream import jpeg, jpeg_entropy
from fastdcm.errors import CodestreamError, UnsupportedError
from fastdcm.kernels import several_scans
from tests.conftest import find_tool
from tests.fuzz import sequential_jpeg
from tests.fuzz.guarded import Guarded, GuardedScans, copied, empty
from tests.fuzz.seeded import main
from tests.payoffs import Fixed
from tests.unit.codecs.scan_writer import Scan, drawing, progression, with_intervals, written
from tests.unit.codecs.sequential import KINDS, Array, encoded, library
from tests.unit.codecs.several import PARTS, SAMPLINGS, damaged_scan
from tests.unit.codecs.test_codecs_jpeg_lossless import content

SOURCE = Guarded(4 << 20)
_JPEGTRAN = find_tool("jpegtran")


class Room(GuardedScans, module._Room):
    """What the decoder works in, in place of a thread's room; all as small as an image asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.rows, self.halves = copied(self.rows), copied(self.halves)
        self.state, self.tables = copied(self.state), copied(self.tables)
        self.deep = copied(self.deep[0]), copied(self.deep[1])

    strips = sequential_jpeg.Room.strips

    def deep_strips(self, across: int) -> tuple[Array, Array]:
        """Strips of 12 bits that end at a guarded page."""
        words = empty(16 * across, np.uint64)
        return words, words.view(np.uint16)

    def kept(self, layout: module._Layout) -> tuple[Array, Array]:
        """Coefficients and histories that end at guarded pages."""
        return empty(layout.coefficients, np.int16), empty(layout.blocks, np.uint64)


def own(stream: bytes, *, converted: bool) -> Array | None:
    """Decoded by our own kernels, from bytes with a guarded page behind them."""
    header = jpeg.parse(stream)
    if refusal(header):
        raise UnsupportedError(refusal(header))
    guarded = SOURCE.holding(stream)
    decode_scans = several_scans.decode_scans

    def on_guarded(source: Array, *arguments: Any) -> int:
        return int(decode_scans(guarded, *arguments))

    module.scans.decode_scans = on_guarded  # type: ignore[assignment]
    try:
        return module.decode(stream, header, converted=converted and len(header.components) == 3)
    finally:
        module.scans.decode_scans = decode_scans


def stream_of(seed: int, number: int) -> tuple[str, bytes]:
    """A stream, and who made it; mostly small, because there every boundary is near."""
    chance = random.Random(f"{seed} {number}")
    made = chance.choice([_by_pillow, _of_coefficients, _of_coefficients, _by_jpegtran, _of_twelve_bits])
    return made.__name__.strip("_"), made(chance)


def _by_pillow(chance: random.Random, *, progressive: bool = True) -> bytes:
    most = chance.choice([8, 24, 24, 64, 64, 150, 700])
    shape: tuple[int, ...] = chance.randint(1, min(most, 150)), chance.randint(1, most)
    options: dict[str, Any] = {}
    if chance.random() < 0.6:
        shape = (shape[0], max(5, shape[1]), 3)
        options["subsampling"] = chance.choice([0, 1, 2])
    if chance.random() < 0.3:
        options["restart_marker_blocks"] = chance.choice([1, 2, 3, 8, 9, chance.randint(1, 100)])
    array = content(chance.choice(KINDS), shape, 8, chance.randrange(1 << 30))
    quality = chance.choice([1, 10, 30, 50, 75, 85, 90, 95, 98])
    return encoded(array, quality, progressive=progressive, **options)


def _of_coefficients(chance: random.Random) -> bytes:
    samplings = chance.choice(SAMPLINGS)
    most = chance.choice([8, 24, 40, 80])
    image = drawing(chance, chance.randint(1, most), chance.randint(5, max(5, 2 * most)), samplings)
    if len(samplings) > 1 and chance.random() < 0.2:
        script, sof = [Scan(part) for part in chance.choice(PARTS)], chance.choice([0xC0, 0xC1])
    else:
        script, sof = progression(chance, len(samplings), chance.choice([0, 1, 3, 6])), 0xC2
    late_steps = chance.random() < 0.2
    return written(chance, image, with_intervals(chance, script), sof=sof, late_steps=late_steps)


def _of_twelve_bits(chance: random.Random) -> bytes:
    """By libjpeg-turbo, which knows one script, or of coefficients up to four times as large as others'."""
    most = chance.choice([8, 24, 40, 80])
    rows, columns = chance.randint(1, most), chance.randint(1, 3 * most)
    if chance.random() < 0.5:
        array = content(chance.choice(KINDS), (rows, columns), 12, chance.randrange(1 << 30))
        options = {"bitspersample": 12, "optimize": chance.random() < 0.5}
        return bytes(imagecodecs.jpeg8_encode(array, chance.choice([1, 30, 75, 90, 98, 100]), **options))
    image = drawing(chance, rows, columns, SAMPLINGS[0])
    image.components[0].blocks[:] *= chance.randint(1, 2)
    script, sof = progression(chance, 1, chance.choice([0, 1, 3, 6])), 0xC2
    if chance.random() < 0.3:
        script, sof = [Scan((0,))], 0xC1
    return written(chance, image, with_intervals(chance, script), sof=sof, bits=12)


def _by_jpegtran(chance: random.Random) -> bytes:
    """A sequential stream in a random script, as jpegtran codes it."""
    stream = _by_pillow(chance, progressive=False)
    if _JPEGTRAN is None:
        return _by_pillow(chance)
    script = progression(chance, len(jpeg.parse(stream).components), chance.choice([0, 1, 3]))
    lines = [
        f"{','.join(map(str, scan.components))}: {scan.first}-{scan.last}, {scan.high}, {scan.low};\n"
        for scan in script
    ]
    options = ["-restart", f"{chance.randint(1, 40)}B"] if chance.random() < 0.3 else []
    with tempfile.NamedTemporaryFile("w", suffix=".scans") as file:
        file.writelines(lines)
        file.flush()
        command = [_JPEGTRAN, *options, "-scans", file.name]
        return subprocess.run(command, input=stream, capture_output=True, check=True).stdout


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
        # What is refused for its headers goes to libjpeg-turbo, or is an error there.
        return "refused" if is_whole else "error"
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
            (maker, stream), converted = stream_of(seed, number), number % 4 != 0
            pixels = own(stream, converted=converted)
            equal = pixels is not None and np.array_equal(pixels, library(stream, converted=converted))
            outcomes = [f"{maker}: {'as libjpeg-turbo has it' if equal else 'MISMATCH'}"]
            if number - numbers.start < changed:
                kind, other = damaged_scan(stream, random.Random(f"damaged {seed} {number}"))
                outcomes.append(f"{kind}: {outcome_of(other, converted=converted)}")
            found.update(outcomes)
            wrong += [(number, outcome) for outcome in outcomes if "MISMATCH" in outcome]
    finally:
        jpeg_entropy._PAYOFF, module._ROOM = payoff, room
    return found, wrong


if __name__ == "__main__":
    sys.exit(main(run, "several_scans", __doc__, streams=5_000, damage="--damaged", damaged=5_000))
