"""MP4 of cine: H.264 by x264 in FFmpeg, through PyAV (extra ``video``).

It is what nearly every player takes: 4:2:0 and limited range (Y 16 to 235) of BT.709, and said to be so, with
the index in front of the frames. Sides are even: a picture of an odd one has its last row or column twice.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from typing import Any, Self

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from fastdcm.codecs.encoders.library import contiguous
from fastdcm.codecs.encoders.movies import Target
from fastdcm.errors import EncodeError
from fastdcm.options import EncodeOptions

ENCODER = "libx264"
#: Ticks a second, as MPEG has always counted: whole numbers of them are a frame at 24, 25, 30, 50 a second.
_TICKS = 90_000
#: A quality of 100 and of 1 as x264's constant rate factor. 0 would be lossless, which players refuse.
_BEST, _WORST = 12.0, 51.0
#: ISO/IEC 23091-2: BT.709 primaries and matrix, the transfer characteristic of sRGB.
_PRIMARIES, _TRANSFER, _MATRIX = 1, 13, 1
#: Display values as luma of limited range.
_LUMA = np.floor(np.arange(256) * 219 / 255 + 16.5).astype(np.uint8)
_NO_COLOUR = 128

_STILL = "a video needs several frames, and this would be one; use JPEG, PNG or GIF (-F jpg)"


def encode(pixels: Any, options: EncodeOptions, profile: bytes | None) -> bytes:
    """A video of one frame, which there is not."""
    raise EncodeError(_STILL)


def rate_factor(quality: int) -> float:
    """x264's CRF for a quality of 1 to 100."""
    return _BEST + (_WORST - _BEST) * (100 - quality) / 99


class Mp4:
    """An MP4 file under way (see `fastdcm.codecs.encoders.movies.Movie`)."""

    def __init__(self, target: Target, quality: int, frames: int, threads: int) -> None:
        if frames < 2:
            raise EncodeError(_STILL)
        self._quality, self._threads = quality, threads
        self._shape: tuple[int, ...] | None = None
        self._stream: Any = None
        self._seconds, self._tick = 0.0, 0
        #: Ticks of the frames that are under way, by when they begin.
        self._ticks: dict[int, int] = {}
        self.remark = ""
        # Neither names of programs nor times of day go in; the index comes first where the file can be
        # opened again for it.
        options = {"fflags": "+bitexact"}
        if isinstance(target, str):
            options["movflags"] = "+faststart"
            target = os.path.abspath(target)  # a relative one may begin as an address does: http:x
        with _told():
            self._container: Any = av.open(target, "w", format="mp4", options=options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        with suppress(av.FFmpegError):  # the error that led here says more; after `finish` it is closed
            self._container.close()

    def add(self, pixels: Any, seconds: float) -> None:
        """Append a frame."""
        if self._shape is None:
            self._shape = pixels.shape
            self._stream = self._opened(seconds)
        elif self._shape[:2] != pixels.shape[:2]:
            rows, columns = pixels.shape[:2]
            raise EncodeError(f"frames of a video have one size, and this one is {rows} x {columns}")
        frame = _frame(pixels)
        self._seconds += seconds
        end = round(_TICKS * self._seconds)
        frame.pts, frame.time_base = self._tick, Fraction(1, _TICKS)
        self._ticks[self._tick] = max(1, end - self._tick)
        self._tick += self._ticks[self._tick]
        self._write(frame)

    def finish(self) -> None:
        """Have the frames written that x264 still looks at, and the index."""
        self._write(None)
        with _told():
            self._container.close()

    def _write(self, frame: Any) -> None:
        """Write what comes out for a frame; None is the end."""
        with _told():
            for packet in self._stream.encode(frame):
                # x264 does not say so, and without it the last frame would be as long as the first.
                packet.duration = self._ticks.pop(packet.pts)
                self._container.mux(packet)

    def _opened(self, seconds: float) -> Any:
        rows, columns = self._shape[:2] if self._shape else (0, 0)
        rate = Fraction(1 / seconds).limit_denominator(1001)
        with _told():
            stream = self._container.add_stream(ENCODER, rate=max(rate, Fraction(1, 1001)))
            stream.width, stream.height = columns + columns % 2, rows + rows % 2
            stream.pix_fmt = "yuv420p"
            stream.time_base = Fraction(1, _TICKS)
            context = stream.codec_context
            context.time_base = Fraction(1, _TICKS)
            context.thread_count = self._threads
            context.color_primaries, context.color_trc, context.colorspace = _PRIMARIES, _TRANSFER, _MATRIX
            context.color_range = ColorRange.MPEG.value
            # Frames in the order in which they are shown: else the last ones' times would not be kept.
            stream.options = {"crf": f"{rate_factor(self._quality):.2f}", "bf": "0"}
        return stream


def _frame(pixels: Any) -> Any:
    """A (rows, columns[, 3]) uint8 array as YCbCr of limited range, its sides made even."""
    rows, columns = pixels.shape[:2]
    if rows % 2 or columns % 2:
        edges = ((0, rows % 2), (0, columns % 2), (0, 0))
        pixels = np.pad(pixels, edges[: pixels.ndim], "edge")
        rows, columns = pixels.shape[:2]
    if pixels.ndim == 2:
        # Three planes below each other, as `from_ndarray` has them: gray is luma alone, and exact.
        planes = np.full((rows * 3 // 2, columns), _NO_COLOUR, np.uint8)
        np.take(_LUMA, pixels, out=planes[:rows], mode="clip")
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
    else:
        picture = av.VideoFrame.from_ndarray(contiguous(pixels), format="rgb24")
        frame = picture.reformat(
            format="yuv420p",
            src_colorspace=Colorspace.ITU709,
            dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
        )
    frame.color_primaries, frame.color_trc, frame.colorspace = _PRIMARIES, _TRANSFER, _MATRIX
    frame.color_range = ColorRange.MPEG
    return frame


@contextmanager
def _told() -> Iterator[None]:
    """What FFmpeg complains of is an `EncodeError`; what the system does, as a full disk, an `OSError`."""
    try:
        yield
    except av.FFmpegError as error:
        if isinstance(error, OSError):
            raise OSError(error.errno, error.strerror) from error
        raise EncodeError(f"FFmpeg cannot encode it: {error}") from error
