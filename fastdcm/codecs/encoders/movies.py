"""Files that hold all frames of an object, made frame by frame, so that they need the memory of a few."""

from __future__ import annotations

from typing import Any, BinaryIO, Protocol, Self

from fastdcm.codecs.encoders.table import encoder
from fastdcm.options import EncodeOptions

#: A path, or an open file that can be written and sought.
Target = str | BinaryIO


class Movie(Protocol):
    """A file under way; a context manager, which lets go of it and leaves what was written.

    ``remark`` says what viewers will show otherwise than it was asked for; empty where there is nothing.
    """

    remark: str

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...

    def add(self, pixels: Any, seconds: float) -> None:
        """Append a frame, (rows, columns[, 3]) of uint8, that is shown for so long.

        All frames have the same shape. Raises `EncodeError`, `OSError`.
        """

    def finish(self) -> None:
        """Write what is still to come; without it the file is not whole. Raises as `add`."""


def open_movie(target: Target, options: EncodeOptions, *, frames: int, threads: int) -> Movie:
    """A file for so many frames, of a format that holds them. Raises `EncodeError`, `OSError`."""
    encoder(options.format)  # says what lacks, where something does
    if options.format == "gif":
        from fastdcm.codecs.encoders.gif import Gif

        return Gif(target, frames)
    from fastdcm.codecs.encoders.mp4 import Mp4

    return Mp4(target, options.quality, frames, threads)
