"""Formats of image files: what each can hold, and the names that people use for them."""

from __future__ import annotations

from typing import Literal, NamedTuple

from fastdcm.errors import OptionError

Format = Literal[
    "jpeg",
    "png",
    "tiff",
    "jp2",
    "j2k",
    "jph",
    "jhc",
    "jpegxl",
    "webp",
    "avif",
    "bmp",
    "gif",
    "pnm",
    "pgm",
    "ppm",
    "npy",
    "mp4",
]

#: Whether files are lossless: always; never; where nothing else is asked for; only where it is asked for.
Lossless = Literal["always", "never", "usually", "on request"]


class Holds(NamedTuple):
    """What a format is called, and what its files can hold.

    ``names`` are those that people use for it, and extensions of its files; the first one is given to files
    without a name of the user's. ``deep`` are samples of 16 bits. ``quality`` says in words what 1 to 100
    mean; empty where there is none. ``frames`` tells that one file holds all frames of an object, ``profile``
    that it carries an ICC profile.
    """

    title: str
    names: tuple[str, ...]
    lossless: Lossless = "always"
    deep: bool = False
    quality: str = ""
    frames: bool = False
    profile: bool = False

    @property
    def extension(self) -> str:
        """The extension of files written without a name of the user's."""
        return "." + self.names[0]


_NOISE = "noise 30 + N/5 dB below the largest value"

FORMATS: dict[Format, Holds] = {
    "jpeg": Holds("JPEG", ("jpg", "jpeg"), "never", quality="libjpeg's", profile=True),
    "png": Holds("PNG", ("png",), deep=True, profile=True),
    "tiff": Holds("TIFF", ("tif", "tiff"), deep=True, profile=True),
    "jp2": Holds("JPEG 2000", ("jp2", "jpeg2000"), "usually", deep=True, quality=_NOISE, profile=True),
    "j2k": Holds("JPEG 2000 codestreams", ("j2k", "j2c", "jpc"), "usually", deep=True, quality=_NOISE),
    "jph": Holds("HTJ2K", ("jph", "htj2k"), "usually", deep=True, quality=_NOISE, profile=True),
    "jhc": Holds("HTJ2K codestreams", ("jhc",), "usually", deep=True, quality=_NOISE),
    "jpegxl": Holds("JPEG XL", ("jxl", "jpegxl"), "usually", deep=True, quality="libjxl's"),
    "webp": Holds("WebP", ("webp",), "on request", quality="libwebp's", profile=True),
    "avif": Holds("AVIF", ("avif",), "never", quality="libavif's", profile=True),
    "bmp": Holds("BMP", ("bmp",)),
    "gif": Holds("GIF", ("gif",), "never", frames=True),
    "pnm": Holds("PNM", ("pnm",), deep=True),
    "pgm": Holds("PGM", ("pgm",), deep=True),
    "ppm": Holds("PPM", ("ppm",), deep=True),
    "npy": Holds("NPY", ("npy",), deep=True),
    "mp4": Holds("MP4", ("mp4",), "never", quality="x264's CRF 51 to 12", frames=True),
}
#: Names that people use for a format -> the format. Extensions of output files, too.
FORMAT_NAMES: dict[str, Format] = {name: format for format, holds in FORMATS.items() for name in holds.names}
#: Format -> the extension of files written without a name of the user's.
EXTENSIONS: dict[Format, str] = {format: holds.extension for format, holds in FORMATS.items()}


def parse_format(text: str) -> Format:
    """A format's name in any case, with or without a leading dot."""
    try:
        return FORMAT_NAMES[text.lower().removeprefix(".")]
    except (KeyError, AttributeError):
        raise OptionError(f"format {text!r} is not one of {', '.join(FORMAT_NAMES)}") from None


def too_deep(format: Format) -> str:
    """Why a format cannot hold 16 bits, and what to ask for instead; empty where it can."""
    if FORMATS[format].deep:
        return ""
    return f"{FORMATS[format].title} holds 8 bits; ask for PNG where you want 16 (-F png --bits 16)"
