"""The area filter: each pixel of a smaller picture is the mean of what lies under it.

In whole numbers: so many units of the source lie under a pixel, by the part of each of its pixels that does.
A picture that a decoder has halved is counted where its samples were (`fastdcm.model.Halved`): for a wavelet
that is not where means of squares would be, and taken for these it would be shifted by up to half a pixel.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.kernels import Payoff
from fastdcm.model import Halved

Array = NDArray[Any]
_PAYOFF = Payoff(modules=("areas",))
#: Bytes of the sums that are worked at together, which should stay in the cache.
_BLOCK_BYTES = 1 << 18
#: Whole numbers up to here are exact in float32.
_EXACT_SINGLE = 1 << 24


class Shares(NamedTuple):
    """What each pixel covers along one axis of a picture, as whole numbers.

    ``firsts`` is (new,), the first of the old pixels, ``shares`` (new, most), how much of that one, the next,
    and so on; they add up to ``total``. Old pixels that are not there have the share 0. ``stride`` is how far
    the firsts are from each other, 0 where that differs.
    """

    firsts: Array
    shares: Array
    total: int
    stride: int


def shrunk(pixels: Array, rows: int, columns: int, halved: Halved | None = None, *, of: Any = None) -> Array:
    """(rows, columns[, 3]) of the same dtype, floor(y + 0.5) of the mean y of the area of each pixel.

    ``pixels`` are uint8 or uint16, of a decoder that ``halved`` a picture ``of`` this shape, its own by
    default. Where nothing is to be done they are the result themselves.
    """
    down, across = shares_of(pixels.shape, rows, columns, halved, of)
    if down.total == across.total == 1 and pixels.shape[:2] == (rows, columns):
        return pixels
    if not _PAYOFF.reached(pixels.size):
        sums, total = _sums(pixels, down, across, np.iinfo(pixels.dtype).max)
        return _rounded_quotient(sums, total).astype(pixels.dtype)
    from fastdcm.kernels.areas import area_means, regular_means

    out = np.empty((rows, columns, *pixels.shape[2:]), pixels.dtype)
    flat = np.ascontiguousarray(pixels).reshape(pixels.shape[0], -1)
    whole = float(down.total * across.total)
    if pixels.ndim == 2 and across.stride and (np.iinfo(pixels.dtype).max + 1) * whole < _EXACT_SINGLE:
        single = np.float32
        reach = int(across.firsts[-1]) + across.shares.shape[1]
        room = np.zeros((2, max(flat.shape[1], columns, reach)), single)
        shares = down.shares.astype(single), np.ascontiguousarray(across.shares.T, single)
        start = int(across.firsts[0]), across.stride
        regular_means(flat, down.firsts, shares[0], *start, shares[1], whole, room, out)
        return out
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    places, parts = _places(across, pixels.shape[1], channels)
    room = np.empty((2, max(flat.shape[1], places.shape[1])))
    area_means(flat, down.firsts, down.shares, places, parts, whole, room, out.reshape(rows, -1))
    return out


def means(values: Array, rows: int, columns: int, halved: Halved | None = None, *, of: Any = None) -> Array:
    """`shrunk` of values of any kind, not rounded: float64."""
    down, across = shares_of(values.shape, rows, columns, halved, of)
    sums, total = _sums(values, down, across, np.inf)
    mean: Array = sums / total
    return mean


def area_sums(pixels: Array, rows: int, columns: int) -> tuple[Array, int]:
    """(sums, weight): the means of the areas, times the weight, as whole numbers in uint32 or float64."""
    down, across = shares_of(pixels.shape, rows, columns)
    return _sums(pixels, down, across, np.iinfo(pixels.dtype).max)


def shares_of(
    shape: tuple[int, ...], rows: int, columns: int, halved: Halved | None = None, of: Any = None
) -> tuple[Shares, Shares]:
    """Of both axes; arguments as `shrunk`."""
    times, top, left = (halved.times, halved.top, halved.left) if halved else (0, 0.0, 0.0)
    whole = of or shape
    return (
        _shares(whole[0], shape[0], rows, times, top),
        _shares(whole[1], shape[1], columns, times, left),
    )


@lru_cache(maxsize=64)
def _shares(whole: int, old: int, new: int, times: int, start: float) -> Shares:
    """Shares of ``new`` pixels in ``old`` ones, of which each stands for 2^times of ``whole``.

    The first one begins at ``start``, a multiple of a half. What is before it counts to it, as what is behind
    the last one counts to that.
    """
    if old == new and (times == 0 or (start == 0 and whole == old << times)):
        return Shares(np.arange(new), np.ones((new, 1)), 1, 1)
    # In units of which a pixel of the whole has 2 new, so that all edges are whole numbers.
    unit = 1 if times == 0 else 2
    edges = round(unit * start) * new + unit * (new << times) * np.arange(old + 1, dtype=np.int64)
    edges[0], edges[-1] = min(edges[0], 0), max(edges[-1], unit * new * whole)
    edges = np.clip(edges, 0, unit * new * whole)
    total = unit * whole
    starts = total * np.arange(new, dtype=np.int64)
    firsts = np.searchsorted(edges, starts, "right") - 1
    most = int((np.searchsorted(edges, starts + total, "left") - firsts).max())
    places = firsts[:, None] + np.arange(most)
    inside = np.minimum(places, old - 1)
    ends = np.minimum(edges[inside + 1], starts[:, None] + total)
    overlap = np.where(places < old, ends - np.maximum(edges[inside], starts[:, None]), 0)
    shares = np.maximum(overlap, 0)
    common = int(np.gcd.reduce(shares, axis=None))  # of the total, too, which is a sum of them
    strides = set(np.diff(firsts).tolist()) or {1}
    stride = strides.pop() if len(strides) == 1 else 0
    return Shares(firsts, (shares // common).astype(np.float64), total // common, stride)


def _places(part: Shares, old: int, channels: int) -> tuple[Array, Array]:
    """Where the values are that each new one covers, and their shares, (most, new * channels)."""
    places = np.minimum(part.firsts + np.arange(part.shares.shape[1])[:, None], old - 1)[..., None]
    places = (places * channels + np.arange(channels)).reshape(len(places), -1)
    return places, np.repeat(part.shares.T, channels, axis=1)


def _sums(values: Array, down: Shares, across: Shares, top: float) -> tuple[Array, int]:
    """(sums, total); of values of at most ``top``, sums are in uint32 where that holds them, else float64."""
    total, sums = 1, values
    for axis, part in enumerate((down, across)):
        if part.total == 1 and len(part.firsts) == values.shape[axis]:
            continue  # as it is
        total *= part.total
        kind = np.uint32 if (top + 1) * total < 1 << 32 else np.float64
        if axis == 1:
            sums = np.ascontiguousarray(sums.swapaxes(0, 1))
        sums = _along_first_axis(sums, part, kind)
        if axis == 1:
            sums = sums.swapaxes(0, 1)
    return sums, total


def _along_first_axis(values: Array, part: Shares, kind: Any) -> Array:
    """Sums of shares of the first axis; those of a part's first value, its second, and so on, at a time."""
    flat = values.reshape(len(values), -1)
    sums = np.zeros((len(part.firsts), flat.shape[1]), kind)
    steps = [
        (np.minimum(part.firsts + step, len(values) - 1), part.shares[:, step, None].astype(kind))
        for step in range(part.shares.shape[1])
    ]
    may_be_endless = flat.dtype.kind == "f" and not np.isfinite(flat).all()
    size = max(1, _BLOCK_BYTES // sums[0].nbytes)
    for start in range(0, len(sums), size):
        block = slice(start, start + size)
        for place, shares in steps:
            taken = flat[place[block]]
            if may_be_endless:
                taken = np.where(shares[block] > 0, taken, 0)  # 0 times NaN, or infinity, is NaN
            sums[block] += np.multiply(taken, shares[block], dtype=kind, casting="unsafe")
    return sums.reshape(len(sums), *values.shape[1:])


def _rounded_quotient(sums: Array, weight: int) -> Array:
    """floor(sums / weight + 0.5). A quotient of less than 2^53 is not rounded up to a whole number."""
    if sums.dtype == np.uint32:
        quotient: Array = (sums + np.uint32(weight // 2)) // np.uint32(weight)
        return quotient
    return np.floor((sums + weight // 2) / weight)
