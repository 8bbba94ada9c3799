"""Streams of sequential JPEG, and who decodes them."""

from __future__ import annotations

import io
import random
from typing import Any
from unittest.mock import patch

import imagecodecs
from numpy.typing import NDArray
from PIL import Image, ImageFile

from fastdcm.codecs.jpeg_baseline import decode as module
from fastdcm.codecs.jpeg_baseline.headers import refusal
from fastdcm.codestream import jpeg

Array = NDArray[Any]
KINDS = ["noise", "smooth", "constant", "extremes", "sparse", "ramp"]


def encoded(array: Array, quality: int, **options: Any) -> bytes:
    """By Pillow: YCbCr of (rows, columns, 3) uint8."""
    written = io.BytesIO()
    with patch.object(ImageFile, "MAXBLOCK", 1 << 22):  # room for noise, of which there is too little else
        Image.fromarray(array).save(written, "jpeg", quality=quality, **options)
    return written.getvalue()


def decoded(stream: bytes, *, converted: bool = True) -> Array | None:
    """By our own kernels; YCbCr as RGB where it is ``converted``."""
    header = jpeg.parse(stream)
    assert refusal(header) == ""
    return module.decode(stream, header, converted=converted and len(header.components) == 3)


def library(stream: bytes, *, converted: bool = True) -> Array:
    """By libjpeg-turbo, as `fastdcm.codecs.decoders.jpeg` calls it."""
    colour: dict[str, Any] = {}
    if len(jpeg.parse(stream).components) == 3:
        colour = {"colorspace": "YCBCR", "outcolorspace": "RGB" if converted else "YCBCR"}
    found: Array = imagecodecs.jpeg8_decode(stream, **colour)
    return found


def damaged(stream: bytes, chance: random.Random) -> tuple[str, bytes]:
    """A stream whose scan is cut, in the middle or behind, closed with an end marker, or has other bytes."""
    scan = jpeg.parse(stream).scans[0]
    place = chance.randrange(scan.start, scan.end)
    kind = chance.choice(["cut", "cut in the middle", "changed", "changed much"])
    if kind == "cut":
        return kind, stream[:place] + b"\xff\xd9"
    if kind == "cut in the middle":
        return kind, stream[:place] + stream[chance.randint(place + 1, scan.end) :]
    changed = bytearray(stream)
    for _ in range(1 if kind == "changed" else chance.randint(2, 20)):
        changed[chance.randrange(scan.start, scan.end)] = chance.randrange(256)
    return kind, bytes(changed)
