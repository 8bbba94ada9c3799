"""The quick walk calls whole what the other walk calls whole, to the bit, and no damaged scan."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

import imagecodecs
import numpy as np
import pytest

from fastdcm.codestream import jpeg, jpeg_entropy, jpeg_quick
from fastdcm.codestream.jpeg_entropy import Extent
from fastdcm.errors import FastdcmError
from fastdcm.kernels import huffman_lane_tables, huffman_lanes
from tests.checked import printed_with_checks
from tests.payoffs import Fixed
from tests.unit.codecs import annex_h
from tests.unit.codestream import streams


def lossless_restarts(rows: int = 20) -> bytes:
    """Each row a restart interval; all are the same one, so that one table is for all."""
    row = streams.image(1, 61, noise=0.9)
    stream = bytes(imagecodecs.jpeg8_encode(row, lossless=True))
    (scan,), size = jpeg.parse(stream).scans, stream.index(b"\xff\xc3") + 5
    head = stream[:size] + rows.to_bytes(2, "big") + stream[size + 2 : scan.start]
    sos, interval = head.rindex(b"\xff\xda"), streams.segment(0xDD, row.size.to_bytes(2, "big"))
    intervals = [stream[scan.start : scan.end] + bytes([0xFF, 0xD0 + number % 8]) for number in range(rows)]
    made = head[:sos] + interval + head[sos:] + b"".join(intervals)[:-2] + b"\xff\xd9"
    assert (imagecodecs.jpeg8_decode(made) == row).all()
    return made


@cache
def made() -> dict[str, bytes]:
    """Streams with codes of all lengths, several tables, restart intervals down to one MCU."""
    gray, colour = streams.image(45, 61), streams.image(45, 61, samples=3, noise=0.9)
    white = np.full((64, 64), 255, np.uint8)
    return {
        "gray": bytes(imagecodecs.jpeg8_encode(gray)),
        "flat": bytes(imagecodecs.jpeg8_encode(white)),
        "colour": bytes(imagecodecs.jpeg8_encode(colour, level=100, subsampling="420")),
        "coarse": bytes(imagecodecs.jpeg8_encode(colour, level=5, subsampling="444")),
        "optimised": streams.pillow(colour, optimize=True, quality=100),
        "restarts": streams.pillow(colour, restart_marker_blocks=1, quality=95),
        "restarts of rows": streams.pillow(gray, restart_marker_rows=1),
        "12 bits": bytes(
            imagecodecs.jpeg8_encode(streams.image(45, 61, bits=12, noise=0.9), 100, bitspersample=12)
        ),
        "lossless": bytes(imagecodecs.jpeg8_encode(gray, lossless=True)),
        "lossless, restarts": lossless_restarts(),
        "lossless, one value": bytes(imagecodecs.jpeg8_encode(white, lossless=True)),
        "lossless, colour": bytes(imagecodecs.jpeg8_encode(colour, lossless=True)),
        "lossless, 16 bits": bytes(
            imagecodecs.jpeg8_encode(streams.image(45, 61, bits=16, noise=0.9), lossless=True, predictor=4)
        ),
    }


@cache
def large() -> dict[str, bytes]:
    """Streams whose scans are walked in parts, with one table and with several."""
    gray, colour = streams.image(300, 420, noise=0.5), streams.image(200, 310, samples=3, noise=0.5)
    return {
        "gray": streams.pillow(gray, quality=90),
        "4:2:0": streams.pillow(colour, quality=90, subsampling=2),
        "4:4:4": streams.pillow(colour, quality=98, subsampling=0),
        "RGB": bytes(imagecodecs.jpeg8_encode(colour, colorspace="RGB", outcolorspace="RGB")),
        "two components": annex_h.encoded(
            np.ascontiguousarray(colour[..., :2]),
            bits=8,
            predictor=1,
            tables=[annex_h.table(1), annex_h.table(2)],
        ),
        "long restart intervals": streams.pillow(gray, quality=95, restart_marker_rows=9),
        "12 bits": bytes(imagecodecs.jpeg8_encode(streams.image(200, 310, bits=12), 95, bitspersample=12)),
        "lossless": bytes(imagecodecs.jpeg8_encode(gray, lossless=True)),
    }


class Spy:
    """The quick walk, which remembers what it said."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.said: list[int] = []
        self.real: Any = huffman_lanes.spare_bits
        self.blind = self.vectors = False
        monkeypatch.setattr(huffman_lanes, "spare_bits", self)
        monkeypatch.setattr(jpeg_entropy, "_PAYOFF", Fixed(True))

    def __call__(self, *arguments: Any) -> int:
        self.vectors = len(arguments[-1]) > 0
        self.said.append(huffman_lanes.UNSURE if self.blind else self.real(*arguments))
        return self.said[-1]

    def walk(self, stream: bytes, header: jpeg.JpegHeader, *, blind: bool) -> list[Extent] | str:
        """What the two walks together find, or the one alone that is exact."""
        self.blind = blind
        try:
            return jpeg_entropy.extents(stream, header)
        except FastdcmError as error:
            return error.message


@pytest.fixture(params=["in turn", "in vectors"])
def spy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Spy:
    """Both ways, whatever this machine's processor would take."""
    monkeypatch.setattr(jpeg_quick, "has_vectors", lambda: request.param == "in vectors")
    monkeypatch.setattr(jpeg_quick, "_LEAST_VECTORS", 4096)  # shorter scans than those for which it pays
    return Spy(monkeypatch)


@pytest.mark.parametrize(("name", "stream"), [*made().items(), *large().items()])
def test_whole_scans_are_known_at_once(name: str, stream: bytes, spy: Spy) -> None:
    header = jpeg.parse(stream)
    found = spy.walk(stream, header, blind=False)
    assert spy.said[0] >= 0
    assert spy.vectors == (jpeg_quick.has_vectors() and header.scans[0].end - header.scans[0].start >= 4096)
    assert found == spy.walk(stream, header, blind=True)


def test_scans_that_start_anywhere(spy: Spy) -> None:
    """Four bytes are read at once where none of them is FF: every alignment of the scan and of its end."""
    stream = made()["restarts"]
    at = stream.index(b"\xff\xda")
    for fill in range(1, 6):
        moved = stream[:at] + streams.segment(0xFE, bytes(fill)) + stream[at:]
        assert spy.walk(moved, jpeg.parse(moved), blind=False) == spy.walk(
            stream, jpeg.parse(stream), blind=True
        )
        assert spy.said[-2] >= 0


@pytest.mark.parametrize(("name", "stream"), [*made().items(), *large().items()])
def test_damaged_scans_are_never_called_whole(name: str, stream: bytes, spy: Spy) -> None:
    """Cut, shortened, lengthened and overwritten: what the quick walk takes, the exact one takes with the
    same bits to spare."""
    chance = random.Random(name)
    start = stream.index(b"\xff\xda") + 14
    taken = refused = 0
    for _ in range(400):
        coded = bytearray(stream[start:-2])
        match chance.randrange(5):
            case 0:
                del coded[chance.randrange(len(coded)) :]
            case 1:
                at = chance.randrange(len(coded))
                del coded[at : at + chance.randint(1, 9)]
            case 2:
                coded += chance.randbytes(chance.randint(1, 12))
            case 3:
                coded[chance.randrange(len(coded))] = 0xFF
            case _:
                coded[chance.randrange(len(coded))] ^= 1 << chance.randrange(8)
        damaged = stream[:start] + bytes(coded) + b"\xff\xd9"
        try:
            header = jpeg.parse(damaged, partial=True)
        except FastdcmError:
            continue
        spy.said.clear()
        found = spy.walk(damaged, header, blind=False)
        assert found == spy.walk(damaged, header, blind=True)
        if spy.said and spy.said[0] >= 0:
            taken += 1
        else:
            refused += 1
    assert refused > 50
    assert taken > 5


def test_many_units_in_an_mcu_are_not_for_vectors() -> None:
    """Their tables have no numbers there: 4 components of 4 x 4 units (B.2.2)."""
    tables = np.empty(2 * huffman_lane_tables.TABLE_SIZE, np.uint32)
    for units, fits in ((10, True), (14, True), (15, False), (64, False)):
        assert huffman_lanes.are_few.py_func(np.zeros(units + 3, np.uint64), tables) is fits
    assert not huffman_lanes.are_few.py_func(np.zeros(6, np.uint64), np.resize(tables, 5 * len(tables) // 2))


CHECKED = """
import random
from fastdcm.codestream import jpeg, jpeg_entropy, jpeg_quick
from fastdcm.errors import FastdcmError
from tests.checked import printed_with_checks
from tests.payoffs import Fixed
from tests.unit.kernels.test_kernels_huffman_lanes import large, made

jpeg_entropy._PAYOFF = Fixed(True)
outcomes, seen = set(), set()
for name, stream in [*made().items(), *large().items(), *large().items()]:
    chance = random.Random(name)
    in_vectors = name not in seen
    seen.add(name)
    jpeg_quick.has_vectors = lambda: in_vectors
    start = stream.index(b"\\xff\\xda") + 14
    for number in range(60):
        changed = bytearray(stream)
        if number % 4 == 1:
            del changed[chance.randrange(start, len(changed)):-2]
        elif number % 4 == 2:
            for _ in range(chance.randint(1, 9)):
                changed[chance.randrange(start, len(changed) - 2)] = chance.randrange(256)
        elif number % 4 == 3:
            kinds = chance.choice([range(255), [0], [0xFE], [0x7F, 0xFE]])
            changed[start:-2] = bytes(chance.choices(kinds, k=len(changed) - start))
        try:
            jpeg_entropy.coverage(bytes(changed), jpeg.parse(bytes(changed), partial=True))
            outcomes.add("whole")
        except FastdcmError as error:
            outcomes.add(error.message.split(":")[0])
print(*sorted(outcomes))
"""


def test_nothing_is_read_or_written_outside() -> None:
    assert {"whole", "cut", "damaged"} <= set(printed_with_checks(CHECKED).split())
