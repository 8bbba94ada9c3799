"""The part of a picture that is no border of background: where detectors look.

The rule, on display values of 8 bits (of colour, the greatest of the three), in cells of the picture: squares
of so many pixels that its longest side has at most 512 of them.

1. Lines of cells at the edges that are all of one grey, black or bright, are no content, from all sides:
   plain borders, collimated parts that are shown in white, frames drawn around the picture.
2. Background is what is hardly brighter than the darkest grey that the rest has much of.
3. What is thinner than a fiftieth of the longest side is taken away: letters, lines, rulers, edges of
   collimators. What is left is content by connected parts: the largest one, and all that have a tenth of its
   area. So smaller marks at the border are none, two hands or knees are both.
4. The box has these parts, with what adjoins them and is no background within a fiftieth of the longest side
   (tips that step 3 took away), and one cell more each way.

A picture in which nothing is left is content as a whole.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdcm.model import Region
from fastdcm.rendering.areas import shrunk

Array = NDArray[Any]
#: Cells of the longest side.
_CELLS = 512
#: Greys by which the cells of a line may differ that is of one grey.
_ALIKE = 12
#: Greys by which content is brighter than background, at least; and the part of the way to bright content.
_BRIGHTER, _PART = 6, 0.08
#: Cells of the longest side to those of the thinnest content.
_THIN = 50
#: Parts that belong to the content, by their area in that of the largest one.
_LEAST_PART = 0.1
#: Content is at least this part of the picture.
_LEAST = 0.002


def content_box(shown: Array) -> Region:
    """The box of the content of display values, (rows, columns[, 3]) of uint8; of whole cells.

    A picture without a border, or with nothing else, is its own box.
    """
    rows, columns = shown.shape[:2]
    gray = shown if shown.ndim == 2 else shown.max(axis=2)
    side = -(-max(rows, columns) // _CELLS)
    cells = _cells(gray, side)
    top, bottom, left, right = _within_borders(cells)
    found = _content(cells[top:bottom, left:right], max(1, max(cells.shape) // _THIN))
    if found is None:
        return Region(0, 0, columns, rows)
    upper, lower, first, last = found
    y, x = max(top + upper - 1, top) * side, max(left + first - 1, left) * side
    y_end, x_end = min(top + lower + 1, bottom) * side, min(left + last + 1, right) * side
    return Region(x, y, min(x_end, columns) - x, min(y_end, rows) - y)


def _cells(gray: Array, side: int) -> Array:
    """Means of squares of this side; those at the right and lower edges have what is left."""
    if side == 1:
        return gray
    rows, columns = gray.shape
    spare = -rows % side, -columns % side
    if any(spare):
        gray = np.pad(gray, ((0, spare[0]), (0, spare[1])), "edge")
    return shrunk(gray, gray.shape[0] // side, gray.shape[1] // side)


def _within_borders(cells: Array) -> tuple[int, int, int, int]:
    """(top, bottom, left, right) of what is left without lines at the edges that are all of one grey.

    That of a side is the grey of its first line: plain content behind a border is none.
    """
    top, left, (bottom, right) = 0, 0, cells.shape
    greys: dict[str, int] = {}

    def goes(side: str, line: Array) -> bool:
        least, most = int(line.min()), int(line.max())
        return most - least <= _ALIKE and abs(least - greys.setdefault(side, least)) <= _ALIKE

    changed = True
    while changed and top < bottom and left < right:
        part, changed = cells[top:bottom, left:right], True
        if goes("top", part[0]):
            top += 1
        elif goes("bottom", part[-1]):
            bottom -= 1
        elif goes("left", part[:, 0]):
            left += 1
        elif goes("right", part[:, -1]):
            right -= 1
        else:
            changed = False
    return top, bottom, left, right


def _content(cells: Array, thin: int) -> tuple[int, int, int, int] | None:
    """(top, bottom, left, right) of what is no background, nor has less than ``thin`` cells; None where there
    is nothing.
    """
    if min(cells.shape) < 2:
        return None
    there = cells > _threshold(cells)
    solid = _opened(there, thin)
    parts = _parts(solid)
    if not parts or parts[0][0] < _LEAST * cells.size:
        return None
    kept = np.zeros_like(there)
    for area, runs in parts:
        if area >= _LEAST_PART * parts[0][0]:
            for row, first, end in runs:
                kept[row, first:end] = True
    for _ in range(thin):
        kept = _grown(kept) & there
    down, across = np.flatnonzero(kept.any(axis=1)), np.flatnonzero(kept.any(axis=0))
    return int(down[0]), int(down[-1]) + 1, int(across[0]), int(across[-1]) + 1


def _threshold(cells: Array) -> float:
    """The brightest grey of background: a little more than the one that the darker half has most of."""
    counts = np.bincount(cells.ravel(), minlength=256)
    bright = float(np.percentile(cells, 95))
    darker = counts[: max(1, int(bright / 2) + 1)]
    # A single grey may be missing where a window steps: neighbours count.
    background = int(np.convolve(darker, np.ones(3), "same").argmax())
    return background + max(_BRIGHTER, _PART * (bright - background))


def _opened(there: Array, thin: int) -> Array:
    """Without what has no square of so many cells; what lies at the edge goes on behind it no further."""
    padded = np.pad(there, thin)
    for axis in (0, 1):
        padded = _windows(padded, thin, axis) == thin
    for axis in (0, 1):
        padded = _windows(padded[::-1, ::-1], thin, axis)[::-1, ::-1] > 0
    opened: Array = padded[thin:-thin, thin:-thin]
    return opened


def _windows(values: Array, length: int, axis: int) -> Array:
    """How many of the values from each one on are set, ``length`` of them."""
    sums = np.cumsum(values, axis=axis, dtype=np.int32)
    end = [(0, 0), (0, 0)]
    end[axis] = (1, length - 1)
    sums = np.pad(sums, end, "edge")
    first = [slice(None), slice(None)]
    first[axis] = slice(0, 1)
    sums[tuple(first)] = 0
    size = values.shape[axis]
    low, high = [slice(None), slice(None)], [slice(None), slice(None)]
    low[axis], high[axis] = slice(0, size), slice(length, length + size)
    counts: Array = sums[tuple(high)] - sums[tuple(low)]
    return counts


def _grown(there: Array) -> Array:
    grown = there.copy()
    grown[1:] |= there[:-1]
    grown[:-1] |= there[1:]
    grown[:, 1:] |= there[:, :-1]
    grown[:, :-1] |= there[:, 1:]
    return grown


Run = tuple[int, int, int]


def _parts(there: Array) -> list[tuple[int, list[Run]]]:
    """The connected parts, by sides, largest first: (area, runs), a run is (row, first, end)."""
    padded = np.pad(there, ((0, 0), (1, 1))).astype(np.int8)
    edges = np.diff(padded, axis=1)
    rows, firsts = np.nonzero(edges == 1)
    ends = np.nonzero(edges == -1)[1]
    runs: list[Run] = list(zip(rows.tolist(), firsts.tolist(), ends.tolist(), strict=True))
    parent = list(range(len(runs)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    above = 0
    for at, (row, first, end) in enumerate(runs):
        # Of the row above, those that end behind the first cell of this one and begin before its end.
        while runs[above][0] < row - 1 or (runs[above][0] == row - 1 and runs[above][2] <= first):
            above += 1
        other = above
        while runs[other][0] == row - 1 and runs[other][1] < end:
            parent[root(other)] = root(at)
            other += 1
    found: dict[int, list[Run]] = {}
    for at, run in enumerate(runs):
        found.setdefault(root(at), []).append(run)
    parts = [(sum(end - first for _, first, end in part), part) for part in found.values()]
    return sorted(parts, key=lambda part: -part[0])
