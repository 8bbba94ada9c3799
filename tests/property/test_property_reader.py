"""What holds for all data sets and all ways of cutting frames into fragments."""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastdcm.reader import scan as scan_module
from fastdcm.reader import sequences
from fastdcm.reader.frames import FrameIndex
from fastdcm.reader.header import read_header
from fastdcm.reader.scan import scan
from fastdcm.reader.source import MemorySource
from tests.builders import (
    BIG_ENDIAN,
    EXPLICIT,
    IMPLICIT,
    PIXEL_DATA,
    Element,
    dicom,
    encapsulated,
    image,
    offsets,
)

values = st.binary(max_size=40)
plain = st.builds(
    Element,
    st.integers(0x00090001, 0x0009FFFF) | st.sampled_from([0x00280010, 0x00081140, 0x7FE00010]),
    st.sampled_from(["LO", "OB", "UT", "UN", "DS"]),
    values,
)


def nested(inside: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    items = st.lists(st.lists(inside, max_size=3), max_size=3)
    return st.builds(Element, st.integers(0x00110001, 0x0011FFFF), st.just("SQ"), items, st.booleans())


elements = st.recursive(plain, nested, max_leaves=12)
outside = elements.filter(lambda element: element.tag >> 16 in (0x0009, 0x0011))


@settings(deadline=None, max_examples=300)
@given(
    before=st.lists(outside, max_size=6),
    syntax=st.sampled_from([IMPLICIT, EXPLICIT, BIG_ENDIAN]),
    window=st.sampled_from([12, 15, 40, 1 << 18]),
)
def test_elements_behind_anything_are_found(before: list[Element], syntax: str, window: int) -> None:
    """Sequences of any form, nested, of defined and undefined length, with any bytes in their values."""
    rows, pixels = Element(0x00280010, "US", 0x1234), Element(PIXEL_DATA, "OB", b"pixels")
    data = dicom([Element(0x00080005, "CS", "ISO_IR 100"), *before, rows, pixels], syntax)
    with pytest.MonkeyPatch.context() as patch:
        for module in (scan_module, sequences):
            patch.setattr(module, "WINDOW", window)
        found = scan(MemorySource(data))
    assert found.value(0x00280010) == struct.pack(found.encoding.order + "H", 0x1234)
    assert found.pixel is not None
    assert data[found.pixel[1] :] == b"pixels"
    assert not found.notices


SOI = b"\xff\xd8"
continuations = st.binary(min_size=1, max_size=20).filter(
    lambda data: data[:2] not in (SOI, b"\xff\x0a", b"\xff\x4f") and data[:1] != b"\0"
)
starts = st.binary(max_size=20).map(lambda data: SOI + b"\xff\xe0" + data)
streams = st.builds(lambda start, rest: [start, *rest], starts, st.lists(continuations, max_size=4))


@settings(deadline=None, max_examples=300)
@given(frames=st.lists(streams, min_size=1, max_size=6), by=st.sampled_from(["table", "extended", "scan"]))
def test_frames_of_any_fragments(frames: list[list[bytes]], by: str) -> None:
    """By table and by the starts of codestreams, each frame is what it was cut from (but for padding)."""
    padded = [[part + b"\0" * (len(part) % 2) for part in fragments] for fragments in frames]
    flat = [part for fragments in padded for part in fragments]
    extra = [Element(0x7FE00001, "OV", offsets(padded))] if by == "extended" else []
    value = encapsulated(flat, table=offsets(padded) if by == "table" else ())
    data = image(value, "1.2.840.10008.1.2.4.50", frames=len(frames), extra=extra)
    found = scan(MemorySource(data))
    index = FrameIndex(found, read_header(found, []), found.notices)
    assert [bytes(index.read(number)[0]) for number in range(len(frames))] == [b"".join(f) for f in padded]
    assert not found.notices
    spans = [span for number in range(len(frames)) for span in index.span(number).fragments]
    assert all(a[0] + a[1] + 8 == b[0] for a, b in pairwise(spans)), "no byte twice, none left out"


@settings(deadline=None, max_examples=300)
@given(
    rows=st.integers(1, 9),
    columns=st.integers(1, 9),
    bits=st.sampled_from([1, 8, 12, 16, 32, 64]),
    samples=st.sampled_from([1, 3]),
    frames=st.integers(1, 9),
)
def test_native_frames_cover_the_bits(rows: int, columns: int, bits: int, samples: int, frames: int) -> None:
    """One after the other, without a gap and without overlap, to the last byte."""
    size = rows * columns * bits * samples
    pixels = bytes((size * frames + 7) // 8)
    data = image(pixels, rows=rows, columns=columns, bits=bits, samples=samples, frames=frames)
    found = scan(MemorySource(data))
    index = FrameIndex(found, read_header(found, []), found.notices)
    assert found.pixel is not None
    position = 8 * found.pixel[1]
    for number in range(frames):
        ((offset, length),) = index.span(number).fragments
        assert 8 * offset + index.span(number).bit_offset == position
        position += size
        assert 8 * (offset + length - 1) < position <= 8 * (offset + length)
    assert (position + 7) // 8 == found.pixel[1] + len(pixels)
