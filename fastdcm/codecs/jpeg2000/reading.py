"""The packets of a JPEG 2000 codestream by kernels (ITU-T T.800 annex B): tier-2.

One kernel reads all packets of all tiles, in an order that is made here. What is wrong with those that do not
add up is found by `fastdcm.codestream.jpeg2000`, which reads them one by one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.codecs.jpeg2000.blocks import MorePassesError
from fastdcm.codecs.jpeg2000.layout import TileLayout
from fastdcm.codestream.jpeg2000 import Jpeg2000Header, packets
from fastdcm.codestream.jpeg2000.coding import Progression
from fastdcm.codestream.jpeg2000.precincts import TooMuchWorkError, Work
from fastdcm.kernels.block_tables import collect
from fastdcm.kernels.code_blocks import FIELDS
from fastdcm.kernels.packet_headers import LIMIT, MOST_SEGMENTS, READER_SIZE, SEGMENT
from fastdcm.kernels.packet_tables import PRECINCT, SHARE
from fastdcm.kernels.packets import (
    COMPONENT,
    LEVEL,
    NO_ROOM,
    NUMBER,
    TILE,
    TOO_MUCH,
    WHOLE,
    X,
    Y,
    divide,
    read_packets,
)

Integers = NDArray[np.int64]

_LAYER = -1
#: What progressions go by (B.12.1), from the outermost loop on, as columns of ``precincts``.
_LOOPS = {
    "LRCP": (_LAYER, LEVEL, COMPONENT, NUMBER),
    "RLCP": (LEVEL, _LAYER, COMPONENT, NUMBER),
    "RPCL": (LEVEL, Y, X, COMPONENT, NUMBER, _LAYER),
    "PCRL": (Y, X, COMPONENT, LEVEL, NUMBER, _LAYER),
    "CPRL": (COMPONENT, Y, X, LEVEL, NUMBER, _LAYER),
}


class Tables(NamedTuple):
    """What `fastdcm.kernels.code_blocks` decodes; of each tile-component where its part ends in each.

    ``longest`` is how many bytes the longest code-block has.
    """

    blocks: Integers
    chunks: Integers
    segments: Integers
    ends: Integers
    longest: int


class _Divided(NamedTuple):
    """`packet_tables` of all tile-components, how many code-blocks there are, and integers of ``states``."""

    resolutions: Integers
    precincts: Integers
    shares: Integers
    blocks: int
    size: int


def read(data: bytes, header: Jpeg2000Header, tiles: Sequence[TileLayout], *, partial: bool) -> Tables:
    """Read all packets; with ``partial`` some may be missing.

    Raises CodestreamError where packets are missing or contradict the headers, UnsupportedError where there
    are too many to follow.
    """
    work = Work()
    most = sum(_most_packets(tile) for tile in tiles)
    if most > len(data) and not partial:  # each has a byte
        raise _error(data, header, partial=False)
    work.add(most)
    divided = _divided(tiles, work)
    order, ends = _order(divided.precincts, tiles)
    of_tiles = *_parts(header, tiles, ends), order, divided.precincts, divided.shares
    source, room, how = np.frombuffer(data, np.uint8), divided.blocks + len(order) + MOST_SEGMENTS, NO_ROOM
    while how == NO_ROOM:
        room *= 2
        rows, offsets = np.empty(room * SEGMENT, np.int64), np.empty(room, np.int64)
        states, reader = np.zeros(divided.size, np.int64), np.zeros(READER_SIZE, np.int64)
        reader[LIMIT] = work.left
        how, found = read_packets(source, *of_tiles, states, reader, rows, offsets, int(partial))
    if how == TOO_MUCH:
        raise TooMuchWorkError("JPEG 2000 streams of so long packet headers are not supported")
    if how != WHOLE:
        raise _error(data, header, partial=partial)
    return _collected(divided, rows, offsets, found, (len(tiles), len(header.components)))


def _most_packets(tile: TileLayout) -> int:
    """No tile has more packets."""
    layers = sum(progression.layers for progression in tile.progressions)
    return sum(component.precincts for component in tile.components) * max(1, layers)


def _divided(tiles: Sequence[TileLayout], work: Work) -> _Divided:
    layouts = [component for tile in tiles for component in tile.components]
    resolutions = np.concatenate([each.levels for each in layouts])
    owners = np.repeat(np.arange(len(layouts)), [len(each.levels) for each in layouts])
    resolutions[:, 0], resolutions[:, 1] = np.divmod(owners, len(tiles[0].components))
    count = sum(each.precincts for each in layouts)
    precincts = np.empty((count, len(PRECINCT)), np.int64)
    shares = np.empty((3 * count, len(SHARE)), np.int64)
    number, blocks, size = divide(resolutions, precincts, shares, work.left)
    if blocks < 0:
        raise TooMuchWorkError("JPEG 2000 streams of so many code-blocks are not supported")
    return _Divided(resolutions, precincts, shares[:number], blocks, size)


def _collected(
    divided: _Divided, rows: Integers, offsets: Integers, found: int, shape: tuple[int, int]
) -> Tables:
    """What `read_packets` found, by code-block; ``shape`` is how many tiles and components there are."""
    tables = (
        np.empty((found, FIELDS), np.int64),
        np.empty((found, 2), np.int64),
        np.empty((found, 2), np.int64),
        np.zeros((shape[0] * shape[1], 3), np.int64),
    )
    rooms = np.zeros(divided.blocks + 1, np.int64), np.empty(found, np.int64)
    wrong = np.zeros(3, np.int64)
    segments = divided.resolutions, divided.shares, rows, offsets, found
    longest = collect(*segments, shape[1], *rooms, *tables, wrong)
    if longest < 0:
        passes, zeros, planes = wrong.tolist()
        raise MorePassesError(
            f"a code-block has {passes} coding passes after {zeros} bit-planes of zeros, its sub-band has "
            f"{planes} bit-planes"
        )
    return Tables(*tables[:3], np.maximum.accumulate(tables[3]), longest)


def _error(data: bytes, header: Jpeg2000Header, *, partial: bool) -> TooMuchWorkError:
    """Raises the error that tells what is wrong with the packets; else one of many packets is."""
    deque(packets(data, header, partial=partial), maxlen=0)
    return TooMuchWorkError("JPEG 2000 streams of so many packets are not supported")


def _order(precincts: Integers, tiles: Sequence[TileLayout]) -> tuple[Integers, list[int]]:
    """Precinct and layer of each packet, tile after tile; of each tile where its packets end."""
    found = []
    behind = np.searchsorted(precincts[:, TILE], np.arange(len(tiles)), "right").tolist()
    first = tile = 0
    for progressions, alike in groupby(tiles, lambda each: each.progressions):
        tile += len(list(alike))
        packets = _packets(precincts[first : behind[tile - 1]], progressions)
        packets[:, 0] += first
        found.append(packets)
        first = behind[tile - 1]
    order = found[0] if len(found) == 1 else np.concatenate(found)
    return order, np.searchsorted(precincts[order[:, 0], TILE], np.arange(len(tiles)), "right").tolist()


def _packets(precincts: Integers, progressions: Sequence[Progression]) -> Integers:
    """Precinct and layer of the packets of tiles that have the same progression order volumes (B.12.2)."""
    volumes = []
    for order, levels, components, layers in progressions:
        level, component = precincts[:, LEVEL], precincts[:, COMPONENT]
        inside = (level >= levels.start) & (level < levels.stop)
        inside &= (component >= components.start) & (component < components.stop)
        number = np.repeat(np.flatnonzero(inside), layers)
        layer = np.tile(np.arange(layers), np.count_nonzero(inside))
        at = precincts[number]
        loops = [layer if loop == _LAYER else at[:, loop] for loop in (TILE, *_LOOPS[order])]
        volumes.append(np.stack([number, layer], 1)[np.lexsort(loops[::-1])])
    if len(volumes) == 1:
        return volumes[0]
    # Where volumes overlap, the first has the packet.
    packets = np.concatenate(volumes)
    _, firsts = np.unique(packets, axis=0, return_index=True)
    packets = packets[np.sort(firsts)]
    return packets[np.argsort(precincts[packets[:, 0], TILE], kind="stable")]


def _parts(
    header: Jpeg2000Header, tiles: Sequence[TileLayout], packet_ends: Sequence[int]
) -> tuple[Integers, Integers]:
    """``tiles`` and ``parts`` as `read_packets` takes them."""
    parts = sorted(header.tile_parts, key=lambda part: part.tile)
    ends = np.searchsorted([part.tile for part in parts], np.arange(len(tiles)), "right").tolist()
    eph = [tile.eph for tile in tiles]
    starts = [0, *ends[:-1]], [0, *packet_ends[:-1]]
    table = np.array([starts[0], ends, starts[1], packet_ends, eph], np.int64)
    return table.T.copy(), np.array([[part.packets, part.end] for part in parts], np.int64)
