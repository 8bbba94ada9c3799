"""ICC profiles (ISO 15076-1) of colour images: which can be used; conversion to sRGB by littlecms."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

from fastdcm.errors import RenderError

Space = Literal["srgb", "adobergb", "rommrgb"]
_HEADER_BYTES = 128
#: Input, display and colour space profiles (7.2.5); PS3.3 C.11.15.1.1 wants the first, files have the others.
_CLASSES = (b"scnr", b"mntr", b"spac")
#: What a three-component matrix-based profile consists of (8.3.3, 8.4.3).
_MATRIX = frozenset((b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC"))
#: Profiles of a few series at a time: looking at one takes a tenth of a millisecond.
_KEPT = 16


@lru_cache(maxsize=_KEPT)
def refusal(profile: bytes) -> str:
    """Why a profile says nothing of the colours of an RGB image, in words; empty where it does."""
    if len(profile) < _HEADER_BYTES or profile[36:40] != b"acsp":
        return "damaged"
    if (size := int.from_bytes(profile[:4], "big")) > len(profile):
        return f"cut: {len(profile)} of {size} bytes are there"
    if profile[16:20] != b"RGB " or profile[12:16] not in _CLASSES:
        space, kind = (profile[at : at + 4].decode("latin-1").strip() for at in (16, 12))
        return f"of class {kind!r} for {space!r}, not of a device that gives RGB"
    import imagecodecs

    try:
        imagecodecs.cms_profile_validate(profile)
        _transformed(_sample(), profile, profile_of_space("srgb"))
    except (RuntimeError, ValueError) as error:
        return f"damaged: {error}"
    return ""


def is_matrix(profile: bytes) -> bool:
    """Whether a profile is three-component and matrix-based, without tables (8.3.3): all that JP2 takes."""
    count = int.from_bytes(profile[_HEADER_BYTES : _HEADER_BYTES + 4], "big")
    first = _HEADER_BYTES + 4
    tags = {profile[at : at + 4] for at in range(first, min(first + 12 * count, len(profile)), 12)}
    return tags >= _MATRIX and b"A2B0" not in tags


def to_srgb(pixels: Any, profile: bytes) -> Any:
    """Display values (rows, columns, 3) of uint8 or uint16 as those of sRGB (IEC 61966-2-1), of that dtype.

    The rendering intent is perceptual, as PS3.3 C.11.15.1.1 recommends it. Raises `RenderError`.
    """
    return converted(pixels, profile, "srgb")


def converted(pixels: Any, profile: bytes, space: Space) -> Any:
    """Display values (rows, columns, 3) as those of another colour space; else as `to_srgb`."""
    try:
        return _transformed(pixels, profile, profile_of_space(space))
    except (RuntimeError, ValueError, MemoryError) as error:
        raise RenderError(f"littlecms cannot convert it to {space}: {error}") from error


def _transformed(pixels: Any, profile: bytes, target: bytes) -> Any:
    import imagecodecs

    return imagecodecs.cms_transform(
        pixels,
        profile,
        target,
        colorspace="rgb",
        outcolorspace="rgb",
        intent=imagecodecs.CMS.INTENT.PERCEPTUAL,
        # Of 16 bits littlecms makes a coarse table, which is off by up to 2 % near black.
        flags=imagecodecs.CMS.FLAGS.NOOPTIMIZE if pixels.dtype.itemsize > 1 else None,
    )


#: ROMM RGB (ISO 22028-2): primaries as x, y, Y; its white is D50. Codes are x^(1/1.8), and 16 x below 1/512.
_ROMM_PRIMARIES = (0.7347, 0.2653, 1.0, 0.1596, 0.8404, 1.0, 0.0366, 0.0001, 1.0)
_D50 = (0.3457, 0.3585, 1.0)
_ROMM_ENTRIES = 4096


@lru_cache(maxsize=3)
def profile_of_space(space: Space) -> bytes:
    """The profile of sRGB (IEC 61966-2-1), Adobe RGB (1998), or ROMM RGB, as littlecms makes it."""
    import imagecodecs

    if space != "rommrgb":
        return bytes(imagecodecs.cms_profile(space))
    import numpy as np

    codes = np.linspace(0.0, 1.0, _ROMM_ENTRIES)
    linear = np.where(codes < 16 / 512, codes / 16, codes**1.8)
    curve = linear.astype(np.float32)
    return bytes(
        imagecodecs.cms_profile("rgb", whitepoint=_D50, primaries=_ROMM_PRIMARIES, transferfunction=curve)
    )


def _sample() -> Any:
    import numpy as np

    return np.zeros((1, 1, 3), np.uint8)
