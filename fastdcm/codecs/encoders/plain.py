"""Files that are hardly more than the samples: BMP, PNM (Netpbm's PGM and PPM), NPY."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from fastdcm.codecs.encoders.library import as_rgb, call, contiguous
from fastdcm.errors import EncodeError
from fastdcm.options import EncodeOptions


def bmp(pixels: Any, options: EncodeOptions, profile: bytes | None) -> bytes:
    """BMP: gray as a palette of 256 grays, colour as 24 bits."""
    import imagecodecs

    return bytes(call("imagecodecs", imagecodecs.bmp_encode, contiguous(pixels)))


def pnm(pixels: Any, options: EncodeOptions, profile: bytes | None) -> bytes:
    """Netpbm's raw formats, P5 for gray and P6 for colour; words of 16 bits have the high byte first.

    A file that is asked for as PPM is P6 also where the image is gray; as PGM colour is an `EncodeError`.
    """
    if options.format == "ppm":
        pixels = as_rgb(pixels)
    elif options.format == "pgm" and pixels.ndim == 3:
        raise EncodeError("PGM holds gray, and the image is in colour; use PPM or PNM (-F ppm)")
    rows, columns = pixels.shape[:2]
    deep = pixels.dtype.itemsize > 1
    head = f"P{6 if pixels.ndim == 3 else 5}\n{columns} {rows}\n{65535 if deep else 255}\n"
    samples: bytes = pixels.astype(">u2" if deep else np.uint8, copy=False).tobytes()
    return head.encode("ascii") + samples


def npy(pixels: Any, options: EncodeOptions, profile: bytes | None) -> bytes:
    """NumPy's own format: the array as `Image.render` gives it."""
    file = io.BytesIO()
    np.lib.format.write_array(file, contiguous(pixels), allow_pickle=False)
    return file.getvalue()
