"""What all encoders do around their library."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np

from fastdcm.errors import EncodeError


def call(library: str, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Call a library's encoder; whatever it complains of is an `EncodeError`."""
    try:
        return function(*arguments, **options)
    except (RuntimeError, ValueError, OverflowError, MemoryError, NotImplementedError) as error:
        raise EncodeError(f"{library} cannot encode it: {error}") from error


def contiguous(pixels: Any) -> Any:
    """The same values in C order and the machine's byte order."""
    return np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("="))


def as_rgb(pixels: Any) -> Any:
    """(rows, columns, 3), gray values three times."""
    return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)


def check_side(pixels: Any, most: int, title: str) -> None:
    """Refuse what a format has no numbers for."""
    rows, columns = pixels.shape[:2]
    if max(rows, columns) > most:
        raise EncodeError(f"{rows} x {columns} is more than {title} holds ({most} a side); use PNG")


def by_pillow(pixels: Any, format: str, **options: Any) -> bytes:
    """A file of a (rows, columns[, 3]) uint8 array, as Pillow writes it; nothing is in it but pixels."""
    from PIL import Image

    file = io.BytesIO()
    image = call("Pillow", Image.fromarray, contiguous(pixels))
    try:
        call("Pillow", image.save, file, format, **options)
    except (KeyError, OSError) as error:  # a build without the format; what its encoder says
        raise EncodeError(f"Pillow cannot write {format}: {error}") from error
    return file.getvalue()
