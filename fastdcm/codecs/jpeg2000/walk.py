"""All packets of a codestream by one kernel (ITU-T T.800 B.9, B.10): what they have, or that they are there.

What is wrong with those that do not add up is found by `fastdcm.codestream.jpeg2000`, which reads them one by
one.
"""

from __future__ import annotations

from operator import attrgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.codecs.jpeg2000.layout import headers_of_tiles
from fastdcm.codecs.jpeg2000.planning import Plan, plan_of, what_is_wrong
from fastdcm.codestream.jpeg2000 import Jpeg2000Header
from fastdcm.codestream.jpeg2000.coding import Bytes
from fastdcm.codestream.jpeg2000.precincts import TooMuchWorkError, Work
from fastdcm.kernels.packet_headers import LIMIT, MOST_SEGMENTS, READER_SIZE, SEGMENT
from fastdcm.kernels.packets import NO_ROOM, TOO_MUCH, WHOLE, read_packets

Integers = NDArray[np.int64]

_MANY_TILES = 4096  # a plan takes some 0.1 ms of Python a tile
_PPM, _PPT = 0xFF60, 0xFF61  # T.800 table A.2


class Walked(NamedTuple):
    """What packets have: the first ``found`` of `read_packets`' ``rows`` and ``offsets``; their ``ends``."""

    rows: Integers
    offsets: Integers
    found: int
    ends: Integers


def walked(data: Bytes, header: Jpeg2000Header, plan: Plan, *, partial: bool = False) -> Walked:
    """Read all packets; with ``partial`` some may be missing.

    Raises CodestreamError where packets are missing or contradict the headers, TooMuchWorkError where there
    are too many to follow.
    """
    parts = sorted(header.tile_parts, key=attrgetter("tile"))
    places = np.array([(part.packets, part.end) for part in parts], np.int64)
    of_tiles = plan.parts, places, plan.order, plan.precincts, plan.shares
    source, room, how = np.frombuffer(data, np.uint8), plan.blocks + len(plan.order) + MOST_SEGMENTS, NO_ROOM
    ends = np.empty(len(plan.order), np.int64)
    work = Work()
    work.add(plan.most)
    while how == NO_ROOM:
        room *= 2
        rows, offsets = np.empty(room * SEGMENT, np.int64), np.empty(room, np.int64)
        states, reader = np.zeros(plan.size, np.int64), np.zeros(READER_SIZE, np.int64)
        reader[LIMIT] = work.left
        how, found = read_packets(source, *of_tiles, states, reader, ends, rows, offsets, int(partial))
    if how == TOO_MUCH:
        raise TooMuchWorkError("JPEG 2000 streams of so long packet headers are not supported")
    if how != WHOLE:
        raise what_is_wrong(data, header, partial=partial)
    return Walked(rows, offsets, found, ends)


def ends_of_packets(data: Bytes, header: Jpeg2000Header, reduce: int = 0) -> Integers | None:
    """Prove that all packets are there, as `jpeg2000.check` does.

    Returns where each packet ends of those that are not of the highest ``reduce`` resolutions, in their
    order; None where nothing is proven, because this cannot tell: of packed packet headers, and of more tiles
    and packets than are planned for. Raises CodestreamError where packets are missing or contradict the
    headers, OptionError where a component has fewer than ``reduce`` decompositions.
    """
    if header.tiles.across * header.tiles.down > _MANY_TILES or _is_packed(data, header):
        return None
    try:
        plan = plan_of(data, header, reduce, partial=False)
        return walked(data, header, plan).ends[plan.kept]
    except TooMuchWorkError:
        return None


def _is_packed(data: Bytes, header: Jpeg2000Header) -> bool:
    """Whether packet headers are in PPM or PPT segments (A.7.4, A.7.5)."""
    in_tiles = headers_of_tiles(data, header)
    return any(
        segment.marker in (_PPM, _PPT) for segments in (header.segments, *in_tiles) for segment in segments
    )
