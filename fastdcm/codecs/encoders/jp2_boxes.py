"""The boxes of a JP2 file (ITU-T T.800 annex I) or JPH file (T.814 annex D) around a codestream."""

from __future__ import annotations

import struct
from typing import Any

_SIGNATURE = b"\r\n\x87\n"
#: I.5.3.3, table I.10: enumerated colour spaces.
_SRGB, _GRAY = 16, 17
#: I.5.3.1: the only compression type; colours are known; no intellectual property box.
_COMPRESSION = bytes((7, 0, 0))


def with_boxes(codestream: bytes, pixels: Any, brand: str, profile: bytes | None) -> bytes:
    """A file of one codestream, of an array (rows, columns[, 3]) of uint8 or uint16.

    ``brand`` is "jp2 " or "jph ". Colour is sRGB, or what the profile says, which is a restricted one
    (method 2 of I.5.3.3).
    """
    rows, columns = pixels.shape[:2]
    samples = 3 if pixels.ndim == 3 else 1
    size = struct.pack(">IIHB", rows, columns, samples, 8 * pixels.dtype.itemsize - 1) + _COMPRESSION
    if profile is not None:
        colour = b"\2\0\0" + profile
    else:
        colour = b"\1\0\0" + struct.pack(">I", _SRGB if samples == 3 else _GRAY)
    name = brand.encode("ascii")
    return b"".join(
        (
            _box(b"jP  ", _SIGNATURE),
            _box(b"ftyp", name + bytes(4) + name),
            _box(b"jp2h", _box(b"ihdr", size) + _box(b"colr", colour)),
            # A length of 0 is up to the end of the file (I.4).
            struct.pack(">I", 8 + len(codestream) if len(codestream) < (1 << 32) - 8 else 0) + b"jp2c",
            codestream,
        )
    )


def _box(kind: bytes, contents: bytes) -> bytes:
    return struct.pack(">I", 8 + len(contents)) + kind + contents
