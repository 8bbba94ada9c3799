"""Baseline JPEG: gray by our own encoder, the rest by libjpeg-turbo, imagecodecs' or the system's if newer.

All give the same bytes (tests/unit/codecs/test_codecs_encoders.py, test_codecs_baseline.py).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import imagecodecs
import numpy as np

from fastdcm.codecs.encoders import turbojpeg
from fastdcm.errors import CodestreamError, EncodeError
from fastdcm.kernels import Payoff

if TYPE_CHECKING:
    from fastdcm.codecs.encoders.baseline import Library

#: Gray pixels by which our own encoder is ahead of libjpeg-turbo as long as its kernel takes to compile, and
#: to load (benches/bench_encoders.py, bench_loading.py).
_PIXELS_BEFORE_NUMBA, _PIXELS_BEFORE_KERNELS = 2_500_000_000, 40_000_000
#: Below so many pixels in an image calling it takes longer than it gains.
_LEAST_PIXELS = 96 * 96
_PAYOFF = Payoff(_PIXELS_BEFORE_NUMBA, ("jpeg_codes",), loading=_PIXELS_BEFORE_KERNELS / _PIXELS_BEFORE_NUMBA)
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
    if (own := _own_encoder(pixels)) is not None:
        data = own(pixels, quality, by_library)
    else:
        data = by_library(pixels, quality, subsampling)
    return data if profile is None else _with_profile(data, profile)


def _own_encoder(pixels: Any) -> Callable[[Any, int, Library], bytes] | None:
    """Our own encoder of gray images, where it pays."""
    if pixels.ndim != 2 or pixels.size < _LEAST_PIXELS or not _PAYOFF.reached(pixels.size):
        return None
    from fastdcm.codecs.encoders import baseline

    return baseline.encode if baseline.is_faster() else None


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
