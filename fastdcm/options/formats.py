"""Formats of image files, and the names that people use for them."""

from __future__ import annotations

from typing import Literal

from fastdcm.errors import OptionError

Format = Literal["jpeg", "png"]

#: Names that people use for a format -> the format. Extensions of output files, too.
FORMAT_NAMES: dict[str, Format] = {"jpg": "jpeg", "jpeg": "jpeg", "png": "png"}
#: Format -> the extension of files written without a name of the user's.
EXTENSIONS: dict[Format, str] = {"jpeg": ".jpg", "png": ".png"}


def parse_format(text: str) -> Format:
    """A format's name in any case, with or without a leading dot."""
    try:
        return FORMAT_NAMES[text.lower().removeprefix(".")]
    except (KeyError, AttributeError):
        raise OptionError(f"format {text!r} is not one of {', '.join(FORMAT_NAMES)}") from None
