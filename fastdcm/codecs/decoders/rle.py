"""RLE Lossless (PS3.5 annex G): byte planes of each sample, packed with PackBits."""

from __future__ import annotations

import imagecodecs
import numpy as np

from fastdcm.codecs.decoders.common import Array, Darkest, Note, call, filled
from fastdcm.codecs.decoders.native import stored_values
from fastdcm.codestream import rle
from fastdcm.errors import CodestreamError, UnsupportedError
from fastdcm.model import Header, Notice, Samples


def decode(data: memoryview, header: Header, *, darkest: Darkest | None = None, note: Note) -> Samples:
    """An RLE frame to samples.

    Where segments do not give the frame exactly, raises `CodestreamError`; with ``darkest`` a last
    segment that is cut is filled up with that value.
    """
    if header.bits_allocated not in (1, 8, 16, 32):
        raise UnsupportedError(f"RLE with {header.bits_allocated} Bits Allocated is not supported")
    pixels, samples = header.rows * header.columns, header.samples_per_pixel
    values: Array
    if header.bits_allocated == 1 and samples == 1 and _is_packed(data, pixels, cut=darkest is not None):
        note(Notice("rle-bits", "eight bits to a byte of an RLE segment, where each has its own (PS3.5 G.2)"))
        packed, there = _segments(data, 1, (pixels + 7) // 8, cut=darkest is not None)
        values = np.unpackbits(packed, bitorder="little")[None, :pixels]
        there *= 8
    else:
        size = max(header.bits_allocated, 8) // 8
        segments, there = _segments(data, samples * size, pixels, cut=darkest is not None)
        values = _words(segments, samples, pixels, size)
    array: Array
    if samples == 1:
        array = values.reshape(header.rows, header.columns)
    else:
        array = np.ascontiguousarray(values.T).reshape(header.rows, header.columns, samples)
    # Chroma is never shared in RLE: three planes of full size are coded.
    photometric = header.photometric_interpretation.replace("YBR_FULL_422", "YBR_FULL")
    found = Samples(stored_values(array, header), photometric, header.bits_stored, header.signed)
    if there < pixels and darkest is not None:
        missing = np.arange(pixels).reshape(header.rows, header.columns) >= there
        return filled(found, missing, darkest, note)
    return found


def _is_packed(data: memoryview, pixels: int, *, cut: bool) -> bool:
    """Whether the segment of a 1-bit image holds its bits as native frames do, and some writers did."""
    [(offset, size)] = rle.parse(bytes(data), 1)
    runs = data[offset : offset + size]
    if cut:
        runs = runs[: rle.whole_runs(runs)]
    expanded = np.frombuffer(call("the RLE decoder", imagecodecs.packbits_decode, runs), np.uint8)
    if len(expanded) >= pixels or len(expanded) > (pixels + 7) // 8 + 1:
        return False
    return len(expanded) >= (pixels + 7) // 8 or int(expanded.max(initial=0)) > 1


def _words(segments: Array, samples: int, pixels: int, size: int) -> Array:
    """(samples, pixels) of words, whose bytes come from the most significant on (G.2)."""
    if size == 1:
        return segments
    words = np.ascontiguousarray(segments.reshape(samples, size, pixels).transpose(0, 2, 1))
    values: Array = words.view(f">u{size}")[..., 0]
    return values.astype(f"u{size}")


def _segments(data: memoryview, count: int, length: int, *, cut: bool) -> tuple[Array, int]:
    """The expanded segments, (count, length) bytes, and how many of each are there.

    Each may carry one byte of padding. With ``cut`` the last one may end early.
    """
    found, there = [], length
    for number, (offset, size) in enumerate(rle.parse(bytes(data), count), 1):
        packed = data[offset : offset + size]
        if cut and number == count:
            packed = packed[: rle.whole_runs(packed)]
        expanded = bytes(call("the RLE decoder", imagecodecs.packbits_decode, packed))
        if cut and number == count and len(expanded) < length:
            there = len(expanded)
            expanded = expanded.ljust(length, b"\0")
        if not length <= len(expanded) <= length + 1:
            raise CodestreamError(
                f"RLE segment {number} expands to {len(expanded)} bytes, the frame has {length}"
            )
        found.append(np.frombuffer(expanded, np.uint8, length))
    return np.stack(found), there
