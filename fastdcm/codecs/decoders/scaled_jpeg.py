"""Baseline JPEG in half, a quarter or an eighth of its size, by the scaled inverse DCT of libjpeg-turbo.

Of each block of 8 x 8 coefficients only the lowest ones are transformed, to 4 x 4, 2 x 2 or 1 sample. The
entropy-coded data is decoded in full all the same, which is most of the time. It is the system's library
through PyTurboJPEG, which releases the interpreter lock; else Pillow's copy, which does not.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdcm.codecs.encoders import turbojpeg
from fastdcm.codestream.jpeg import JpegHeader
from fastdcm.codestream.jpeg_rewrite import rewrite
from fastdcm.errors import DecodeError, EncodeError
from fastdcm.model import Halved

Array = NDArray[Any]
#: Down to a sample a block.
_MOST_HALVINGS = 3
#: Pillow warns of larger ones.
_MOST_PIXELS_OF_PILLOW = 80_000_000


def decode(data: bytes, stream: JpegHeader, coded: str, halvings: int) -> tuple[Array, Halved] | None:
    """Decode a stream that is proven whole, (rows, columns[, 3]) uint8; colour as RGB.

    ``coded`` is what `fastdcm.codestream.jpeg.colour` found. None where it is not plain baseline of 8 bits,
    or too large. Raises `DecodeError`.
    """
    times = min(halvings, _MOST_HALVINGS)
    # With signs of its own, so that libjpeg takes it for what it is.
    file = rewrite(data, stream, coded) if times else None
    if file is None:
        return None
    rows, columns = -(-stream.rows >> times), -(-stream.columns >> times)
    gray = len(stream.components) == 1
    if turbojpeg.system_library() is not None:
        array = _by_turbojpeg(file, 1 << times, gray=gray)
    elif stream.rows * stream.columns <= _MOST_PIXELS_OF_PILLOW:
        array = by_pillow(file, (stream.columns >> times or 1, stream.rows >> times or 1), gray=gray)
    else:
        return None
    expected = (rows, columns) if gray else (rows, columns, 3)
    if array.shape != expected:
        raise DecodeError(f"libjpeg-turbo decoded {array.shape} where {expected} was expected")
    return array, Halved(times, "DCT")


def _by_turbojpeg(file: bytes, divisor: int, *, gray: bool) -> Array:
    from turbojpeg import TJPF_GRAY, TJPF_RGB

    try:
        array: Array = turbojpeg.library().decode(
            file,
            pixel_format=TJPF_GRAY if gray else TJPF_RGB,
            scaling_factor=(1, divisor),
            flags=turbojpeg.ACCURATE_DCT,
        )
    except (OSError, ValueError, EncodeError) as error:
        raise DecodeError(f"libjpeg-turbo cannot decode it: {error}") from error
    return array[..., 0] if gray else array


def by_pillow(file: bytes, least: tuple[int, int], *, gray: bool) -> Array:
    """The smallest of at least this size (columns, rows) that the scaled DCT gives."""
    from PIL import Image

    try:
        with Image.open(BytesIO(file)) as image:
            image.draft("L" if gray else "RGB", least)
            return np.asarray(image)
    except (OSError, ValueError) as error:
        raise DecodeError(f"libjpeg-turbo cannot decode it: {error}") from error
