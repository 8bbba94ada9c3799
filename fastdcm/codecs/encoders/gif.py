"""GIF89a (CompuServe, 1990): stills, and cine with a time for each frame.

A frame has 256 colours. Gray ones are exact; of colour the 256 that fit best are chosen for each frame, by
Pillow. giflib compresses; the blocks around that are put together here, frame by frame.
"""

from __future__ import annotations

import io
import struct
from contextlib import ExitStack
from typing import Any, BinaryIO, Self

import numpy as np

from fastdcm.codecs.encoders.library import call, check_side, contiguous
from fastdcm.codecs.encoders.movies import Target
from fastdcm.errors import EncodeError
from fastdcm.options import EncodeOptions

_MAX_SIDE = 65535
_COLOURS = 256
_GRAYS = np.repeat(np.arange(_COLOURS, dtype=np.uint8)[:, None], 3, axis=1)
#: Browsers and others take a shorter delay for nonsense, and show the frame for a tenth of a second.
_LEAST_DELAY, _MOST_DELAY = 2, 65535
#: A table of 256 colours, of 8 bits a channel: global (section 18), local (20).
_GLOBAL_TABLE, _LOCAL_TABLE = 0xF7, 0x87
#: Netscape's application extension: begin again, for ever.
_LOOP = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"
_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, b"\x3b"


def encode(pixels: Any, options: EncodeOptions, profile: bytes | None) -> bytes:
    """A still GIF."""
    file = io.BytesIO()
    with Gif(file, 1) as still:
        still.add(pixels, 0.0)
        still.finish()
    return file.getvalue()


class Gif:
    """A GIF under way (see `fastdcm.codecs.encoders.movies.Movie`); it begins again for ever."""

    def __init__(self, target: Target, frames: int) -> None:
        self._stack = ExitStack()
        self._file: BinaryIO
        if isinstance(target, str):
            self._file = self._stack.enter_context(open(target, "wb"))  # noqa: SIM115  # closed by __exit__
        else:
            self._file = target
        self._frames = frames
        self._shape: tuple[int, int] | None = None
        self._seconds = 0.0
        self._shown = 0  # hundredths of a second
        self.remark = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def add(self, pixels: Any, seconds: float) -> None:
        """Append a frame."""
        rows, columns = pixels.shape[:2]
        if self._shape is None:
            check_side(pixels, _MAX_SIDE, "GIF")
            self._file.write(b"GIF89a" + struct.pack("<HHBBB", columns, rows, _GLOBAL_TABLE, 0, 0))
            self._file.write(_GRAYS.tobytes() + (_LOOP if self._frames > 1 else b""))
            self._shape = rows, columns
        elif self._shape != (rows, columns):
            raise EncodeError(f"frames of a GIF have one size, and this one is {rows} x {columns}")
        indexes, colours = _indexed(pixels)
        if self._frames > 1:
            # A graphic control extension (section 23).
            self._file.write(struct.pack("<BBBBHBB", _EXTENSION, 0xF9, 4, 0, self._delay(seconds), 0, 0))
        table = 0 if colours is _GRAYS else _LOCAL_TABLE
        self._file.write(struct.pack("<BHHHHB", _IMAGE, 0, 0, columns, rows, table))
        self._file.write((b"" if colours is _GRAYS else colours.tobytes()) + _compressed(indexes))

    def _delay(self, seconds: float) -> int:
        """Hundredths of a second, rounded so that the frames together are as long as they should be."""
        self._seconds += seconds
        wanted = round(100 * self._seconds) - self._shown
        delay = min(max(wanted, _LEAST_DELAY), _MOST_DELAY)
        # By rounding alone a delay may be one too short for a while.
        if delay != wanted and not _LEAST_DELAY <= 100 * seconds <= _MOST_DELAY:
            self.remark = "a GIF shows a frame for 0.02 to 655 s: it does not keep the object's frame times"
        self._shown += delay
        return delay

    def finish(self) -> None:
        """Write the trailer."""
        self._file.write(_TRAILER)


def _indexed(pixels: Any) -> tuple[Any, Any]:
    """Indexes, (rows, columns) of uint8, and the table that they lead into, (256, 3)."""
    if pixels.ndim == 3 and (pixels == pixels[..., :1]).all():
        pixels = pixels[..., 0]
    if pixels.ndim == 2:
        return contiguous(pixels), _GRAYS
    packed = pixels @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    found = np.unique(packed)
    if found.size <= _COLOURS:
        colours = np.zeros((_COLOURS, 3), np.uint8)
        colours[: found.size] = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=1)
        return np.searchsorted(found, packed).astype(np.uint8), colours
    from PIL import Image

    chosen = call("Pillow", Image.fromarray(contiguous(pixels)).quantize, _COLOURS)
    colours = np.zeros((_COLOURS, 3), np.uint8)
    palette = np.array(chosen.getpalette(), np.uint8).reshape(-1, 3)
    colours[: len(palette)] = palette
    return np.asarray(chosen), colours


def _compressed(indexes: Any) -> bytes:
    """Table based image data (section 22): taken out of a file that giflib makes of one image."""
    import imagecodecs

    file = bytes(call("giflib", imagecodecs.gif_encode, contiguous(indexes)))
    position = 13 + _table_bytes(file[10])
    while file[position] == _EXTENSION:
        position = _behind_blocks(file, position + 2)
    position += 10 + _table_bytes(file[position + 9])
    return file[position : _behind_blocks(file, position + 1)]


def _table_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _behind_blocks(file: bytes, position: int) -> int:
    """Behind sub-blocks (section 15), each of which begins with its size."""
    while size := file[position]:
        position += 1 + size
    return position + 1
