"""Palettes, plain and segmented (PS3.3 C.7.6.3.1.5, C.7.9.2)."""

from __future__ import annotations

import struct
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from pydicom.pixels.processing import _expand_segmented_lut

from fastdcm.errors import DicomError
from fastdcm.model import Palette
from fastdcm.reader.display import DisplayReader
from fastdcm.reader.header import read_header
from fastdcm.reader.scan import scan
from fastdcm.reader.source import MemorySource
from tests.builders import BIG_ENDIAN, EXPLICIT, IMPLICIT, Element, image, words

DESCRIPTORS, PLAIN, SEGMENTED = range(0x00281101, 0x00281104), 0x00281201, 0x00281221


def elements(
    descriptor: Sequence[int], data: Sequence[bytes] | bytes, first_tag: int = PLAIN, vr: str = "OW"
) -> list[Element]:
    tables = [data] * 3 if isinstance(data, bytes) else data
    found = [Element(tag, "US", [value & 0xFFFF for value in descriptor]) for tag in DESCRIPTORS]
    return found + [Element(first_tag + channel, vr, table) for channel, table in enumerate(tables)]


def palette(extra: list[Element], syntax: str = EXPLICIT, **changes: Any) -> Palette | None:
    found = scan(MemorySource(image(None, syntax, extra=extra, photometric="PALETTE COLOR", **changes)))
    return DisplayReader(found, read_header(found, []), []).read(0).palette


def red(extra: list[Element], syntax: str = EXPLICIT, **changes: Any) -> list[int]:
    found = palette(extra, syntax, **changes)
    assert found is not None
    return np.frombuffer(found.red, "<u2").tolist()


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG_ENDIAN])
def test_plain(syntax: str) -> None:
    little = syntax != BIG_ENDIAN
    tables = [words([base, base + 1, 65535], little=little) for base in (10, 20, 30)]
    found = palette(elements([3, 7, 16], tables), syntax)
    assert found is not None
    assert (found.first, found.bits, found.size) == (7, 16, 3)
    channels = [np.frombuffer(data, "<u2").tolist() for data in (found.red, found.green, found.blue)]
    assert channels == [[10, 11, 65535], [20, 21, 65535], [30, 31, 65535]]


@pytest.mark.parametrize("syntax", [EXPLICIT, BIG_ENDIAN])
def test_8_bit_entries_packed_and_not(syntax: str) -> None:
    little = syntax != BIG_ENDIAN
    assert red(elements([4, 0, 8], words([0x0201, 0x0403], little=little)), syntax) == [1, 2, 3, 4]
    assert red(elements([4, 0, 8], words([1, 2, 3, 4], little=little)), syntax) == [1, 2, 3, 4]
    # An odd number of entries is padded to a word.
    assert red(elements([3, 0, 8], words([0x0201, 0x0003], little=little)), syntax) == [1, 2, 3]


def test_65536_entries() -> None:
    assert red(elements([0, 0, 16], words(range(65536))), bits=16) == list(range(65536))


@pytest.mark.parametrize(("representation", "first"), [(0, 65436), (1, -100)])
def test_first_value_has_the_sign_of_the_pixels(representation: int, first: int) -> None:
    found = palette(elements([2, -100, 16], words([1, 2])), bits=16, representation=representation)
    assert found is not None
    assert found.first == first


RED = elements([4, 0, 16], words([1, 2, 3, 4]))


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ([], "Red .* Descriptor is missing"),
        (RED[:2] + RED[3:], "Blue .* Descriptor is missing"),
        (RED[:5], "Blue .* Data is missing"),
        (elements([4, 0], words([1])), "no three values"),
        (elements([4, 0, 12], words([1, 2, 3, 4])), "12 bits an entry"),
        (elements([4, 0, 16], words([1, 2, 3])), "4 entries has 6 bytes"),
        (elements([4, 0, 16], b""), "4 entries has 0 bytes"),
        ([Element(0x00281101, "US", [5, 0, 16]), *RED[1:]], "descriptors differ"),
    ],
)
def test_palette_that_is_none(extra: list[Element], reason: str) -> None:
    with pytest.raises(DicomError, match=reason):
        palette(extra)


def test_gray_images_have_no_palette() -> None:
    """Supplemental palettes need Pixel Presentation COLOR."""
    data = image(extra=RED)
    found = scan(MemorySource(data))
    assert DisplayReader(found, read_header(found, []), []).read(0).palette is None
    found = scan(MemorySource(image(extra=RED, pixel_presentation="COLOR")))
    display = DisplayReader(found, read_header(found, []), []).read(0)
    assert display.supplemental
    assert display.palette is not None


# Segmented


def segmented(numbers: Sequence[int], count: int, bits: int = 16, syntax: str = EXPLICIT) -> list[int]:
    little = syntax != BIG_ENDIAN
    if bits == 16:
        data = words(numbers, little=little)
    else:
        raw = bytes(numbers) + b"\0" * (len(numbers) % 2)
        data = words(struct.unpack(f"<{len(raw) // 2}H", raw), little=little)
    return red(elements([count, 0, bits], data, SEGMENTED), syntax, bits=16)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG_ENDIAN])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        ([0, 3, 5, 9, 2], [5, 9, 2]),
        ([0, 1, 0, 1, 4, 8], [0, 2, 4, 6, 8]),
        ([0, 1, 100, 1, 3, 70], [100, 90, 80, 70]),
        ([0, 1, 7, 1, 4, 7, 0, 1, 9], [7, 7, 7, 7, 7, 9]),
        ([0, 1, 0, 1, 3, 10], [0, 3, 7, 10]),
        ([0, 2, 1, 2, 1, 1, 3, 0, 0, 1, 2, 5], [1, 2, 3, 4, 5]),
    ],
    ids=["discrete", "up", "down", "level", "rounded", "empty discrete"],
)
def test_discrete_and_linear(syntax: str, bits: int, segments: list[int], expected: list[int]) -> None:
    assert segmented(segments, len(expected), bits, syntax) == expected


@pytest.mark.parametrize("syntax", [EXPLICIT, BIG_ENDIAN])
def test_indirect(syntax: str) -> None:
    """C.7.9.2.3: copies earlier segments, named by a byte offset whose low word comes first.

    A copied linear segment starts where the lookup table has got to, not where it once did.
    """
    head = [0, 2, 10, 20, 1, 2, 40]
    # The discrete and the linear segment again, from byte 0 on.
    assert segmented([*head, 2, 2, 0, 0], 8, 16, syntax) == [10, 20, 30, 40, 10, 20, 30, 40]
    # The linear one alone, which starts at number 4, byte 8: from 40 to 40.
    assert segmented([*head, 2, 1, 8, 0], 6, 16, syntax) == [10, 20, 30, 40, 40, 40]
    # In 8 bits an entry is a byte, and the offset has four.
    assert segmented([*head, 2, 1, 4, 0, 0, 0, 0, 1, 9], 7, 8, syntax) == [10, 20, 30, 40, 40, 40, 9]


def test_offset_of_an_indirect_segment_beyond_16_bits() -> None:
    """Whose high word is not 0."""
    filler = [0, 33000, *range(33000)]
    start = 2 * len(filler)
    assert start > 65535
    numbers = [*filler, 0, 2, 1, 2, 2, 1, start & 0xFFFF, start >> 16]
    assert segmented(numbers, 33004)[-4:] == [1, 2, 1, 2]


def test_as_pydicom_expands_it() -> None:
    random = np.random.default_rng(7)
    for _ in range(50):
        numbers: list[int] = [0, 2, *random.integers(0, 65536, 2).tolist()]
        for _ in range(6):
            length = int(random.integers(1, 20))
            if random.random() < 0.5:
                numbers += [0, length, *random.integers(0, 65536, length).tolist()]
            else:
                numbers += [1, length, int(random.integers(0, 65536))]
        expected = _expand_segmented_lut(tuple(numbers), "<H")
        found = segmented(numbers, len(expected))
        # pydicom rounds halves to even, which the standard leaves open.
        assert np.abs(np.subtract(found, expected)).max() <= 1
        assert np.mean(np.not_equal(found, expected)) < 0.1


@pytest.mark.parametrize(
    ("numbers", "reason"),
    [
        ([], "expands to 0 of 4"),
        ([0, 4, 1, 2], "discrete segment .* is cut"),
        ([0, 2, 1, 2], "expands to 2 of 4"),
        ([1, 4, 9], "starts with a linear"),
        ([0, 1, 5, 1, 3], "is cut"),
        ([3, 1, 5, 0], "type 3"),
        ([0, 1, 5, 2, 3, 0], "is cut"),
        ([0, 1, 5, 2, 3, 6, 0], "itself or ahead"),
        ([0, 1, 5, 2, 3, 8, 0, 0, 1, 5], "itself or ahead"),
        ([0, 1, 5, 2, 3, 0, 1], "itself or ahead"),
        ([0, 1, 5, 2, 3, 0, 0], "type 2"),
    ],
)
def test_segmented_palette_that_is_none(numbers: list[int], reason: str) -> None:
    with pytest.raises(DicomError, match=reason):
        segmented(numbers, 4)


def test_palette_bomb() -> None:
    """Linear segments of 65535 entries, hidden in a discrete one and copied: billions of entries."""
    hidden = [1, 65535, 3] * 20_000
    numbers = [0, 1, 9, 0, len(hidden), *hidden, 2, 20_000, 10, 0]
    started = time.perf_counter()
    assert len(segmented(numbers, 0)) == 65536
    assert time.perf_counter() - started < 2
