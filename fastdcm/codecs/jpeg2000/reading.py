"""The packets of a JPEG 2000 codestream by kernels (ITU-T T.800 annex B): tier-2.

One kernel reads all packets of all tiles, in an order that is made here. What is wrong with those that do not
add up is found by `fastdcm.codestream.jpeg2000`, which reads them one by one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import accumulate, groupby
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.codecs.jpeg2000.blocks import MorePassesError, Tile, TileComponent
from fastdcm.codecs.jpeg2000.layout import TileLayout, header_bytes, layouts
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


def tiles(data: bytes, header: Jpeg2000Header, *, reduce: int = 0, partial: bool = False) -> list[Tile]:
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
    blocks, chunks, segments, ends, longest = _read(data, header, plan, partial=partial)
    components = [component for tile in found for component in tile.components]
    made = []
    start = [0, 0, 0]
    for layout, end in zip(components, ends.tolist(), strict=True):
        style = layout.style
        headers = layout.area, layout.resolutions, style.reversible, style.style, layout.plane, layout.bands
        here = list(map(slice, start, end))
        made.append(TileComponent(*headers, blocks[here[0]], chunks[here[1]], segments[here[2]], longest))
        start = end
    count = len(header.components)
    return [
        Tile(tile.area, tile.mct, tuple(made[number * count : (number + 1) * count]))
        for number, tile in enumerate(found)
    ]


class Plan(NamedTuple):
    """What headers alone tell: the tiles, no more and no less than all packets, and the order of those that
    there are.

    Tables are those of `packet_tables`; ``blocks`` is how many code-blocks there are, ``size`` the length of
    ``states``. ``order`` is precinct and layer of each packet; ``parts`` is what `read_packets` calls
    ``tiles``.
    """

    tiles: Sequence[TileLayout]
    least: int
    most: int
    resolutions: Integers
    precincts: Integers
    shares: Integers
    blocks: int
    size: int
    order: Integers
    parts: Integers


#: Plans by all headers: images of a series often have the same.
_PLANS: dict[tuple[Any, ...], Plan] = {}
_MOST_PLANS, _LARGE_PLAN = 16, 10_000  # packets; what larger ones take is not worth the memory


def plan_of(data: bytes, header: Jpeg2000Header, reduce: int, *, partial: bool) -> Plan:
    """What is to be read, without the highest ``reduce`` resolutions; `tiles` has the rest of the arguments.

    Raises as `tiles` does.
    """
    of_parts = tuple([part.tile for part in header.tile_parts])
    key = reduce, of_parts, *header_bytes(data, header)
    found = _PLANS.get(key)
    work = Work()
    tiles = layouts(data, header, reduce) if found is None else found.tiles
    least, most = _counts(tiles) if found is None else (found.least, found.most)
    if least > len(data) and not partial:  # each has a byte
        raise _error(data, header, partial=False)
    work.add(most)
    if found is None:
        divided = _divided(tiles, work.left)
        order, ends = _order(divided[1], tiles)
        found = Plan(tiles, least, most, *divided, order, _parts(of_parts, tiles, ends))
        if most < _LARGE_PLAN and len(of_parts) < _LARGE_PLAN:
            if len(_PLANS) >= _MOST_PLANS:
                _PLANS.clear()
            _PLANS[key] = found
    if found.blocks > work.left:
        raise TooMuchWorkError("JPEG 2000 streams of so many code-blocks are not supported")
    return found


def _read(data: bytes, header: Jpeg2000Header, plan: Plan, *, partial: bool) -> Tables:
    """Read all packets; with ``partial`` some may be missing.

    Raises CodestreamError where packets are missing or contradict the headers, UnsupportedError where there
    are too many to follow.
    """
    parts = sorted(header.tile_parts, key=attrgetter("tile"))
    places = np.array([(part.packets, part.end) for part in parts], np.int64)
    of_tiles = plan.parts, places, plan.order, plan.precincts, plan.shares
    source, room, how = np.frombuffer(data, np.uint8), plan.blocks + len(plan.order) + MOST_SEGMENTS, NO_ROOM
    work = Work()
    work.add(plan.most)
    while how == NO_ROOM:
        room *= 2
        rows, offsets = np.empty(room * SEGMENT, np.int64), np.empty(room, np.int64)
        states, reader = np.zeros(plan.size, np.int64), np.zeros(READER_SIZE, np.int64)
        reader[LIMIT] = work.left
        how, found = read_packets(source, *of_tiles, states, reader, rows, offsets, int(partial))
    if how == TOO_MUCH:
        raise TooMuchWorkError("JPEG 2000 streams of so long packet headers are not supported")
    if how != WHOLE:
        raise _error(data, header, partial=partial)
    return _collected(plan, rows, offsets, found, (len(plan.tiles), len(header.components)))


def _counts(tiles: Sequence[TileLayout]) -> tuple[int, int]:
    """No fewer and no more packets than there are."""
    least = most = 0
    for tile in tiles:
        layers = [progression.layers for progression in tile.progressions]
        precincts = sum(component.precincts for component in tile.components)
        most += precincts * max(1, sum(layers))
        if len(layers) == 1:  # of several some may name the same packets, and all of them not every packet
            least += precincts * max(1, *layers)
    return least, most


def _divided(tiles: Sequence[TileLayout], most: int) -> tuple[Integers, Integers, Integers, int, int]:
    """Tables, ``blocks``, of which there may be ``most``, and ``size`` of a plan."""
    layouts = [component for tile in tiles for component in tile.components]
    resolutions = np.concatenate([each.levels for each in layouts])
    owners = np.repeat(np.arange(len(layouts)), [len(each.levels) for each in layouts])
    resolutions[:, 0], resolutions[:, 1] = np.divmod(owners, len(tiles[0].components))
    count = sum(each.precincts for each in layouts)
    precincts = np.empty((count, len(PRECINCT)), np.int64)
    shares = np.empty((3 * count, len(SHARE)), np.int64)
    number, blocks, size = divide(resolutions, precincts, shares, most)
    if blocks < 0:
        raise TooMuchWorkError("JPEG 2000 streams of so many code-blocks are not supported")
    return resolutions, precincts, shares[:number], blocks, size


def _collected(plan: Plan, rows: Integers, offsets: Integers, found: int, shape: tuple[int, int]) -> Tables:
    """What `read_packets` found, by code-block; ``shape`` is how many tiles and components there are."""
    tables = (
        np.empty((plan.blocks, FIELDS), np.int64),
        np.empty((found, 2), np.int64),
        np.empty((found, 2), np.int64),
        np.zeros((shape[0] * shape[1], 3), np.int64),
    )
    rooms = np.zeros(plan.blocks + 1, np.int64), np.empty(found, np.int64)
    wrong = np.zeros(3, np.int64)
    segments = plan.resolutions, plan.shares, rows, offsets, found
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


def _parts(of_parts: Sequence[int], tiles: Sequence[TileLayout], packets: list[int]) -> Integers:
    """``tiles`` as `read_packets` takes them, of which tile each tile-part is and where packets end."""
    counts = [0] * len(tiles)
    for tile in of_parts:
        counts[tile] += 1
    ends = list(accumulate(counts))
    eph = [tile.eph for tile in tiles]
    return np.array(list(zip([0, *ends[:-1]], ends, [0, *packets[:-1]], packets, eph, strict=True)), np.int64)
