"""PNG (ISO/IEC 15948) of 8 and 16 bits: rows filtered by NumPy, compressed by libdeflate.

At level 3, two to four times as fast as libpng at level 1 with smaller files on real images, and
five to ten times as fast as Pillow's default at 1.00 to 1.09 of its size (benches/bench_encoders.py).
"""

from __future__ import annotations

import struct
import zlib
from typing import Any

import imagecodecs
import numpy as np

from fastdcm.errors import EncodeError

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GRAY, _RGB = 0, 2
_UP = 2


def encode(pixels: Any, level: int) -> bytes:
    """PNG of a (rows, columns[, 3]) uint8 or uint16 array; ``level`` 1 to 9. Raises `EncodeError`."""
    rows, columns = pixels.shape[:2]
    colour = _RGB if pixels.ndim == 3 else _GRAY
    depth = 8 * pixels.dtype.itemsize
    # Samples of 16 bits are big-endian (clause 7.1).
    samples = np.ascontiguousarray(pixels.astype(">u2") if depth == 16 else pixels)
    raw = samples.reshape(rows, -1).view(np.uint8)
    filtered = np.empty((rows, 1 + raw.shape[1]), np.uint8)
    # Filter "up" (clause 9.2); the row above the first is zero.
    filtered[:, 0] = _UP
    filtered[0, 1:] = raw[0]
    np.subtract(raw[1:], raw[:-1], out=filtered[1:, 1:])
    try:
        compressed = bytes(imagecodecs.deflate_encode(filtered, level))  # type: ignore[arg-type]  # takes buffers
    except (RuntimeError, ValueError, MemoryError) as error:
        raise EncodeError(f"libdeflate cannot compress it: {error}") from error
    header = struct.pack(">IIBBBBB", columns, rows, depth, colour, 0, 0, 0)
    parts = [_SIGNATURE, _chunk(b"IHDR", header), *_data_chunks(compressed), _chunk(b"IEND", b"")]
    return b"".join(parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


def _data_chunks(compressed: bytes) -> list[bytes]:
    """IDAT chunks: one, or several where a length exceeds what a chunk holds."""
    limit = (1 << 31) - 1
    return [_chunk(b"IDAT", compressed[start : start + limit]) for start in range(0, len(compressed), limit)]
