"""Which code-blocks a thread decodes at a time, so that threads end together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.codecs.jpeg2000.blocks import TileComponent
from fastdcm.kernels.code_blocks import CHUNK, CHUNK_END, OUT, STRIDE

Array = NDArray[Any]

#: Of what is left, the part that a thread takes at a time, and bytes that are worth asking for: some 50 us.
_PARTS, _LEAST_BYTES = 4, 512


class Shares(NamedTuple):
    """Code-blocks in the order in which they are decoded, and the last bit-plane of each.

    ``lower`` and ``highest`` are ranges of them that are decoded at a time, of the levels below the highest
    one and of that, if threads share them; else all are ``lower``. Those of a range have the same bit-plane.
    """

    blocks: Array
    lowest: Array
    lower: list[tuple[int, int]]
    highest: list[tuple[int, int]]


def shares(component: TileComponent, blocks: Array, lowest: Array, threads: int) -> Shares:
    """What ``threads`` take of these ``blocks`` of a tile-component, which are sorted by ``lowest``.

    What takes longest comes first: a code-block takes as long as it has bytes.
    """
    if threads <= 1:
        return Shares(blocks, lowest, list(_alike(lowest)), [])
    sizes = np.concatenate([[0], np.cumsum(component.chunks[:, 1])])
    sizes = sizes[blocks[:, CHUNK_END]] - sizes[blocks[:, CHUNK]]
    is_highest = _of_highest(component, blocks)
    order = np.lexsort((-sizes, lowest, is_highest))
    blocks, lowest, is_highest, costs = blocks[order], lowest[order], is_highest[order], sizes[order].tolist()
    found: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
    for first, end in _alike(2 * lowest + is_highest):
        found[is_highest[first]].extend(_parts(costs, first, end, threads))
    return Shares(blocks, lowest, *found)


def _of_highest(component: TileComponent, blocks: Array) -> Array:
    """Which code-blocks are of the highest level: 0 or 1."""
    below = component.resolutions[-2:-1] or component.resolutions
    rows, columns = np.divmod(blocks[:, OUT], blocks[:, STRIDE])
    return ((rows >= below[0].y1 - below[0].y0) | (columns >= below[0].x1 - below[0].x0)).astype(np.int64)


def _alike(values: Array) -> Iterator[tuple[int, int]]:
    """Ranges of equal values of those that are sorted."""
    if len(values) and values[0] == values[-1]:
        yield 0, len(values)
        return
    starts = [0, *(np.flatnonzero(values[1:] != values[:-1]) + 1).tolist()]
    if len(values):
        yield from zip(starts, [*starts[1:], len(values)], strict=True)


def _parts(costs: list[int], first: int, end: int, threads: int) -> Iterator[tuple[int, int]]:
    """The range ``first`` to ``end`` - 1 in parts that get smaller."""
    left, taken = sum(costs[first:end]), 0
    for number in range(first, end):
        taken += costs[number]
        if number + 1 == end or taken * _PARTS * threads >= max(left, _PARTS * threads * _LEAST_BYTES):
            yield first, number + 1
            left, taken, first = left - taken, 0, number + 1
