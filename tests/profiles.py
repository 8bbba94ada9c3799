"""ICC profiles to test with, made by littlecms in imagecodecs, and what Pillow's littlecms makes of them."""

from __future__ import annotations

import io
from functools import cache
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

Array = NDArray[Any]
_D65 = [0.3127, 0.3290, 1.0]


@cache
def wide() -> bytes:
    """A matrix-based profile that is far from sRGB: Adobe RGB's primaries, gamma 2.2."""
    primaries = [0.64, 0.33, 1.0, 0.21, 0.71, 1.0, 0.15, 0.06, 1.0]
    return bytes(imagecodecs.cms_profile("rgb", whitepoint=_D65, primaries=primaries, gamma=2.2))


@cache
def other() -> bytes:
    """Another one."""
    primaries = [0.60, 0.33, 1.0, 0.30, 0.60, 1.0, 0.15, 0.10, 1.0]
    return bytes(imagecodecs.cms_profile("rgb", whitepoint=_D65, primaries=primaries, gamma=1.4))


@cache
def gray() -> bytes:
    """A profile that says nothing of RGB."""
    return bytes(imagecodecs.cms_profile("gray", gamma=2.2))


def large(size: int) -> bytes:
    """`wide` with so many bytes behind it, which it counts as its own."""
    return size.to_bytes(4, "big") + wide()[4:] + bytes(size - len(wide()))


def as_srgb(pixels: Array, profile: bytes) -> Array:
    """(rows, columns, 3) of uint8 in sRGB, by Pillow."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    target = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    found = ImageCms.profileToProfile(Image.fromarray(pixels), source, target)
    assert found is not None
    return np.asarray(found)


@cache
def incomplete() -> bytes:
    """A profile that has all but the colours: its header is right, and nothing can be converted by it."""
    return bytes(
        imagecodecs.cms_profile("rgb", primaries=[0.64, 0.33, 1, 0.21, 0.71, 1, 0.15, 0.06, 1], gamma=2)
    )
