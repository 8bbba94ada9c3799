"""Every format that is written: by which module and library, and whether they are here.

The one list that encoding, ``fastdcm doctor`` and the tests are made from.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

from fastdcm.errors import EncodeError
from fastdcm.options import FORMATS, EncodeOptions, Format

#: From (rows, columns[, 3]) display values, options and an ICC profile to the bytes of a file.
Encoder = Callable[[Any, EncodeOptions, bytes | None], bytes]


class Writer(NamedTuple):
    """What writes a format: ``module`` and ``function`` of this package, ``library`` as people know it.

    ``needs`` are what must be there: codecs of imagecodecs by their class, features of Pillow.
    """

    module: str
    function: str
    library: str
    needs: tuple[str, ...] = ()


_OPENJPEG = Writer("jpeg2000", "encode", "OpenJPEG through imagecodecs", ("imagecodecs.JPEG2K",))
_OPENJPH = Writer("jpeg2000", "encode", "OpenJPH through imagecodecs", ("imagecodecs.HTJ2K",))
_PNM = Writer("plain", "pnm", "our own")

WRITERS: dict[Format, Writer] = {
    "jpeg": Writer("jpeg", "encode", "libjpeg-turbo", ("imagecodecs.JPEG8",)),
    "png": Writer("png", "encode", "our own, with ISA-L or libdeflate", ("imagecodecs.DEFLATE",)),
    "tiff": Writer("tiff", "encode", "libtiff through imagecodecs", ("imagecodecs.TIFF",)),
    "jp2": _OPENJPEG,
    "j2k": _OPENJPEG,
    "jph": _OPENJPH,
    "jhc": _OPENJPH,
    "jpegxl": Writer("web", "jpegxl", "libjxl through imagecodecs", ("imagecodecs.JPEGXL",)),
    "webp": Writer("web", "webp", "libwebp through Pillow", ("Pillow.webp",)),
    "avif": Writer("web", "avif", "libavif through Pillow", ("Pillow.avif",)),
    "bmp": Writer("plain", "bmp", "imagecodecs", ("imagecodecs.BMP",)),
    "gif": Writer("gif", "encode", "giflib through imagecodecs, Pillow for colour", ("imagecodecs.GIF",)),
    "pnm": _PNM,
    "pgm": _PNM,
    "ppm": _PNM,
    "npy": Writer("plain", "npy", "NumPy"),
    "mp4": Writer("mp4", "encode", "x264 in FFmpeg through PyAV (extra `video`)", ("PyAV.libx264",)),
}


def missing(format: Format) -> str:
    """Why a format cannot be written here, and how to get what lacks; empty where it can."""
    for need in WRITERS[format].needs:
        package, _, part = need.partition(".")
        if package == "imagecodecs":
            import imagecodecs

            if not getattr(getattr(imagecodecs, part, None), "available", False):
                return f"this imagecodecs has no {part}: pip install -U imagecodecs"
        elif package == "Pillow":
            if find_spec("PIL") is None:
                return "Pillow is not installed: pip install pillow"
            from PIL import features

            if part not in features.get_supported_modules():
                return f"this Pillow has no {part}: pip install -U pillow"
        elif find_spec("av") is None:
            return "PyAV is not installed: pip install '.[video]' in the source tree"
        else:
            import av

            if part not in av.codecs_available:
                return f"this PyAV has no {part}: pip install -U av"
    return ""


@cache
def encoder(format: Format) -> Encoder:
    """The function that writes a format. Raises `EncodeError` where something lacks."""
    if reason := missing(format):
        raise EncodeError(f"{FORMATS[format].title} cannot be written: {reason}")
    writer = WRITERS[format]
    found: Encoder = getattr(import_module(f"fastdcm.codecs.encoders.{writer.module}"), writer.function)
    return found
