"""What is there of a JPEG 2000 codestream that is cut.

Packets are whole, but for the last one of a tile, of which whole codeword segments count. Where the lowest
resolution of a tile-component is there, samples are, with less detail or more; where it is not, they would be
grey.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.codestream.jpeg2000 import Jpeg2000Header, Packet, count, packets
from fastdcm.codestream.jpeg2000.geometry import component_area, resolution_area, tile_area
from fastdcm.codestream.jpeg2000.headers import Area


class Extent(NamedTuple):
    """How many packets are there, of how many, and of which samples nothing is: (rows, columns) bool."""

    packets: int
    total: int
    missing: NDArray[Any]


def extent(data: bytes, header: Jpeg2000Header) -> Extent:
    """What is there of a codestream that `blocks.refusal` has nothing against.

    ``header`` is what `jpeg2000.parse` gave for ``data``, ``partial`` or not. Raises CodestreamError where
    packets contradict the headers, UnsupportedError where there are too many to follow.
    """
    there = np.zeros((len(header.components), header.rows, header.columns), bool)
    number = 0
    for packet in packets(data, header, partial=True):
        if not packet.segments and packet.body[1] == len(data):
            continue  # a zero at the end, which is rather a fragment's padding (PS3.5 A.4)
        number += packet.whole
        if packet.whole and packet.place.layer == 0 and _is_lowest(header, packet):
            x0, y0, x1, y1 = _samples(header, packet)
            there[packet.place.resolution.component, y0:y1, x0:x1] = True
    # A progression order change in the header of a tile-part that is missing may have had more.
    return Extent(number, max(number, count(data, header)), np.logical_not(there.all(axis=0)))


def _is_lowest(header: Jpeg2000Header, packet: Packet) -> bool:
    """Whether a packet is of the lowest resolution of its tile-component that has samples (B.5)."""
    resolution = packet.place.resolution
    if resolution.level == 0:
        return True
    component = component_area(resolution.tile, header.components[resolution.component])
    x0, y0, x1, y1 = resolution_area(component, resolution.style.levels - resolution.level + 1)
    return x0 == x1 or y0 == y1


def _samples(header: Jpeg2000Header, packet: Packet) -> Area:
    """The samples of the image that a precinct's resolution is of; those of all precincts are the tile's."""
    resolution, component = packet.place.resolution, header.components[packet.place.resolution.component]
    row, column = divmod(packet.place.precinct, resolution.across)
    scale = resolution.style.levels - resolution.level
    width, height = resolution.precinct_width + scale, resolution.precinct_height + scale
    tile = component_area(tile_area(header.area, header.tiles, packet.tile), component)
    x0, x1 = ((resolution.left + column + side << width) for side in (0, 1))
    y0, y1 = ((resolution.top + row + side << height) for side in (0, 1))
    if column == 0:
        x0 = tile.x0
    if row == 0:
        y0 = tile.y0
    if column == resolution.across - 1:
        x1 = tile.x1
    if row == resolution.down - 1:
        y1 = tile.y1
    left, top, *_ = component_area(header.area, component)
    return Area(x0 - left, y0 - top, min(x1, tile.x1) - left, min(y1, tile.y1) - top)
