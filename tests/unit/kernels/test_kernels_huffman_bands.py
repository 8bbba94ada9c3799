"""The quick walk over AC scans calls whole what the other one calls whole, to the bit; no damaged scan."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

import numpy as np
import pytest

from fastdcm.codestream import jpeg, jpeg_entropy, jpeg_quick
from fastdcm.codestream.jpeg_entropy import Extent
from fastdcm.codestream.jpeg_scan import Scan
from fastdcm.errors import FastdcmError
from fastdcm.kernels import inlined, machine_code
from fastdcm.kernels.inlined import deposited
from fastdcm.kernels.jit import kernel
from tests.checked import printed_with_checks
from tests.unit.codestream import streams


@cache
def made() -> dict[str, bytes]:
    """Progressive streams: of few and of many coefficients, restart intervals down to one block."""
    gray, colour = streams.image(45, 61), streams.image(45, 61, samples=3, noise=0.9)
    steps = np.kron(np.arange(64, dtype=np.uint8).reshape(8, 8) * 4, np.ones((11, 17), np.uint8))
    return {
        name: streams.pillow(pixels, progressive=True, **options)
        for name, pixels, options in [
            ("gray", gray, {}),
            ("flat", np.full((640, 640), 77, np.uint8), {}),
            ("runs of blocks", steps, {"quality": 60}),
            ("colour", colour, {"quality": 100}),
            ("coarse", colour, {"quality": 5, "subsampling": 0}),
            ("three of a size", np.stack([gray, gray, gray // 2], 2), {"quality": 90, "subsampling": 0}),
            ("many blocks", streams.image(300, 420, noise=0.5), {"quality": 92}),
            ("restarts", colour, {"restart_marker_blocks": 1, "quality": 95}),
            ("restarts of rows", gray, {"restart_marker_rows": 1}),
        ]
    }


def walked(stream: bytes, *, quick: bool) -> list[Extent] | str:
    """What is found; "unsure", or what an error says, in place of it."""
    try:
        header = jpeg.parse(stream, partial=True)
        frame = jpeg_entropy._frame(header)
        walkers = [jpeg_entropy._Walker(stream, frame, scan) for scan in header.scans]
        return jpeg_entropy._extents(walkers, True, quick=quick)
    except jpeg_entropy._UnsureError:
        return "unsure"
    except FastdcmError as error:
        return error.message


@pytest.mark.parametrize(("name", "stream"), made().items())
def test_whole_scans_are_known_at_once(name: str, stream: bytes) -> None:
    found = walked(stream, quick=True)
    assert found == walked(stream, quick=False)
    assert {extent.problem for extent in found if isinstance(extent, Extent)} == {""}


@pytest.mark.parametrize(("name", "stream"), made().items())
def test_damaged_scans_are_never_called_whole(name: str, stream: bytes) -> None:
    """Cut, shortened, lengthened and overwritten: what the quick walk takes, the exact one takes alike."""
    chance = random.Random(name)
    refused = 0
    for number in range(150):
        damaged = damage(stream, number, chance)
        found = walked(damaged, quick=True)
        refused += isinstance(found, str)
        assert found in ("unsure", walked(damaged, quick=False)), number
    assert refused > 20


@pytest.mark.parametrize(
    ("name", "pairs"),
    [
        ("gray", ["1 1"]),
        ("colour", ["1 1", "3 2"]),
        ("three of a size", ["1 1", "3 2"]),  # not with the first one that follows
        ("restarts", []),
    ],
)
def test_two_scans_that_refine_are_walked_at_once(
    name: str, pairs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of one component, then those of two; none that have restart markers."""
    both, found = jpeg_quick.spare_of_bands, list[str]()

    def spy(data: bytes, scan: Scan, later: Scan, *histories: Any) -> tuple[int, int] | None:
        found.append(f"{scan.components[0].identifier} {later.components[0].identifier}")
        return both(data, scan, later, *histories)

    monkeypatch.setattr(jpeg_quick, "spare_of_bands", spy)
    walked(made()[name], quick=True)
    assert found == pairs


def deposit(bits, mask):  # type: ignore[no-untyped-def]
    """What a kernel calls."""
    return deposited(bits, mask)


@pytest.mark.parametrize("has_instruction", [True, False])
def test_bits_are_deposited(has_instruction: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the instruction and without, as Python does it bit by bit."""
    if not has_instruction:
        monkeypatch.setattr(machine_code, "has", lambda _: False)
    anew = inlined.made_by(inlined._bit_deposit)(inlined.deposited.py_func)
    monkeypatch.setitem(globals(), "deposited", anew)
    found = kernel("uint64(uint64, uint64)")(deposit)
    chance = random.Random(6)
    for number in range(200):
        bits = chance.getrandbits(64) if number % 3 else 1 << chance.randrange(64)
        mask = chance.getrandbits(64) & chance.getrandbits(64) if number else (1 << 64) - 1
        places = [place for place in range(64) if mask >> place & 1]
        expected = sum(1 << place for at, place in enumerate(places) if bits >> at & 1)
        assert int(found(np.uint64(bits), np.uint64(mask))) & (1 << 64) - 1 == expected


def damage(stream: bytes, number: int, chance: random.Random) -> bytes:
    """The stream, changed somewhere behind its first scan header."""
    changed, start = bytearray(stream), stream.index(b"\xff\xda") + 14
    at = chance.randrange(start, len(stream) - 2)
    match number % 4:
        case 0:
            del changed[at:-2]
        case 1:
            del changed[at : at + chance.randint(1, 9)]
        case 2:
            changed[at:at] = chance.randbytes(chance.randint(1, 12))
        case _:
            changed[at] ^= 1 << chance.randrange(8)
    return bytes(changed)


CHECKED = """
import random
from tests.unit.kernels.test_kernels_huffman_bands import damage, made, walked

found = set()
for name, stream in made().items():
    chance = random.Random(name)
    for number in range(60):
        found.add(walked(damage(stream, number, chance) if number else stream, quick=True) == "unsure")
print(*sorted(found))
"""


def test_nothing_is_read_or_written_outside() -> None:
    assert printed_with_checks(CHECKED).split() == ["False", "True"]
