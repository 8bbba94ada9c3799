"""Image files, as our encoders write them, back to pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from fastdcm.errors import CodestreamError, DecodeError, UnsupportedError

_DECODERS: dict[str, Callable[..., Any]] = {
    "jpg": imagecodecs.jpeg8_decode,
    "jpeg": imagecodecs.jpeg8_decode,
    "png": imagecodecs.png_decode,
    "webp": imagecodecs.webp_decode,
    "jxl": imagecodecs.jpegxl_decode,
    "jp2": imagecodecs.jpeg2k_decode,
    "j2k": imagecodecs.jpeg2k_decode,
}
#: The extensions of names that are taken for images.
EXTENSIONS = frozenset(_DECODERS)


def decode_picture(data: bytes, name: str, place: str | None = None) -> NDArray[Any]:
    """The pixels of an image file, (rows, columns[, 3]), by the extension of its name.

    Raises `UnsupportedError` for other extensions, `DecodeError` for what is no such image; both name
    ``place``.
    """
    decode = _DECODERS.get(name.rpartition(".")[2].lower())
    if decode is None:
        raise UnsupportedError(f"no image of {', '.join(sorted(EXTENSIONS))}", path=place or name)
    try:
        array: NDArray[Any] = np.asarray(decode(data))
    except (RuntimeError, ValueError, MemoryError) as error:
        raise DecodeError(f"it cannot be decoded: {error}", path=place or name) from error
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3):
        raise CodestreamError(f"an image of the shape {array.shape}", path=place or name)
    return array
