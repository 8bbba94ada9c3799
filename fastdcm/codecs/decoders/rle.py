"""RLE Lossless (PS3.5 annex G): byte planes of each sample, packed with PackBits."""

from __future__ import annotations

import imagecodecs
import numpy as np

from fastdcm.codecs.decoders.common import Array, call
from fastdcm.codecs.decoders.native import stored_values
from fastdcm.codestream import rle
from fastdcm.errors import CodestreamError, UnsupportedError
from fastdcm.model import Header, Samples


def decode(data: memoryview, header: Header) -> Samples:
    """An RLE frame to samples. Raises `CodestreamError` where segments do not give the frame exactly."""
    if header.bits_allocated not in (1, 8, 16, 32):
        raise UnsupportedError(f"RLE with {header.bits_allocated} Bits Allocated is not supported")
    pixels, samples = header.rows * header.columns, header.samples_per_pixel
    values: Array
    if header.bits_allocated == 1:
        # A segment holds the bits as a native frame does, packed from the lowest bit up.
        packed = _segments(data, 1, (pixels * samples + 7) // 8)
        values = np.unpackbits(packed, bitorder="little")[: pixels * samples].reshape(samples, pixels)
    else:
        values = _planes(data, samples, pixels, header.bits_allocated // 8)
    array: Array
    if samples == 1:
        array = values.reshape(header.rows, header.columns)
    else:
        array = np.ascontiguousarray(values.T).reshape(header.rows, header.columns, samples)
    # Chroma is never shared in RLE: three planes of full size are coded.
    photometric = header.photometric_interpretation.replace("YBR_FULL_422", "YBR_FULL")
    return Samples(stored_values(array, header), photometric, header.bits_stored, header.signed)


def _planes(data: memoryview, samples: int, pixels: int, size: int) -> Array:
    """(samples, pixels) of words, whose bytes come from the most significant on (G.2)."""
    segments = _segments(data, samples * size, pixels)
    if size == 1:
        return segments
    words = np.ascontiguousarray(segments.reshape(samples, size, pixels).transpose(0, 2, 1))
    values: Array = words.view(f">u{size}")[..., 0]
    return values.astype(f"u{size}")


def _segments(data: memoryview, count: int, length: int) -> Array:
    """The expanded segments, (count, length) bytes. Each may carry one byte of padding."""
    found = []
    for number, (offset, size) in enumerate(rle.parse(bytes(data), count)):
        expanded = call("the RLE decoder", imagecodecs.packbits_decode, data[offset : offset + size])
        if not length <= len(expanded) <= length + 1:
            raise CodestreamError(
                f"RLE segment {number + 1} expands to {len(expanded)} bytes, the frame has {length}"
            )
        found.append(np.frombuffer(expanded, np.uint8, length))
    return np.stack(found)
