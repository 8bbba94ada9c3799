"""RLE Lossless (PS3.5 annex G): byte planes of each sample, packed with PackBits."""

from __future__ import annotations

from typing import Any

import imagecodecs
import numpy as np

from fastdcm.codecs.decoders.common import Array, Darkest, Note, call, filled
from fastdcm.codecs.decoders.native import stored_values
from fastdcm.codestream import rle
from fastdcm.errors import CodestreamError, UnsupportedError
from fastdcm.model import Header, Notice, Samples


def decode(
    data: memoryview, header: Header, *, mask: bool = True, darkest: Darkest | None = None, note: Note
) -> Samples:
    """An RLE frame to samples.

    Where segments do not give the frame exactly, raises `CodestreamError`; with ``darkest`` a last
    segment that is cut is filled up with that value. Without ``mask`` bits above Bits Stored may stay in
    samples of 16.
    """
    if header.bits_allocated not in (1, 8, 16, 32):
        raise UnsupportedError(f"RLE with {header.bits_allocated} Bits Allocated is not supported")
    pixels, samples = header.rows * header.columns, header.samples_per_pixel
    array: Array
    if header.bits_allocated == 1 and samples == 1 and _is_packed(data, pixels, cut=darkest is not None):
        note(Notice("rle-bits", "eight bits to a byte of an RLE segment, where each has its own (PS3.5 G.2)"))
        [packed], there = _segments(data, 1, (pixels + 7) // 8, cut=darkest is not None)
        array = np.unpackbits(packed, bitorder="little")[:pixels].reshape(header.rows, header.columns)
        there *= 8
    else:
        size = max(header.bits_allocated, 8) // 8
        segments, there = _segments(data, samples * size, pixels, cut=darkest is not None)
        planes = [_words(segments[first : first + size]) for first in range(0, samples * size, size)]
        array = planes[0] if samples == 1 else np.stack(planes, axis=-1)
        array = array.reshape(header.rows, header.columns, *array.shape[1:])
    # Chroma is never shared in RLE: three planes of full size are coded.
    photometric = header.photometric_interpretation.replace("YBR_FULL_422", "YBR_FULL")
    mask |= header.bits_allocated != 16 or there < pixels
    array = stored_values(array, header, mask=mask)
    found = Samples(array, photometric, header.bits_stored, header.signed, masked=mask)
    if there < pixels and darkest is not None:
        missing = np.arange(pixels).reshape(header.rows, header.columns) >= there
        return filled(found, missing, darkest, note)
    return found


def _is_packed(data: memoryview, pixels: int, *, cut: bool) -> bool:
    """Whether the segment of a 1-bit image holds its bits as native frames do, and some writers did."""
    [(offset, size)] = rle.parse(data, 1)
    runs = data[offset : offset + size]
    if cut:
        runs = runs[: rle.whole_runs(runs)]
    expanded = np.frombuffer(call("the RLE decoder", imagecodecs.packbits_decode, runs), np.uint8)
    if len(expanded) >= pixels or len(expanded) > (pixels + 7) // 8 + 1:
        return False
    return len(expanded) >= (pixels + 7) // 8 or int(expanded.max(initial=0)) > 1


def _words(planes: list[Array]) -> Array:
    """Words out of the planes of their bytes, from the most significant on (G.2)."""
    words: Array = planes[0].astype(f"u{len(planes)}", copy=False)
    for plane in planes[1:]:
        words <<= 8
        words |= plane
    return words


def _segments(data: memoryview, count: int, length: int, *, cut: bool) -> tuple[list[Array], int]:
    """The expanded segments, (length,) bytes each, and how many of each are there.

    Each may carry one byte of padding. With ``cut`` the last one may end early.
    """
    found, there = [], length
    for number, (offset, size) in enumerate(rle.parse(data, count), 1):
        packed = data[offset : offset + size]
        if cut and number == count:
            packed = packed[: rle.whole_runs(packed)]
        expanded = _expanded(packed, length + 1)
        if cut and number == count and len(expanded) < length:
            there = len(expanded)
            expanded = np.pad(expanded, (0, length - there))
        if not length <= len(expanded) <= length + 1:
            raise CodestreamError(
                f"RLE segment {number} expands to {len(expanded)} bytes, the frame has {length}"
            )
        found.append(expanded[:length])
    return found, there


def _expanded(packed: memoryview, expected: int) -> Array:
    """The bytes of a segment, of which there should be no more than ``expected``."""
    room = np.empty(min(expected, 64 * len(packed)), np.uint8)  # two bytes give 128 at most
    decode: Any = imagecodecs.packbits_decode
    try:
        array: Array = decode(packed, out=room)
    except RuntimeError:  # damaged, which is told now, or more
        array = np.frombuffer(call("the RLE decoder", decode, packed), np.uint8)
    return array
