"""Frames without a codec, deflated ones and data sets, and RLE."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from rle import encode_pixel_data as encode_rle

from tests.builders import DEFLATED, Element, encode, image, meta, module
from tests.damage.subject import SIZE, Array, Subject, attributes_of, encapsulating, picture, pictures
from tests.unit.codecs.decoding import UIDS

_NATIVE = ("implicit", "native", "big endian")


def native() -> Iterator[Subject]:
    for syntax in _NATIVE:
        for name, bits, array in pictures((8, 1), (12, 1), (8, 3)):
            if syntax == "big endian" and bits == 8:
                continue  # bytes in words (PS3.5 8.1.2): the same as for the others, with more words
            order = ">" if syntax == "big endian" else "<"
            value = array.astype(array.dtype.newbyteorder(order)).tobytes()
            yield _native(syntax, name, array, attributes_of(array, bits), value)
    array = picture(8) >> 7
    packed = np.packbits(array, bitorder="little").tobytes()
    yield _native("native", "1 bit", array, attributes_of(array, 1, bits=1), packed)


def _native(syntax: str, name: str, array: Array, attributes: dict[str, Any], value: bytes) -> Subject:
    def file(parts: Sequence[bytes]) -> bytes:
        return image(b"".join(parts), UIDS[syntax], **attributes)

    return Subject("native", f"{syntax}, {name}", value, file, array, exact=True)


def encapsulated_uncompressed() -> Iterator[Subject]:
    for name, bits, array in pictures((8, 1), (16, 1), (8, 3)):
        yield encapsulating(
            "encapsulated uncompressed", "uncompressed", name, array, bits, array.tobytes(), splits=False
        )


def _deflate(data: bytes, level: int = -1) -> bytes:
    deflater = zlib.compressobj(level, wbits=-zlib.MAX_WBITS)
    return deflater.compress(data) + deflater.flush()


def deflated_frame() -> Iterator[Subject]:
    for name, bits, array in pictures((8, 1), (12, 1), (8, 3)):
        for level in (0, 9):
            stream = _deflate(array.tobytes(), level)
            yield encapsulating(
                "deflated frame",
                "deflated frame",
                f"{name}, level {level}",
                array,
                bits,
                stream,
                splits=False,
            )


def deflated_data_set() -> Iterator[Subject]:
    for name, bits, array in pictures((8, 1), (16, 1)):
        pixels = Element(0x7FE00010, "OW", array.tobytes())
        stream = _deflate(encode([*module(**attributes_of(array, bits)), pixels]))
        yield Subject(
            "deflated data set",
            name,
            stream,
            lambda parts: bytes(128) + b"DICM" + meta(DEFLATED) + b"".join(parts),
            array,
            exact=True,
        )


def rle() -> Iterator[Subject]:
    for name, bits, array in pictures((8, 1), (12, 1), (8, 3), (16, 3)):
        names = ("rows", "columns", "samples_per_pixel", "bits_allocated")
        sizes = (*SIZE, 1 if array.ndim == 2 else 3, 8 * array.itemsize)
        attributes = dict(zip(names, sizes, strict=True))
        stream = bytes(encode_rle(array.tobytes(), byteorder="<", **attributes))
        yield encapsulating("RLE", "rle", name, array, bits, stream, splits=False)
