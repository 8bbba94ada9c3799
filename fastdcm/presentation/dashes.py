"""Dashed lines (PS3.3 C.10.5.1.3.13): which parts of a line are on and off by a Line Pattern."""

from __future__ import annotations

import math
from itertools import groupby, pairwise

from fastdcm.presentation.state import Point

Piece = tuple[Point, ...]
#: Places beyond are drawn as if they were here; `graphics.whole_pixel` has the same.
_FAR = 1e6


def bits_of(pattern: int) -> list[bool]:
    """The bits in the order in which they follow along a line, from the least significant one on.

    The standard has a value of 32 bits, of which 00FFH "defines the dashes with an equal size". That it does
    of 16 bits, so these count where the others are 0. It leaves the order open; this one is that of OpenGL,
    whose patterns these are.
    """
    count = 32 if pattern >> 16 else 16
    return [bool(pattern >> bit & 1) for bit in range(count)]


def dashed(
    outline: tuple[Point, ...], pattern: int, bit: int, size: tuple[int, int]
) -> tuple[list[Piece], list[Piece]]:
    """The parts of a line that are on, and those that are off.

    ``bit`` is how many pixels of what is shown, of ``size``, a bit is long. A part goes from the middle of
    its first pixel to that of its last one, and around corners. What lies far outside is left out.
    """
    runs, period = [], 0
    for is_on, group in groupby(bits_of(pattern)):
        until = period + len(list(group)) * bit
        runs.append((period, until - 1, is_on))
        period = until
    walked = 0.0
    found: dict[tuple[int, int], list[Point]] = {}
    clamped = [(min(max(x, -_FAR), _FAR), min(max(y, -_FAR), _FAR)) for x, y in outline]
    for first, last in pairwise(clamped):
        length = math.dist(first, last)
        inside = _inside(first, last, size)
        if inside is not None and length:
            start, end = (walked + part * length for part in inside)
            for turn in range(math.floor(start / period), math.floor(end / period) + 1):
                for number, (begin, stop, _) in enumerate(runs):
                    low, high = max(turn * period + begin, start), min(turn * period + stop, end)
                    if low <= high:
                        piece = found.setdefault((turn, number), [])
                        piece += [_along(first, last, (at - walked) / length) for at in (low, high)]
        walked += length
    on, off = (
        [tuple(piece) for (_, number), piece in found.items() if runs[number][2] is wanted]
        for wanted in (True, False)
    )
    return on, off


def _along(first: Point, last: Point, part: float) -> Point:
    return first[0] + (last[0] - first[0]) * part, first[1] + (last[1] - first[1]) * part


def _inside(first: Point, last: Point, size: tuple[int, int]) -> tuple[float, float] | None:
    """Which part of a line, 0.0 to 1.0, is near what is shown (Liang and Barsky); None if nothing is."""
    low, high = 0.0, 1.0
    for start, end, side in zip(first, last, size, strict=True):
        step = end - start
        if step == 0:
            if not -side <= start <= 2 * side:
                return None
            continue
        near, far = sorted(((-side - start) / step, (2 * side - start) / step))
        low, high = max(low, near), min(high, far)
    return (low, high) if low <= high else None
