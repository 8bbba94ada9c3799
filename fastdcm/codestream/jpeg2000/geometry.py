"""Where resolutions, precincts and code-blocks of a tile are (T.800 annex B.3 to B.7)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from fastdcm.codestream.jpeg2000.coding import BlockStyle
from fastdcm.codestream.jpeg2000.headers import Area, Component, Tiles

_BANDS = (("HL", 1, 0), ("LH", 0, 1), ("HH", 1, 1))  # T.800 table B.1: name, xob, yob


def tile_area(image: Area, tiles: Tiles, tile: int) -> Area:
    """The area of a tile on the reference grid (equations B-7 to B-10)."""
    row, column = divmod(tile, tiles.across)
    left, top = tiles.x_offset + column * tiles.width, tiles.y_offset + row * tiles.height
    return Area(
        max(left, image.x0),
        max(top, image.y0),
        min(left + tiles.width, image.x1),
        min(top + tiles.height, image.y1),
    )


def component_area(tile: Area, component: Component) -> Area:
    """The area of a tile-component in its own coordinates (equation B-12)."""
    dx, dy = component.dx, component.dy
    return Area(-(-tile.x0 // dx), -(-tile.y0 // dy), -(-tile.x1 // dx), -(-tile.y1 // dy))


def resolution_area(area: Area, scale: int) -> Area:
    """The area of the resolution of a tile-component that ``scale`` decompositions led to (B-14)."""
    x0, y0, x1, y1 = area
    return Area(-(-x0 >> scale), -(-y0 >> scale), -(-x1 >> scale), -(-y1 >> scale))


def sub_bands(area: Area, level: int, levels: int) -> tuple[tuple[str, Area], ...]:
    """Name and area of the sub-bands that a resolution of a tile-component adds to the one below it (B-15).

    LL alone for ``level`` 0, else HL, LH and HH; ``levels`` is the number of decompositions, N_L.
    """
    if level == 0:
        return (("LL", resolution_area(area, levels)),)
    scale = levels - level
    x0, y0, x1, y1 = area
    bands = []
    for name, x_high, y_high in _BANDS:
        x, y, down = x_high << scale, y_high << scale, scale + 1
        edges = -(x - x0 >> down), -(y - y0 >> down), -(x - x1 >> down), -(y - y1 >> down)
        bands.append((name, Area._make(edges)))
    return tuple(bands)


class Blocks(NamedTuple):
    """The code-blocks of one sub-band in one precinct, row by row (T.800 B.7).

    ``band`` is LL, HL, LH or HH, ``area`` what of the sub-band lies in the precinct, in the
    sub-band's coordinates; the first code-block starts at ``left`` << ``width``, ``top`` << ``height``.
    """

    band: str
    area: Area
    width: int
    height: int
    left: int
    top: int
    across: int
    down: int

    def block(self, index: int) -> Area:
        """The area of a code-block in the sub-band's coordinates."""
        row, column = divmod(index, self.across)
        x, y = (self.left + column) << self.width, (self.top + row) << self.height
        return Area(
            max(x, self.area.x0),
            max(y, self.area.y0),
            min(x + (1 << self.width), self.area.x1),
            min(y + (1 << self.height), self.area.y1),
        )


@dataclass(frozen=True, slots=True)
class Resolution:
    """A resolution level of a tile-component, which has samples, and its grid of precincts.

    ``precinct_width`` and ``precinct_height`` are PPx and PPy, the first precinct is that of column
    ``left`` and row ``top`` of the partition (T.800 B.6); ``bands`` are name and area of its sub-bands.
    """

    component: int
    level: int
    separation: tuple[int, int]
    tile: Area
    style: BlockStyle
    precinct_width: int
    precinct_height: int
    left: int
    top: int
    across: int
    down: int
    bands: tuple[tuple[str, Area], ...]

    @property
    def precincts(self) -> int:
        """How many precincts there are; each has one packet a layer, be it without code-blocks."""
        return self.across * self.down

    def positions(self) -> Iterator[tuple[int, int, int, int, int]]:
        """Where progressions by position come upon each precinct (T.800 B.12.1.3 to B.12.1.5).

        Yields (y, x, component, level, precinct), in ascending order; x and y on the reference grid.
        """
        dx, dy = self.separation
        scale = self.style.levels - self.level
        x_shift, y_shift = self.precinct_width + scale, self.precinct_height + scale
        for row in range(self.down):
            y = max(self.tile.y0, dy * (self.top + row << y_shift))
            for column in range(self.across):
                x = max(self.tile.x0, dx * (self.left + column << x_shift))
                yield y, x, self.component, self.level, row * self.across + column

    def blocks(self, precinct: int) -> list[Blocks]:
        """The code-blocks of each sub-band that has some in this precinct."""
        row, column = divmod(precinct, self.across)
        # Above the lowest resolution a precinct is half as large in each sub-band (B.7).
        half = 1 if self.level else 0
        x_shift, y_shift = self.precinct_width - half, self.precinct_height - half
        left, top = self.left + column << x_shift, self.top + row << y_shift
        width, height = min(self.style.block_width, x_shift), min(self.style.block_height, y_shift)
        found = []
        for name, band in self.bands:
            x0, x1 = max(band.x0, left), min(band.x1, left + (1 << x_shift))
            y0, y1 = max(band.y0, top), min(band.y1, top + (1 << y_shift))
            if x0 < x1 and y0 < y1:
                first_x, first_y = x0 >> width, y0 >> height
                across, down = -(-x1 >> width) - first_x, -(-y1 >> height) - first_y
                area = Area(x0, y0, x1, y1)
                found.append(Blocks(name, area, width, height, first_x, first_y, across, down))
        return found


@lru_cache(maxsize=64)
def resolutions(tile: Area, index: int, component: Component, style: BlockStyle) -> tuple[Resolution, ...]:
    """The resolution levels of a tile-component that have samples (T.800 B.5, B.6)."""
    area = component_area(tile, component)
    found = []
    for level, (width, height) in enumerate(style.precincts):
        x0, y0, x1, y1 = resolution_area(area, style.levels - level)
        if x0 >= x1 or y0 >= y1:
            continue
        found.append(
            Resolution(
                component=index,
                level=level,
                separation=(component.dx, component.dy),
                tile=tile,
                style=style,
                precinct_width=width,
                precinct_height=height,
                left=x0 >> width,
                top=y0 >> height,
                across=-(-x1 >> width) - (x0 >> width),  # B-16
                down=-(-y1 >> height) - (y0 >> height),
                bands=sub_bands(area, level, style.levels),
            )
        )
    return tuple(found)
