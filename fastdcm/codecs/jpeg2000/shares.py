"""Which code-blocks a thread decodes at a time, so that threads end together."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.kernels.code_blocks import BYTES

Array = NDArray[Any]

#: Of what is left, the part that a thread takes at a time, and bytes that are worth asking for: some 0.1 ms.
_PARTS, _LEAST_BYTES = 2, 1024


class Shares(NamedTuple):
    """Code-blocks in the order in which they are decoded, and the last bit-plane of each.

    ``parts`` are ranges of them that are decoded at a time; those of a range have the same bit-plane.
    """

    blocks: Array
    lowest: Array
    parts: list[tuple[int, int]]


def shares(blocks: Array, lowest: Array, threads: int) -> Shares:
    """What ``threads`` take of these ``blocks`` of a tile-component, which are sorted by ``lowest``.

    What takes longest comes first: a code-block takes as long as it has bytes.
    """
    if threads <= 1:
        return Shares(blocks, lowest, list(_alike(lowest)))
    found, parts = [], []
    for first, end in _alike(lowest):
        alike = blocks[first:end]
        ordered = alike[alike[:, BYTES].argsort()[::-1]]
        bounds = _bounds(ordered[:, BYTES].cumsum(), threads)
        parts += [(first + start, first + stop) for start, stop in pairwise(bounds)]
        found.append(ordered)
    return Shares(found[0] if len(found) == 1 else np.concatenate(found or [blocks]), lowest, parts)


def _alike(values: Array) -> Iterator[tuple[int, int]]:
    """Ranges of equal values of those that are sorted."""
    if len(values) and values[0] == values[-1]:
        yield 0, len(values)
        return
    starts = [0, *(np.flatnonzero(values[1:] != values[:-1]) + 1).tolist()]
    if len(values):
        yield from zip(starts, [*starts[1:], len(values)], strict=True)


def _bounds(behind: Array, threads: int) -> list[int]:
    """Where parts that get smaller begin and end, of code-blocks behind which there are so many bytes."""
    total = int(behind[-1])
    done, wanted = 0, []
    while done < total:
        done += max(_LEAST_BYTES, (total - done) // (_PARTS * threads))
        wanted.append(done)
    # A part ends with the code-block by which it has as many bytes.
    ends = np.searchsorted(behind, wanted) + 1
    return sorted({0, len(behind), *np.minimum(ends, len(behind)).tolist()})
