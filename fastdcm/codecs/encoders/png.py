"""PNG (ISO/IEC 15948) of 8 and 16 bits: rows filtered by a kernel or NumPy, then ISA-L or libdeflate.

Which filter a row gets, none, sub or up, is decided as the standard advises; Paeth and average would make
files 1 % smaller. Level 1 is ISA-L's for what compresses little, which is what takes time: 2 to 4 times as
fast as libdeflate's first level for the same size. What compresses well, it compresses less well; that is
libdeflate's at once, and so is everything where ISA-L is absent. The figures of some images are in
benches/bench_encoders.py.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from functools import cache
from typing import Any

import imagecodecs
import numpy as np

from fastdcm.errors import EncodeError
from fastdcm.kernels import Payoff

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GRAY, _RGB = 0, 2
#: 11.3.2.3: the profile's name, which is free, and method 0, zlib.
_PROFILE_HEAD = b"ICC profile\0\0"
_LONGEST_CHUNK = (1 << 31) - 1
#: Rows that NumPy filters at a time: they should stay in the cache.
_BLOCK_BYTES = 1 << 18
#: Bytes that NumPy filters before numba is imported: as much time as that takes (benches/bench_encoders.py).
_PAYOFF = Payoff(100_000_000, ("png_rows",))
#: What compresses to no less than this is ISA-L's; rows at such distances are looked at.
_NOISY, _SAMPLED_ROWS = 0.25, 16


def encode(pixels: Any, level: int, profile: bytes | None = None) -> bytes:
    """PNG of a (rows, columns[, 3]) uint8 or uint16 array, with an ICC profile; ``level`` 1 to 9.

    Raises `EncodeError`.
    """
    rows, columns = pixels.shape[:2]
    colour = _RGB if pixels.ndim == 3 else _GRAY
    depth = 8 * pixels.dtype.itemsize
    # Samples of 16 bits are big-endian (clause 7.1).
    samples = np.ascontiguousarray(pixels.astype(">u2") if depth == 16 else pixels)
    raw = samples.reshape(rows, -1).view(np.uint8)
    filtered = _filtered(raw, raw.shape[1] // columns)
    compressed = _compressed(filtered, level)
    header = struct.pack(">IIBBBBB", columns, rows, depth, colour, 0, 0, 0)
    before = () if profile is None else _chunk(b"iCCP", _PROFILE_HEAD + zlib.compress(profile))
    parts = [_SIGNATURE, *_chunk(b"IHDR", header), *before, *_data_chunks(compressed), *_chunk(b"IEND", b"")]
    return b"".join(parts)


@cache
def isal() -> Any:
    """ISA-L's zlib functions (python-isal); None where it is not installed."""
    try:
        from isal import isal_zlib
    except ImportError:
        return None
    return isal_zlib


def _compressed(filtered: Any, level: int) -> bytes:
    """The rows as a zlib stream (clause 10)."""
    quick = isal() if level == 1 else None
    try:
        if quick is not None:
            some = np.ascontiguousarray(filtered[::_SAMPLED_ROWS])
            if len(quick.compress(some, 1)) >= _NOISY * some.size:
                return bytes(quick.compress(filtered, 1))
        return bytes(imagecodecs.deflate_encode(filtered, level))
    except (RuntimeError, ValueError, OverflowError, MemoryError) as error:
        raise EncodeError(f"it cannot be compressed: {error}") from error


def _filtered(raw: Any, step: int) -> Any:
    """Rows of bytes, each by the filter that leaves the least; ``step`` is the bytes of a pixel."""
    filtered = np.empty((raw.shape[0], 1 + raw.shape[1]), np.uint8)
    if _PAYOFF.reached(raw.size):
        from fastdcm.kernels.png_rows import filter_rows

        filter_rows(raw, step, filtered)
        return filtered
    block = max(1, _BLOCK_BYTES // raw.shape[1])
    for first in range(0, len(raw), block):
        _filter_rows(raw, first, min(first + block, len(raw)), step, filtered)
    return filtered


def _filter_rows(raw: Any, first: int, end: int, step: int, filtered: Any) -> None:
    """`fastdcm.kernels.png_rows.filter_rows` by NumPy, some rows at a time."""
    none = raw[first:end]
    sub, up = none.copy(), none.copy()
    sub[:, step:] -= none[:, :-step]
    up[first == 0 :] -= raw[max(0, first - 1) : end - 1]
    ways = (none, sub, up)
    kinds = np.argmin([np.minimum(way, -way).sum(axis=1, dtype=np.int64) for way in ways], axis=0)
    filtered[first:end, 0] = kinds
    for kind, way in enumerate(ways):
        filtered[first:end, 1:][kinds == kind] = way[kinds == kind]


def _chunk(kind: bytes, data: Any) -> tuple[bytes, Any, bytes]:
    """The pieces of a chunk (clause 5.3)."""
    # libdeflate's is ten times as fast as zlib's.
    check = imagecodecs.deflate_crc32(data, imagecodecs.deflate_crc32(kind))
    return struct.pack(">I", len(data)) + kind, data, struct.pack(">I", check)


def _data_chunks(compressed: bytes) -> Iterator[Any]:
    """The pieces of IDAT chunks: of one, or of several where a length exceeds what a chunk holds."""
    for start in range(0, len(compressed), _LONGEST_CHUNK):
        yield from _chunk(b"IDAT", memoryview(compressed)[start : start + _LONGEST_CHUNK])
