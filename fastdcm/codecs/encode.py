"""Display values to the bytes of a file."""

from __future__ import annotations

from typing import Any

from fastdcm.errors import EncodeError
from fastdcm.options import EncodeOptions


def encode_image(pixels: Any, options: EncodeOptions) -> bytes:
    """A (rows, columns[, 3]) array, uint8 or for PNG uint16, in the format of ``options``.

    Raises `EncodeError` where the format cannot hold it.
    """
    if options.format == "png":
        from fastdcm.codecs.encoders import png

        return png.encode(pixels, options.png_level)
    from fastdcm.codecs.encoders.jpeg import encode

    if pixels.dtype.itemsize > 1:
        raise EncodeError("JPEG holds 8 bits; use PNG for 16")
    return encode(pixels, options.quality, options.subsampling)
