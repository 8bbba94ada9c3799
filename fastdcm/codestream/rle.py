"""Segments of a frame in DICOM's RLE compression (PS3.5 annex G); nothing is expanded.

What is proven: the header is sound and the segments lie one behind the other inside the data.
That each expands to exactly rows x columns bytes is for the decoder to find out.
"""

from __future__ import annotations

from struct import Struct

from fastdcm.errors import CodestreamError

HEADER_SIZE = 64
_LIMIT_SEGMENTS = 15
_HEADER = Struct("<16I")


def parse(data: bytes | memoryview, segments_expected: int) -> tuple[tuple[int, int], ...]:
    """Return (offset, length) of each segment, in bytes from the start of the frame (PS3.5 G.5).

    ``segments_expected`` is Samples per Pixel times the bytes of Bits Allocated (G.2). The last
    segment ends with the data and may hold a padding byte, as each segment may (G.3.1).

    Raises CodestreamError.
    """
    if len(data) < HEADER_SIZE:
        raise CodestreamError(f"cut: {len(data)} bytes do not hold the RLE header of 64")
    count, *offsets = _HEADER.unpack_from(data)
    if not 1 <= count <= _LIMIT_SEGMENTS:
        raise CodestreamError(f"the RLE header says {count} segments; 1 to 15 are possible")
    if count != segments_expected:
        raise CodestreamError(f"the RLE header says {count} segments where the image has {segments_expected}")
    if offsets[0] != HEADER_SIZE:
        raise CodestreamError(f"the first RLE segment is said to start at byte {offsets[0]} instead of 64")
    starts = offsets[:count]
    if starts[-1] >= len(data):
        raise CodestreamError(f"cut: an RLE segment starts at byte {starts[-1]}, past the end")
    ends = [*starts[1:], len(data)]
    if any(end <= start for start, end in zip(starts, ends, strict=True)):
        raise CodestreamError("the offsets of the RLE segments do not ascend")
    return tuple((start, end - start) for start, end in zip(starts, ends, strict=True))


def whole_runs(segment: memoryview) -> int:
    """The length of a segment up to the first run or literal that is cut (PS3.5 G.3.2)."""
    position = 0
    while position < len(segment):
        control = segment[position]
        # -128 stands alone, a run is followed by one byte, a literal by all of its own.
        following = 0 if control == 128 else 1 if control > 128 else control + 1
        if position + 1 + following > len(segment):
            return position
        position += 1 + following
    return position
