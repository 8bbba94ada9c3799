"""Baseline JPEG by libjpeg-turbo: imagecodecs' copy or the system's, whichever is newer.

Both give the same bytes (tests/unit/codecs/test_codecs_encoders.py); newer ones are faster.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import imagecodecs
import numpy as np

from fastdcm.codecs.encoders import turbojpeg
from fastdcm.errors import CodestreamError, EncodeError

#: Largest side of a JPEG that libjpeg-turbo writes.
MAX_SIDE = 65500


def bundled_version() -> turbojpeg.Version:
    """The version of the libjpeg-turbo inside imagecodecs."""
    return turbojpeg.parse_version(imagecodecs.jpeg8_version()) or (0, 0, 0)


@cache
def uses_system_library() -> bool:
    """Whether the system's libjpeg-turbo is newer than imagecodecs' copy, and so is used."""
    system = turbojpeg.system_library()
    return system is not None and system[1] > bundled_version()


def encode(pixels: Any, quality: int, subsampling: str, profile: bytes | None = None) -> bytes:
    """Baseline JPEG of a (rows, columns[, 3]) uint8 array, with an ICC profile. Raises `EncodeError`."""
    if max(pixels.shape[:2]) > MAX_SIDE:
        raise EncodeError(
            f"{pixels.shape[0]} x {pixels.shape[1]} is more than JPEG holds ({MAX_SIDE} a side); use PNG"
        )
    by_library = turbojpeg.encode if uses_system_library() else encode_bundled
    data = by_library(pixels, quality, subsampling)
    return data if profile is None else _with_profile(data, profile)


def _with_profile(data: bytes, profile: bytes) -> bytes:
    """The file with APP2 segments behind its JFIF segment (ICC.1 annex B.4)."""
    from fastdcm.codestream.profiles import segments

    behind = 4 + int.from_bytes(data[4:6], "big")
    if data[2:4] != b"\xff\xe0":
        raise EncodeError("libjpeg-turbo wrote no JFIF segment, behind which the ICC profile belongs")
    try:
        return data[:behind] + segments(profile) + data[behind:]
    except CodestreamError as error:
        raise EncodeError(error.message) from error


def encode_bundled(pixels: Any, quality: int, subsampling: str) -> bytes:
    """The same by imagecodecs' copy."""
    try:
        return bytes(
            imagecodecs.jpeg8_encode(
                pixels if pixels.flags.c_contiguous else np.ascontiguousarray(pixels),
                level=quality,
                subsampling=None if pixels.ndim == 2 else subsampling,
            )
        )
    except (RuntimeError, ValueError, MemoryError) as error:
        raise EncodeError(f"libjpeg-turbo cannot encode it: {error}") from error
