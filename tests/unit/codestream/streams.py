"""Small streams of every kind that the parsers know, made by the libraries that also decode them."""

from __future__ import annotations

import io
from functools import cache
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[Any]


def image(rows: int, columns: int, *, bits: int = 8, samples: int = 1, noise: float = 0.2) -> Array:
    """A gradient with noise, as (rows, columns) or (rows, columns, samples) of uint8 or uint16."""
    shape = (rows, columns) if samples == 1 else (rows, columns, samples)
    top = 2**bits - 1
    ramp = np.linspace(0, top * (1 - noise), rows * columns * samples).reshape(shape)
    values = ramp + np.random.default_rng(rows * columns).uniform(0, top * noise, shape)
    return np.ascontiguousarray(values.astype(np.uint8 if bits <= 8 else np.uint16))


def pillow(array: Array, **options: Any) -> bytes:
    """A JPEG stream written by Pillow, which knows progressive scans and restart markers."""
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "JPEG", **options)
    return stream.getvalue()


def pillow_tiles(array: Array, size: tuple[int, int]) -> bytes:
    """A JPEG 2000 codestream of tiles of this (width, height), which imagecodecs does not write."""
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "JPEG2000", no_jp2=True, tile_size=size, num_resolutions=2)
    return stream.getvalue()


def segment(code: int, contents: bytes) -> bytes:
    """A marker segment of JPEG: FF, the code, the length and the contents."""
    return bytes([0xFF, code]) + (len(contents) + 2).to_bytes(2, "big") + contents


def without_segments(stream: bytes, *codes: int) -> bytes:
    """The JPEG stream without the segments of these codes before its first scan."""
    kept, position = stream[:2], 2
    while stream[position + 1] != 0xDA:
        end = position + 2 + int.from_bytes(stream[position + 2 : position + 4], "big")
        if stream[position + 1] not in codes:
            kept += stream[position:end]
        position = end
    return kept + stream[position:]


def jpeg_ls_frame(rows: int, columns: int, components: int) -> bytes:
    """SOI and SOF55 of an 8-bit image (T.87 C.2.2)."""
    each = b"".join(bytes([number + 1, 0x11, 0]) for number in range(components))
    size = rows.to_bytes(2, "big") + columns.to_bytes(2, "big")
    return b"\xff\xd8" + segment(0xF7, b"\x08" + size + bytes([components]) + each)


def by_plane(array: Array) -> bytes:
    """A JPEG-LS stream of one scan a component (interleave mode 0, T.87 C.2.3)."""
    rows, columns, samples = array.shape
    stream = jpeg_ls_frame(rows, columns, samples)
    for number in range(samples):
        plane = bytes(imagecodecs.jpegls_encode(np.ascontiguousarray(array[..., number])))
        scan = plane[plane.index(b"\xff\xda") + 10 : plane.rindex(b"\xff\xd9")]
        stream += segment(0xDA, bytes([1, number + 1, 0, 0, 0, 0])) + scan
    return stream + b"\xff\xd9"


@cache
def small() -> dict[str, bytes]:
    """One small stream a kind, without bytes behind its end."""
    grey, colour, deep = image(19, 23), image(19, 23, samples=3), image(19, 23, bits=12)
    encoded: dict[str, Any] = {
        "jpeg baseline": imagecodecs.jpeg8_encode(grey),
        "jpeg baseline 4:2:0": imagecodecs.jpeg8_encode(colour, subsampling="420"),
        "jpeg extended": imagecodecs.jpeg8_encode(deep, bitspersample=12),
        "jpeg progressive": pillow(colour, progressive=True),
        "jpeg restarts": pillow(colour, restart_marker_blocks=1),
        "jpeg lossless": imagecodecs.jpeg8_encode(deep, lossless=True, bitspersample=12),
        "jpeg-ls": imagecodecs.jpegls_encode(grey),
        "jpeg-ls colour": imagecodecs.jpegls_encode(colour),
        "jpeg-ls by plane": by_plane(colour),
        "jpeg2000": imagecodecs.jpeg2k_encode(colour, codecformat="j2k"),
        "jpeg2000 tiles": pillow_tiles(grey, (8, 8)),
        "jpeg2000 jp2": imagecodecs.jpeg2k_encode(grey, codecformat="jp2"),
        "htj2k": imagecodecs.htj2k_encode(grey),
        "jpegxl container": imagecodecs.jpegxl_encode(grey, usecontainer=True),
        "jpegxl parts": imagecodecs.jpegxl_encode_jpeg(imagecodecs.jpeg8_encode(grey), usecontainer=True),
        "jpegxl bare": imagecodecs.jpegxl_encode(grey, usecontainer=False),
    }
    return {name: bytes(stream) for name, stream in encoded.items()}
