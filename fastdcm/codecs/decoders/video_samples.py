"""Planes of a decoded picture of video to samples: gray, YCbCr triples, or RGB.

Which YCbCr it is the stream says in its video usability information: matrix_coefficients and
video_full_range_flag (Rec. H.264 and H.265 annex E, ISO/IEC 13818-2 6.3.6). PS3.5 8.2.6 ff. want what the
stream says explicitly to count, whatever the data set says. What it leaves open is YBR_PARTIAL_420, the
Photometric Interpretation that PS3.5 8.2.5 ff. demand: ITU-R BT.601 with luma from 16 to 235 and chroma
from 16 to 240 (PS3.3 C.7.6.3.1.2).

Chroma that pixels share is repeated, as the other decoders do; it is not interpolated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fastdcm.codecs.decoders.common import Array
from fastdcm.errors import UnsupportedError

if TYPE_CHECKING:
    from av import VideoFrame

#: FFmpeg's names of what the decoders give -> pixels that share chroma across and down, bits.
_FORMATS = {
    name + suffix: (across, down, bits)
    for name, across, down in (("gray", 1, 1), ("yuv420p", 2, 2), ("yuv422p", 2, 1), ("yuv444p", 1, 1))
    for suffix, bits in (("", 8), ("10le", 10), ("12le", 12))
} | {"yuvj420p": (2, 2, 8), "yuvj422p": (2, 1, 8), "yuvj444p": (1, 1, 8)}
_FULL_RANGE = 2  # AVCOL_RANGE_JPEG
#: matrix_coefficients (Rec. ITU-T H.273 table 4) -> what red and blue add to luma. 2 is "unspecified".
_BT601 = (0.299, 0.114)
_MATRICES = {
    1: (0.2126, 0.0722),
    2: _BT601,
    4: (0.30, 0.11),
    5: _BT601,
    6: _BT601,
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}
#: What is a half by the equations may come out some 2^-43 less in float64, and is rounded up, too.
_HALF = 0.5 + 2**-32
#: Rows that are converted at a time: their float64 stay in the processor's cache.
_BAND = 16


class Picture(NamedTuple):
    """The planes of one frame: luma (rows, columns), Cb and Cr smaller by ``across`` and ``down``, or none.

    ``red`` and ``blue`` are what these add to luma; ``full`` tells that all values of so many ``bits`` are
    used.
    """

    luma: Array
    chroma: tuple[Array, ...]
    across: int
    down: int
    bits: int
    full: bool
    red: float
    blue: float

    @property
    def photometric_interpretation(self) -> str:
        """That of the triples; the standard has no name for matrices but BT.601's."""
        return "YBR_FULL" if self.full else "YBR_PARTIAL_420"


def picture(frame: VideoFrame) -> Picture:
    """The planes of FFmpeg's frame, without a copy: the frame must outlive them.

    Raises `UnsupportedError` for kinds of pixels and of YCbCr that are not done.
    """
    name = frame.format.name
    if name not in _FORMATS:
        raise UnsupportedError(f"video of pixel format {name} is not supported")
    if int(frame.colorspace) not in _MATRICES:
        raise UnsupportedError(f"video of matrix coefficients {int(frame.colorspace)} is not supported")
    across, down, bits = _FORMATS[name]
    dtype = np.dtype("u1" if bits == 8 else "<u2")
    planes = []
    for plane in frame.planes:
        lines = np.frombuffer(memoryview(plane), dtype).reshape(-1, plane.line_size // dtype.itemsize)
        planes.append(lines[: plane.height, : plane.width].astype(dtype.newbyteorder("="), copy=False))
    full = int(frame.color_range) == _FULL_RANGE or name.startswith("yuvj")
    return Picture(planes[0], tuple(planes[1:]), across, down, bits, full, *_MATRICES[int(frame.colorspace)])


def ybr(picture: Picture) -> Array:
    """(rows, columns, 3) of Y, Cb, Cr as coded; without chroma planes Cb and Cr are neutral."""
    out = np.empty((*picture.luma.shape, 3), picture.luma.dtype)
    out[..., 0] = picture.luma
    out[..., 1:] = 1 << (picture.bits - 1)
    for channel, plane in enumerate(picture.chroma):
        out[..., 1 + channel] = _spread(plane, picture, slice(None))
    return out


def rgb(picture: Picture) -> Array:
    """(rows, columns, 3) of RGB from 0 to 2**bits - 1, computed in float64 and rounded half up."""
    luma, chroma_scale = _scales(picture)
    red, blue = picture.red, picture.blue
    by_cr, by_cb = 2 * (1 - red) * chroma_scale, 2 * (1 - blue) * chroma_scale
    green = 1 - red - blue
    out = np.empty((*picture.luma.shape, 3), picture.luma.dtype)
    if not picture.chroma:
        out[...] = _quantised(luma[picture.luma], picture)[..., None]
        return out
    for top in range(0, len(out), _BAND):
        band = slice(top, top + _BAND)
        small = slice(top // picture.down, -(-(top + _BAND) // picture.down))
        cb, cr = (plane[small].astype(np.float64) - (1 << (picture.bits - 1)) for plane in picture.chroma)
        added = (by_cr * cr, -(red * by_cr * cr + blue * by_cb * cb) / green, by_cb * cb)
        gray = luma[picture.luma[band]]
        for channel, add in enumerate(added):
            out[band, :, channel] = _quantised(gray + _spread(add, picture, slice(len(gray))), picture)
    return out


def _scales(picture: Picture) -> tuple[Array, float]:
    """Luma of every coded value, and one step of chroma, on the scale of the output."""
    top, codes = (1 << picture.bits) - 1, np.arange(1 << picture.bits, dtype=np.float64)
    if picture.full:
        return codes, 1.0
    unit = 1 << (picture.bits - 8)
    return (codes - 16 * unit) * top / (219 * unit), top / (224 * unit)


def _quantised(values: Array, picture: Picture) -> Array:
    rounded: Array = np.clip(np.floor(values + _HALF), 0, (1 << picture.bits) - 1)
    return rounded.astype(picture.luma.dtype)


def _spread(plane: Array, picture: Picture, rows: slice) -> Array:
    """A plane of chroma for every pixel of luma; where sizes are odd, the last is shared by fewer."""
    full: Array = plane.repeat(picture.down, 0).repeat(picture.across, 1)
    return full[: picture.luma.shape[0]][rows, : picture.luma.shape[1]]
