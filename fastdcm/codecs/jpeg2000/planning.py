"""What headers alone tell of a codestream's packets, for kernels that read them (ITU-T T.800 annex B)."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import accumulate, groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.codecs.jpeg2000.layout import TileLayout, header_bytes, layouts
from fastdcm.codestream.jpeg2000 import Jpeg2000Header, packets
from fastdcm.codestream.jpeg2000.coding import Bytes, Progression
from fastdcm.codestream.jpeg2000.precincts import TooMuchWorkError, Work
from fastdcm.kernels.packet_tables import PRECINCT, RESOLUTION, SHARE, numbers
from fastdcm.kernels.packets import COMPONENT, LEVEL, NUMBER, TILE, X, Y, divide

Integers = NDArray[np.int64]

_KEPT, _ACROSS, _DOWN = numbers(RESOLUTION, "KEPT ACROSS DOWN")
_LAYER = -1
#: What progressions go by (B.12.1), from the outermost loop on, as columns of ``precincts``.
_LOOPS = {
    "LRCP": (_LAYER, LEVEL, COMPONENT, NUMBER),
    "RLCP": (LEVEL, _LAYER, COMPONENT, NUMBER),
    "RPCL": (LEVEL, Y, X, COMPONENT, NUMBER, _LAYER),
    "PCRL": (Y, X, COMPONENT, LEVEL, NUMBER, _LAYER),
    "CPRL": (COMPONENT, Y, X, LEVEL, NUMBER, _LAYER),
}


class Plan(NamedTuple):
    """What headers alone tell: the tiles, no more and no less than all packets, and the order of those that
    there are.

    Tables are those of `packet_tables`; ``blocks`` is how many code-blocks there are, ``size`` the length of
    ``states``. ``order`` is precinct and layer of each packet, ``kept`` the numbers of those of resolutions
    that are not left out; ``parts`` is what `read_packets` calls ``tiles``.
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
    kept: Integers
    parts: Integers


#: Plans by all headers: images of a series often have the same.
_PLANS: dict[tuple[Any, ...], Plan] = {}
_MOST_PLANS, _LARGE_PLAN = 16, 10_000  # packets; what larger ones take is not worth the memory


def plan_of(data: Bytes, header: Jpeg2000Header, reduce: int, *, partial: bool) -> Plan:
    """What is to be read, without the highest ``reduce`` resolutions of each component.

    With ``partial`` packets may be missing. Raises CodestreamError where there are fewer bytes than packets,
    or no quantization, OptionError where a component has fewer than ``reduce`` decompositions,
    TooMuchWorkError where there are too many packets to follow.
    """
    of_parts = tuple([part.tile for part in header.tile_parts])
    key = reduce, of_parts, *header_bytes(data, header)
    found = _PLANS.get(key)
    work = Work()
    tiles = layouts(data, header, reduce) if found is None else found.tiles
    least, most = _counts(tiles) if found is None else (found.least, found.most)
    if least > len(data) and not partial:  # each has a byte
        raise what_is_wrong(data, header, partial=False)
    work.add(most)
    if found is None:
        divided = _divided(tiles, work.left)
        order, ends = _order(divided[1], tiles)
        resolutions = divided[0]
        kept = np.repeat(resolutions[:, _KEPT], resolutions[:, _ACROSS] * resolutions[:, _DOWN])[order[:, 0]]
        found = Plan(tiles, least, most, *divided, order, np.flatnonzero(kept), _parts(of_parts, tiles, ends))
        if most < _LARGE_PLAN and len(of_parts) < _LARGE_PLAN:
            if len(_PLANS) >= _MOST_PLANS:
                _PLANS.clear()
            _PLANS[key] = found
    if found.blocks > work.left:
        raise TooMuchWorkError("JPEG 2000 streams of so many code-blocks are not supported")
    return found


def what_is_wrong(data: Bytes, header: Jpeg2000Header, *, partial: bool) -> TooMuchWorkError:
    """Raises the error that tells what is wrong with the packets; else one of many packets is."""
    deque(packets(bytes(data), header, partial=partial), maxlen=0)
    return TooMuchWorkError("JPEG 2000 streams of so many packets are not supported")


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
