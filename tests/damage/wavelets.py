"""JPEG 2000 and HTJ2K, with and without a length of their last tile-part, and JPEG XL."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import imagecodecs
from PIL import Image

from tests.damage.jpegs import encode_jpeg
from tests.damage.subject import EOC, Array, Subject, encapsulating, pictures

_FROM_JPEG, _LOSSY_XL = "1.2.840.10008.1.2.4.111", "1.2.840.10008.1.2.4.112"


def openjpeg(array: Array, **options: Any) -> bytes:
    """A bare codestream by Pillow, which passes on OpenJPEG's layers, tiles and progression orders."""
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "JPEG2000", no_jp2=True, **options)
    return stream.getvalue()


def without_length(stream: bytes) -> bytes:
    """The last tile-part's Psot set to 0: it goes on until EOC (T.800 A.4.2)."""
    data, at = bytearray(stream), stream.index(b"\xff\x90")
    while True:
        length = int.from_bytes(stream[at + 6 : at + 10], "big")
        if stream[at + length : at + length + 2] == EOC:
            data[at + 6 : at + 10] = bytes(4)
            return bytes(data)
        at += length


def _wavelets(codec: str, reversible: str, irreversible: str) -> Callable[..., Iterator[Subject]]:
    def rows(name: str, array: Array, bits: int, stream: bytes, *, exact: bool = True) -> Iterator[Subject]:
        syntax = reversible if exact else irreversible
        for kind, data in ((codec, stream), (f"{codec}, Psot 0", without_length(stream))):
            yield encapsulating(kind, syntax, name, array, bits, data, end=EOC, exact=exact)

    return rows


def jpeg_2000() -> Iterator[Subject]:
    rows = _wavelets("JPEG 2000", "jpeg2000", "1.2.840.10008.1.2.4.91")
    for name, bits, array in pictures((8, 1), (12, 1), (16, 1), (8, 3)):
        stream = imagecodecs.jpeg2k_encode(
            array, codecformat="j2k", reversible=True, level=0, bitspersample=bits
        )
        yield from rows(name, array, bits, bytes(stream))
    for name, bits, array in pictures((8, 1), (8, 3)):
        yield from rows(f"{name} tiles", array, bits, openjpeg(array, tile_size=(24, 24), num_resolutions=3))
        for order in ("RLCP", "RPCL", "CPRL"):
            stream = openjpeg(
                array, progression=order, quality_layers=[20, 5, 0], precinct_size=(32, 32), num_resolutions=3
            )
            yield from rows(f"{name} {order}, layers", array, bits, stream)
        lossy = openjpeg(array, irreversible=True, quality_layers=[4])
        yield from rows(f"{name} irreversible", array, bits, lossy, exact=False)


def htj2k() -> Iterator[Subject]:
    rows = _wavelets("HTJ2K", "htj2k", "1.2.840.10008.1.2.4.203")
    for name, bits, array in pictures((8, 1), (16, 1), (8, 3), (16, 3)):
        yield from rows(name, array, bits, bytes(imagecodecs.htj2k_encode(array, reversible=True)))
    for name, bits, array in pictures((8, 1), (8, 3)):
        tiled = imagecodecs.htj2k_encode(array, reversible=True, tile=(24, 24))
        yield from rows(f"{name} tiles", array, bits, bytes(tiled))
    for name, bits, array in pictures((8, 1), (16, 1), (8, 3)):
        lossy = bytes(imagecodecs.htj2k_encode(array, level=0.01))
        yield from rows(f"{name} irreversible", array, bits, lossy, exact=False)


def jpeg_xl() -> Iterator[Subject]:
    for container in (False, True):
        codec = f"JPEG XL {'container' if container else 'bare'}"
        for name, bits, array in pictures((8, 1), (16, 1), (8, 3)):
            stream = imagecodecs.jpegxl_encode(array, lossless=True, usecontainer=container)
            yield encapsulating(codec, "jpegxl", name, array, bits, bytes(stream))
        for name, bits, array in pictures((8, 1), (8, 3)):
            stream = imagecodecs.jpegxl_encode(array, distance=1.0, usecontainer=container)
            yield encapsulating(codec, _LOSSY_XL, f"{name} lossy", array, bits, bytes(stream), exact=False)
    for name, bits, array in pictures((8, 1)):
        stream = imagecodecs.jpegxl_encode_jpeg(encode_jpeg(array), usecontainer=True)
        yield encapsulating(codec, _FROM_JPEG, f"{name} of JPEG", array, bits, bytes(stream), exact=False)
