"""TIFF of 8 and 16 bits by libtiff: deflate with the horizontal predictor, which most programs read."""

from __future__ import annotations

from typing import Any

from fastdcm.codecs.encoders.library import call, contiguous
from fastdcm.options import EncodeOptions

#: Bytes of a strip, by which readers take a file: the more, the better it is compressed.
_STRIP_BYTES = 1 << 18


def encode(pixels: Any, options: EncodeOptions, profile: bytes | None) -> bytes:
    """A TIFF file of one page, little-endian, BigTIFF beyond 4 GB; the profile in tag 34675."""
    import imagecodecs

    pixels = contiguous(pixels)
    return bytes(
        call(
            "libtiff",
            imagecodecs.tiff_encode,
            pixels,
            compression=imagecodecs.TIFF.COMPRESSION.DEFLATE,
            predictor=True,
            byteorder="<",
            rowsperstrip=max(1, _STRIP_BYTES // pixels[0].nbytes),
            iccprofile=profile,
        )
    )
