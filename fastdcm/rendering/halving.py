"""What a decoder may leave out of a frame, because what is shown hardly depends on it: pure.

A halved frame, rendered and shrunk, is what the full one would be where display values are a line of stored
ones: means of stored values are shown as means of greys. Windows clip, which is not a line; where a grey of
theirs is fewer stored values than a decoder's halves are off, that would show.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdcm.kernels import Payoff
from fastdcm.model import Halved, Header, Lut, Window
from fastdcm.options import GeometryOptions
from fastdcm.rendering.chain import Chain, Range, Rescale
from fastdcm.rendering.geometry import is_label_map
from fastdcm.rendering.plan import ColourPlan, GrayPlan, Plan

Array = NDArray[Any]
#: Of what a decoder halved, by how: the mean error of its pictures in mean differences of its neighbours,
#: where they are no smaller; and the power with which that falls where they are, and the error of a pixel
#: is the mean of more. From real files, the worst of those whose neighbours are not too far apart
#: (benches/bench_small_sizes.py, docs/small-sizes.md).
_ERRORS = {"DCT": (0.4, 1.0), "5/3": (0.36, 1.5), "9/7": (0.5, 1.2)}
#: Where the squares that a scaled DCT gives lie in one pixel each.
_ERROR_OF_SQUARES = 0.04
#: Colours are transformed, and mostly coded more coarsely.
_OF_COLOUR = 1.5
#: Pixels of frames that are worth it: of smaller ones little time is saved.
_LEAST_PIXELS = 1 << 17
#: Greys of 255 that pictures may be off on average.
_MOST_OFF = 1.0
#: A row of so many 16-bit values has a sum of differences below 2^31.
_MOST_COLUMNS = 1 << 15
_PAYOFF = Payoff(modules=("areas",))
#: Rows of which one is compared with its neighbours.
_STEP = 8
#: Stored values by which each half of the reversible filter is too bright, where neighbours differ at random:
#: its roundings (T.800 F.4.8.1) do not cancel each other.
_BRIGHTER = 0.5
#: Greys that this may make of those that pictures may be off.
_MOST_BRIGHTER = 0.75
#: Stored values that a grey of a window is at least where decoders halve.
_LEAST_GREY = 2.0


def is_shrinking(options: GeometryOptions) -> bool:
    """Whether nothing but the size of a picture is asked for, by areas; turned or not."""
    asked = options.size is not None or options.scale is not None or options.spacing is not None
    return asked and not options.exact and options.crop is None and options.resample in (None, "area")


@lru_cache(maxsize=256)
def halvings(shape: tuple[int, int], sides: tuple[int, int]) -> int:
    """How often a frame of this shape may be halved, to be no smaller than ``sides``, (rows, columns)."""
    times = 0
    if shape[0] * shape[1] < _LEAST_PIXELS:
        return 0
    while all(
        old > 1 << times and -(-old >> (times + 1)) >= new for old, new in zip(shape, sides, strict=True)
    ):
        times += 1
    return times


def most_halvings(grey: float, *, colour: bool = False) -> int:
    """How often the reversible wavelet may halve where a grey is so many stored values."""
    return int(_MOST_BRIGHTER * grey / (_BRIGHTER * (_OF_COLOUR if colour else 1.0)))


@lru_cache(maxsize=256)
def squares(shape: tuple[int, int], sides: tuple[int, int], times: int) -> int:
    """How many of so many halvings are for a decoder whose samples stand for squares of pixels.

    As many as leave no square across two pixels of the picture, (rows, columns) ``sides``; or all but one.
    """
    whole = [m for m in range(1, times + 1) if are_whole(shape, sides, m)]
    return max(whole, default=max(0, times - 1))


def are_whole(shape: tuple[int, int], sides: tuple[int, int], times: int) -> bool:
    """Whether squares of 2^times lie in one pixel of the picture each."""
    return all(old % (new << times) == 0 for old, new in zip(shape, sides, strict=True))


def enough(shown: Array, halved: Halved, shape: tuple[int, int], sides: tuple[int, int], span: float) -> int:
    """How often a frame of this shape may be halved for its picture to be within a grey on average.

    ``shown`` are values of what was ``halved``, ``span`` from black to white; ``sides`` are (rows, columns)
    of the picture. What a decoder left out is as large as the differences that are left, as far as these
    tell.
    """
    factor, power = _ERRORS[halved.by]
    if halved.by == "DCT" and are_whole(shape, sides, halved.times):
        factor, power = _ERROR_OF_SQUARES, 0.0
    off = factor * differences(shown, span) * (1.0 if shown.ndim == 2 else _OF_COLOUR)
    larger = min(have / want for have, want in zip(shown.shape, sides, strict=False))
    for times in range(halved.times, 0, -1):
        if off / max(1.0, larger) ** power <= _MOST_OFF:
            return times
        if halved.by == "DCT":
            break  # it decodes all of the entropy-coded data in any case: once more has to be enough
        larger *= 2
    return 0


def differences(shown: Array, span: float) -> float:
    """The mean difference of neighbours, in greys, of which a ``span`` has 255."""
    if span <= 0:
        return 0.0
    means = [total / size for total, size in _sums(shown) if size]
    return sum(means) / max(1, len(means)) * 255 / span


def _sums(shown: Array) -> list[tuple[float, int]]:
    """Sums of differences of neighbours in each `_STEP`-th row, and to the row below; how many."""
    rows, below = shown[::_STEP], shown[1::_STEP]
    sizes = len(rows) * (shown.shape[1] - 1), below.size
    is_picture = shown.ndim == 2 and shown.dtype in (np.uint8, np.uint16)
    if is_picture and shown.shape[1] < _MOST_COLUMNS and _PAYOFF.reached(rows.size):
        from fastdcm.kernels.areas import neighbour_differences

        found = neighbour_differences(np.ascontiguousarray(shown), _STEP)
        return list(zip(found, sizes, strict=True))
    rows = rows.astype(np.dtype("f8" if shown.dtype.kind == "f" else "i2" if shown.itemsize == 1 else "i4"))
    apart = np.abs(np.diff(rows, axis=1)), np.abs(rows[: len(below)] - below)
    return [(float(each.sum(dtype=np.float64)), each.size) for each in apart]


def linear_grey(plan: Plan, header: Header) -> float | None:
    """The stored values in a grey of 255, where display values are a line of stored ones; else None.

    A line as far as halving is concerned. Not those of palettes, label maps and single bits, of frames with
    padding, of LUTs, and of ranges that the frame's own values decide.
    """
    if is_label_map(header) or header.is_float:
        return None
    match plan:
        case GrayPlan(automatic=None, padding=None, supplemental=None):
            chain, bits = plan.chain, header.bits_stored
        case ColourPlan():
            chain, bits = Chain(None, plan.voi), plan.bits_stored
        case _:
            return None
    width = _width(chain)
    if width is None or not (width / 255 >= _LEAST_GREY or _holds_all(chain, bits, signed=header.signed)):
        return None
    return width / 255


def grey(plan: Plan, header: Header) -> float | None:
    """The width of a grey in stored values, for a gray frame whose window is a line; else None."""
    match plan:
        case GrayPlan(automatic=None, supplemental=None) if not header.is_float:
            width = _width(plan.chain)
            return None if width is None else width / ((1 << plan.chain.bits) - 1)
    return None


def _width(chain: Chain) -> float | None:
    """The width of a window, or range, in stored values; None where the chain is no line between its ends."""
    modality = chain.modality
    if chain.presentation_lut is not None or isinstance(modality, Lut) or (modality and not modality.slope):
        return None
    low, high = _ends(chain)
    slope = 1.0 if modality is None else abs(modality.slope)
    return (high - low) / slope if high > low else None


def _ends(chain: Chain) -> tuple[float, float]:
    """The modality values at which a line is black, and white; equal where there is none."""
    match chain.voi:
        case Range(low, high):
            return low, high
        case Window(center, width, "LINEAR"):
            return center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2
        case Window(center, width, "LINEAR_EXACT"):
            return center - width / 2, center + width / 2
    return 0.0, 0.0


def _holds_all(chain: Chain, bits: int, *, signed: bool) -> bool:
    """Whether a window clips no stored value."""
    assert not isinstance(chain.modality, Lut)
    slope, intercept = chain.modality or Rescale(1.0, 0.0)
    least = -(1 << bits) / 2 if signed else 0.0
    values = sorted(value * slope + intercept for value in (least, least + (1 << bits) - 1))
    low, high = _ends(chain)
    return low <= values[0] and values[1] <= high
