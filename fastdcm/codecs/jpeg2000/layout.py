"""What the headers of a JPEG 2000 codestream say of each tile-component (ITU-T T.800 annexes A, B.5, E.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastdcm.codestream.jpeg2000 import Component, Jpeg2000Header
from fastdcm.codestream.jpeg2000.coding import (
    COC,
    COD,
    POC,
    BlockStyle,
    Bytes,
    Coding,
    Progression,
    Segment,
    read_coding,
)
from fastdcm.codestream.jpeg2000.geometry import (
    component_area,
    resolution_area,
    resolutions,
    sub_bands,
    tile_area,
)
from fastdcm.codestream.jpeg2000.headers import Area, tile_part_segments
from fastdcm.codestream.jpeg2000.quantization import (
    QCC,
    QCD,
    Quantization,
    Quantizations,
    read_quantization,
)
from fastdcm.errors import CodestreamError, OptionError
from fastdcm.kernels.packet_tables import RESOLUTION_SIZE

_ORIENTATIONS = {"LL": 0, "LH": 0, "HL": 1, "HH": 2}  # the columns of table D.1
_Said = TypeVar("_Said", BlockStyle, Quantization)
_NO_CODING, _NO_QUANTIZATION = Coding(None, {}, ()), Quantizations(None, {})


class Band(NamedTuple):
    """A sub-band: from where to where it lies in the plane of its tile-component, and how it is quantized.

    ``area`` is that of B-15, in the sub-band's own coordinates; ``planes`` is M_b (E-2); ``step`` is Delta_b
    (E-3), by which coefficients are multiplied, and 1 in reversible components.
    """

    name: str
    x0: int
    y0: int
    x1: int
    y1: int
    area: Area
    planes: int
    step: float


class Transform(NamedTuple):
    """How a tile-component's coefficients become values.

    ``areas`` are those of its levels from the lowest on (B-14); ``steps`` those of its sub-bands, LL and then
    three a level (E-3), of an irreversible one; ``block_rows`` how high code-blocks of the highest level are
    that no border cuts (B.7).
    """

    areas: tuple[Area, ...]
    steps: tuple[float, ...] | None
    block_rows: int


class Layout(NamedTuple):
    """A tile-component: its area (B-12), coding style, resolutions and sub-bands.

    ``resolutions`` are areas (B-14), each in its own coordinates, from the lowest on. Coefficients belong
    into a plane of the size of the last one: LL at the top left, around what the lower resolutions take HL
    to the right, LH below, and HH at the corner. ``bands`` are LL, then three of each resolution.

    ``levels`` are rows of ``resolutions`` (`fastdcm.kernels.packet_tables`) of all levels that have samples,
    for tile and component 0; they have ``precincts`` together.
    """

    area: Area
    style: BlockStyle
    resolutions: tuple[Area, ...]
    bands: tuple[Band, ...]
    transform: Transform
    levels: NDArray[np.int64]
    precincts: int

    @property
    def plane(self) -> tuple[int, int]:
        """Rows and columns of the plane."""
        x0, y0, x1, y1 = self.resolutions[-1]
        return y1 - y0, x1 - x0


class TileLayout(NamedTuple):
    """A tile: its area on the reference grid, whether its first three components are transformed (G.2).

    ``progressions`` give the order of its packets; with ``eph`` each of their headers ends with a marker.
    """

    area: Area
    mct: bool
    components: list[Layout]
    progressions: tuple[Progression, ...]
    eph: bool


def headers_of_tiles(data: Bytes, header: Jpeg2000Header) -> list[tuple[Segment, ...]]:
    """The marker segments in the tile-part headers of each tile (A.4.3), by its number."""
    found: list[tuple[Segment, ...]] = [()] * (header.tiles.across * header.tiles.down)
    for part in header.tile_parts:
        found[part.tile] += tuple(tile_part_segments(data, part.start + 12))
    return found


def header_bytes(data: Bytes, header: Jpeg2000Header) -> tuple[object, ...]:
    """The main header and all of tile-parts that have more than SOT and SOD, with their tiles."""
    in_tiles = [
        (part.tile, bytes(data[part.start + 12 : part.packets]))
        for part in header.tile_parts
        if part.packets > part.start + 14
    ]
    return bytes(data[header.offset : header.tile_parts[0].start]), *in_tiles


def coding_of_tile(data: Bytes, segments: Iterable[Segment], components: int) -> Coding:
    """What a tile's own headers say of coding, mostly nothing."""
    said = [segment for segment in segments if segment.marker in (COD, COC, POC)]
    return read_coding(data, said, components) if said else _NO_CODING


def layouts(data: Bytes, header: Jpeg2000Header, reduce: int = 0) -> list[TileLayout]:
    """All tiles, without the highest ``reduce`` resolutions of their components.

    Raises CodestreamError where a quantization is missing, OptionError where a component has fewer than
    ``reduce`` decompositions.
    """
    count = len(header.components)
    main = read_quantization(data, header.segments, count)
    found = []
    for tile, segments in enumerate(headers_of_tiles(data, header)):
        coding = coding_of_tile(data, segments, count)
        said = [segment for segment in segments if segment.marker in (QCD, QCC)]
        own = read_quantization(data, said, count) if said else _NO_QUANTIZATION
        area = tile_area(header.area, header.tiles, tile)
        blocks = coding.cod and coding.cod.blocks
        components = []
        for index, component in enumerate(header.components):
            style = _nearest(index, coding.components, blocks, header.coding.components, header.cod.blocks)
            quantization = _nearest(index, own.components, own.default, main.components, main.default)
            if style is None or quantization is None:
                raise CodestreamError("no QCD segment in the headers")
            components.append(_layout(area, component, style, quantization, reduce))
        cod = coding.cod or header.cod
        order = coding.progressions or header.coding.progressions
        order = order or (Progression(cod.progression, range(33), range(count), cod.layers),)
        found.append(TileLayout(area, count >= 3 and cod.mct, components, order, cod.eph))
    return found


def _nearest(
    component: int,
    in_tile: Mapping[int, _Said],
    of_tile: _Said | None,
    in_main: Mapping[int, _Said],
    of_main: _Said | None,
) -> _Said | None:
    """What counts for a component: COC or QCC of its tile, COD or QCD, then the main header's (A.6)."""
    return in_tile.get(component) or of_tile or in_main.get(component) or of_main


# Images of a series are alike, and the tiles of an image often.
@lru_cache(maxsize=1024)
def _layout(
    tile: Area, component: Component, style: BlockStyle, quantization: Quantization, reduce: int
) -> Layout:
    if not 0 <= reduce <= style.levels:
        raise OptionError(f"reduce is {reduce}, the codestream has {style.levels} decompositions")
    area = component_area(tile, component)
    levels = range(style.levels + 1 - reduce)
    areas = tuple(resolution_area(area, style.levels - level) for level in levels)
    bands = []
    for level in levels:
        low = areas[level - 1] if level else Area(0, 0, 0, 0)
        for name, edges in sub_bands(area, level, style.levels):
            x = low.x1 - low.x0 if name[0] == "H" else 0
            y = low.y1 - low.y0 if name[1] == "H" else 0
            x0, y0, x1, y1 = edges
            planes = quantization.bit_planes(level, name)
            step = 1.0 if style.reversible else quantization.step_size(level, name, component.precision)
            bands.append(Band(name, x, y, x + x1 - x0, y + y1 - y0, edges, planes, step))
    steps = None if style.reversible else tuple([band.step for band in bands])
    precinct_height = style.precincts[levels[-1]][1] - (levels[-1] > 0)
    transform = Transform(areas, steps, 1 << max(0, min(style.block_height, precinct_height)))
    levels_of = _levels(tile, component, style, areas[-1], bands)
    return Layout(area, style, areas, tuple(bands), transform, *levels_of)


def _levels(
    tile: Area, component: Component, style: BlockStyle, plane: Area, bands: list[Band]
) -> tuple[NDArray[np.int64], int]:
    """``levels`` and ``precincts`` of `Layout`; ``bands`` are those that are wanted."""
    rows = []
    precincts = 0
    for each in resolutions(tile, 0, component, style):
        first = 3 * each.level - 2 if each.level else 0
        of_level = bands[first : first + len(each.bands)]  # none where the level is left out
        row = [0, 0, len(of_level) > 0, plane.x1 - plane.x0, each.level]
        row += [each.precinct_width, each.precinct_height, style.block_width, style.block_height, style.style]
        row += [each.left, each.top, each.across, each.down, style.levels - each.level, tile.x0, tile.y0]
        for number, (name, band) in enumerate(each.bands):
            row += band
            if of_level:
                it = of_level[number]
                row += [it.x0 - band.x0, it.y0 - band.y0, it.planes]
            else:
                row += [0, 0, 0]
            row.append(_ORIENTATIONS[name])
        rows.append(row + [0] * (RESOLUTION_SIZE - len(row)))
        precincts += each.precincts
    table = np.array(rows, np.int64).reshape(-1, RESOLUTION_SIZE)
    table.flags.writeable = False
    return table, precincts
