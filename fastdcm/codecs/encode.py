"""Display values to the bytes of a file."""

from __future__ import annotations

from typing import Any

from fastdcm.errors import EncodeError
from fastdcm.options import EncodeOptions, too_deep


def encode_image(pixels: Any, options: EncodeOptions, profile: bytes | None = None) -> bytes:
    """A (rows, columns[, 3]) array of uint8, or uint16 where the format holds it, in that of ``options``.

    ``profile`` is an ICC profile of RGB for formats that carry one (`fastdcm.options.Holds`).

    Raises `EncodeError` where the format cannot hold it, or nothing here writes it.
    """
    if options.format == "png":
        from fastdcm.codecs.encoders import png

        return png.encode(pixels, options.png_level, profile)
    if pixels.dtype.itemsize > 1 and (reason := too_deep(options.format)):
        raise EncodeError(reason)
    if options.format == "jpeg":
        from fastdcm.codecs.encoders.jpeg import encode

        return encode(pixels, options.quality, options.subsampling, profile)
    from fastdcm.codecs.encoders.table import encoder

    return encoder(options.format)(pixels, options, profile)
