"""The packets of a JPEG 2000 codestream by kernels (ITU-T T.800 annex B): tier-2.

`planning` has the order that headers call for, `walk` reads the packets; here these become tables of
code-blocks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.codecs.jpeg2000.blocks import MorePassesError, Tile, TileComponent
from fastdcm.codecs.jpeg2000.planning import Plan, plan_of
from fastdcm.codecs.jpeg2000.walk import Walked, walked
from fastdcm.codestream.jpeg2000 import Jpeg2000Header
from fastdcm.codestream.jpeg2000.coding import Bytes
from fastdcm.kernels.block_tables import collect
from fastdcm.kernels.code_blocks import FIELDS

Integers = NDArray[np.int64]


class Tables(NamedTuple):
    """What `fastdcm.kernels.code_blocks` decodes; of each tile-component where its part ends in each.

    ``longest`` is how many bytes the longest code-block has.
    """

    blocks: Integers
    chunks: Integers
    segments: Integers
    ends: Integers
    longest: int


def tiles(data: Bytes, header: Jpeg2000Header, *, reduce: int = 0, partial: bool = False) -> list[Tile]:
    """The tiles of a codestream that `blocks.refusal` has nothing against, in their order.

    With ``partial`` packets may be missing; coefficients that are not there are 0. The highest ``reduce``
    resolutions of each component are left out; that their packets are there is proven all the same. What
    kernels rely on holds for the tables: chunks lie in ``data``, code-blocks lie in their plane and have 1 to
    `MOST_BIT_PLANES` bit-planes, and no more coding passes than these have.

    Raises CodestreamError where packets are missing or contradict the headers, OptionError where a component
    has fewer than ``reduce`` decompositions, UnsupportedError where there are too many packets to follow.
    """
    plan = plan_of(data, header, reduce, partial=partial)
    found = plan.tiles
    read = walked(data, header, plan, partial=partial)
    blocks, chunks, segments, ends, longest = _collected(plan, read, len(header.components))
    components = [component for tile in found for component in tile.components]
    made = []
    start = [0, 0, 0]
    for layout, end in zip(components, ends.tolist(), strict=True):
        style = layout.style
        said = layout.area, layout.resolutions, style.reversible, style.style, layout.plane, layout.bands
        tables = layout.transform, blocks[start[0] : end[0]], chunks[start[1] : end[1]]
        made.append(TileComponent(*said, *tables, segments[start[2] : end[2]], longest))
        start = end
    count = len(header.components)
    return [
        Tile(tile.area, tile.mct, tuple(made[number * count : (number + 1) * count]))
        for number, tile in enumerate(found)
    ]


def _collected(plan: Plan, read: Walked, components: int) -> Tables:
    """What was read, by code-block."""
    rows, offsets, found, _ = read
    tables = (
        np.empty((plan.blocks, FIELDS), np.int64),
        np.empty((found, 2), np.int64),
        np.empty((found, 2), np.int64),
        np.zeros((len(plan.tiles) * components, 3), np.int64),
    )
    rooms = np.zeros(plan.blocks + 1, np.int64), np.empty(found, np.int64)
    wrong = np.zeros(3, np.int64)
    segments = plan.resolutions, plan.shares, rows, offsets, found
    longest = collect(*segments, components, *rooms, *tables, wrong)
    if longest < 0:
        passes, zeros, planes = wrong.tolist()
        raise MorePassesError(
            f"a code-block has {passes} coding passes after {zeros} bit-planes of zeros, its sub-band has "
            f"{planes} bit-planes"
        )
    return Tables(*tables[:3], np.maximum.accumulate(tables[3]), longest)
