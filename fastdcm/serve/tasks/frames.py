"""Frames as they are stored, or decoded to native samples in little endian (PS3.18 8.7.3)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdcm.errors import CodestreamError, OptionError
from fastdcm.model import Header
from fastdcm.pipeline import Image
from fastdcm.serve.tasks import Folder


def frames(folder: Folder, path: str, indexes: list[int] | None, stored: bool) -> list[bytes]:
    """The bytes of frames, of all with None: codestreams where ``stored``, else native samples.

    Raises `OptionError` where they are more than one answer may hold.
    """
    image = folder.image(path)
    wanted = range(len(image)) if indexes is None else indexes
    total, found = 0, []
    for index in wanted:
        data = stored_bytes(image, index) if stored else native_bytes(image, index)
        total += len(data)
        if total > folder.max_bytes:
            raise OptionError(f"the frames have more than {folder.max_bytes} bytes; ask for fewer at a time")
        found.append(data)
    return found


def stored_bytes(image: Image, index: int) -> bytes:
    """The codestream of a frame; of native ones, the samples in little endian."""
    data = image.stored_frame(index)
    return native_bytes(image, index) if data is None else bytes(data)


def native_bytes(image: Image, index: int) -> bytes:
    """The samples of a frame in little endian, as a native object has them (PS3.5 8.1, annex A.2).

    Those of native objects are as they are; what is decoded has its colours as RGB, by pixel.
    """
    if not image.encapsulated and (data := image.stored_frame(index)) is not None:
        return bytes(data)
    return packed(image.pixels(index), image.header)


def packed(pixels: NDArray[Any], header: Header) -> bytes:
    """Stored values in little-endian words of Bits Allocated."""
    if header.bits_allocated == 1:
        return np.packbits(pixels.astype(bool).ravel(), bitorder="little").tobytes()
    if header.is_float:
        return pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    size = header.bits_allocated // 8
    if header.bits_allocated not in (8, 16, 32, 64):
        raise CodestreamError(f"samples of {header.bits_allocated} bits have no words of their own")
    words = pixels.astype(f"<{'i' if header.signed else 'u'}{size}")
    return (words << (header.high_bit + 1 - header.bits_stored)).tobytes()
