"""Main header and tile-part headers of a codestream (ITU-T T.800 annex A, T.814 annex A)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple

from fastdcm.codestream import signatures
from fastdcm.codestream.jpeg2000.boxes import Jp2, read_boxes
from fastdcm.codestream.jpeg2000.coding import Cod, Coding, Segment, read_coding
from fastdcm.codestream.markers import segment_end
from fastdcm.errors import CodestreamError, UnsupportedError

CAP, SOT, SOD, EOC = 0xFF50, 0xFF90, 0xFF93, 0xFFD9
_LIMIT_TILES = 65535  # T.800 A.5.1, A.4.2: Isot is 0 to 65534
_LIMIT_TILE_PARTS = 255  # T.800 A.4.2: TPsot is 0 to 254
# T.800 table A.2: what may stand in the main header and in a tile-part header after SOT.
_MAIN = frozenset([*range(0xFF50, 0xFF54), *range(0xFF55, 0xFF5A), *range(0xFF5C, 0xFF62), 0xFF63, 0xFF64])
_TILE_PART = frozenset([0xFF52, 0xFF53, 0xFF58, 0xFF5C, 0xFF5D, 0xFF5E, 0xFF5F, 0xFF61, 0xFF64])
_EXTENSIONS = {  # T.801 table A.2
    0xFF5A: "QPD", 0xFF5B: "QPC", 0xFF70: "DCO", 0xFF71: "VMS", 0xFF72: "DFS", 0xFF73: "ADS",
    0xFF74: "MCT", 0xFF75: "MCC", 0xFF76: "NLT", 0xFF77: "MCO", 0xFF78: "CBD", 0xFF79: "ATK",
}  # fmt: skip
_EOC = re.compile(rb"\xff\xd9")
_SOD = b"\xff\x93"

_SIZ = Struct(">HHIIIIIIIIH")
_SOT = Struct(">HHIBB")


class Component(NamedTuple):
    """One component of SIZ: ``precision`` in bits, ``dx`` and ``dy`` are XRsiz and YRsiz."""

    precision: int
    signed: bool
    dx: int
    dy: int


class Area(NamedTuple):
    """A rectangle; ``x1`` and ``y1`` lie just outside."""

    x0: int
    y0: int
    x1: int
    y1: int


class Tiles(NamedTuple):
    """The tile grid of SIZ (T.800 B.3): size and offset of tiles, and how many there are."""

    width: int
    height: int
    x_offset: int
    y_offset: int
    across: int
    down: int


class TilePart(NamedTuple):
    """A tile-part: index of its tile, offsets of its SOT marker, its packets and its end."""

    tile: int
    start: int
    packets: int
    end: int


@dataclass(frozen=True, slots=True)
class Jpeg2000Header:
    """What a codestream says about itself (T.800 A.5, A.6.1) and the JP2 boxes around it (I.5).

    ``rows`` and ``columns`` are those of the first component; ``subsampled`` where another one
    differs. ``area`` is the image area on the reference grid. ``cod`` and ``coding`` are the coding
    parameters of the main header, ``segments`` all its marker segments behind SIZ. ``colour_space``
    is EnumCS of the first colour box (16 sRGB, 17 grey, 18 sYCC) and ``channels`` the (Cn, Typ, Asoc)
    of a channel definition box. ``offset`` is that of SOC, ``end`` that after EOC. ``complete`` is whether
    tile-parts and EOC are there.
    """

    rows: int
    columns: int
    components: tuple[Component, ...]
    area: Area
    tiles: Tiles
    tile_parts: tuple[TilePart, ...]
    cod: Cod
    coding: Coding
    segments: tuple[Segment, ...]
    high_throughput: bool
    has_jp2: bool
    colour_space: int | None
    channels: tuple[tuple[int, int, int], ...]
    has_icc: bool
    offset: int
    end: int
    complete: bool

    @property
    def subsampled(self) -> bool:
        """Whether the components differ in resolution."""
        first = self.components[0]
        return any(c.dx != first.dx or c.dy != first.dy for c in self.components)


def parse(data: bytes, *, partial: bool = False) -> Jpeg2000Header:
    """Read boxes and main header, then follow the chain of tile-parts to EOC.

    Proven then: the headers lie inside the data, each tile has its tile-parts, and EOC follows; with
    ``partial`` the data may end before, which ends its last tile-part, too.
    Not proven: that the packets fill their tile-parts (`packets.check`).

    Raises CodestreamError for what is damaged or cut, UnsupportedError for JP2 palettes, mixed
    code-blocks of HTJ2K and extensions of T.801.
    """
    jp2 = read_boxes(data, partial=partial) if data[:12] == signatures.JP2 else Jp2(0, len(data))
    data = data if jp2.end == len(data) else data[: jp2.end]
    if data[jp2.start : jp2.start + 4] != signatures.JPEG_2000:
        raise CodestreamError("no SOC and SIZ markers at the start")
    rsiz, area, components, tiles, position = _read_siz(data, jp2.start + 4)
    segments, position = _main_header(data, position)
    coding = read_coding(data, segments, len(components))
    if coding.cod is None:
        raise CodestreamError("no COD segment in the main header")
    tile_parts, end, complete = _follow_tile_parts(data, position, tiles.across * tiles.down, partial=partial)
    first = components[0]
    return Jpeg2000Header(
        rows=-(-area.y1 // first.dy) - -(-area.y0 // first.dy),
        columns=-(-area.x1 // first.dx) - -(-area.x0 // first.dx),
        components=components,
        area=area,
        tiles=tiles,
        tile_parts=tile_parts,
        cod=coding.cod,
        coding=coding,
        segments=segments,
        high_throughput=coding.cod.blocks.high_throughput
        or bool(rsiz & signatures.HIGH_THROUGHPUT)
        or any(data[cap.start + 1] & 2 for cap in segments if cap.marker == CAP and cap.end >= cap.start + 4),
        has_jp2=jp2.start > 0,
        colour_space=jp2.colour_space,
        channels=jp2.channels,
        has_icc=jp2.has_icc,
        offset=jp2.start,
        end=end,
        complete=complete,
    )


def _read_siz(data: bytes, position: int) -> tuple[int, Area, tuple[Component, ...], Tiles, int]:
    """T.800 A.5.1: Rsiz, the image area, components, tiles, and the segment's end."""
    end = segment_end(data, position, "SIZ")
    if end < position + 41 or (end - position - 38) % 3:
        raise CodestreamError("the SIZ segment has a wrong length")
    _, rsiz, x1, y1, x0, y0, width, height, tx, ty, count = _SIZ.unpack_from(data, position)
    if end != position + 38 + 3 * count:
        raise CodestreamError("the SIZ segment's length does not fit its number of components")
    if x1 <= x0 or y1 <= y0:
        raise CodestreamError("the image area of SIZ is empty")
    if not (tx <= x0 < tx + width and ty <= y0 < ty + height):
        raise CodestreamError("the first tile of SIZ lies outside the image area")
    across, down = -(-(x1 - tx) // width), -(-(y1 - ty) // height)
    if across * down > _LIMIT_TILES:
        raise CodestreamError(f"SIZ gives {across * down} tiles, more than the standard allows")
    fields = data[position + 38 : end]
    if not all(fields[1::3]) or not all(fields[2::3]):
        raise CodestreamError("a component of SIZ has a sample separation of zero")
    components = tuple(
        Component((depth & 127) + 1, depth > 127, dx, dy)
        for depth, dx, dy in zip(fields[::3], fields[1::3], fields[2::3], strict=True)
    )
    if any(c.precision > 38 for c in components):
        raise CodestreamError("a component of SIZ has more than 38 bits")
    if any(-(-x1 // c.dx) == -(-x0 // c.dx) or -(-y1 // c.dy) == -(-y0 // c.dy) for c in set(components)):
        raise CodestreamError("a component of SIZ has no samples")
    return rsiz, Area(x0, y0, x1, y1), components, Tiles(width, height, tx, ty, across, down), end


def _main_header(data: bytes, position: int) -> tuple[tuple[Segment, ...], int]:
    """The marker segments between SIZ and the first SOT, and the offset of that."""
    segments: list[Segment] = []
    while (marker := int.from_bytes(data[position : position + 2], "big")) != SOT:
        if position + 2 > len(data):
            raise CodestreamError("cut: the data ends in the main header")
        segments.append(_segment(data, position, marker, _MAIN))
        position = segments[-1].end
    return tuple(segments), position


def _segment(data: bytes, position: int, marker: int, allowed: frozenset[int]) -> Segment:
    if marker in _EXTENSIONS:
        raise UnsupportedError(f"JPEG 2000 extensions of part 2 ({_EXTENSIONS[marker]}) are not supported")
    if marker not in allowed:
        raise CodestreamError(f"marker 0x{marker:04X} at byte {position}, where none may be")
    return Segment(marker, position + 4, segment_end(data, position + 2, f"0x{marker:04X}"))


def tile_part_segments(data: bytes, position: int) -> Iterator[Segment]:
    """The marker segments from behind SOT to SOD (T.800 A.4.3)."""
    while (marker := int.from_bytes(data[position : position + 2], "big")) != SOD:
        segment = _segment(data, position, marker, _TILE_PART)
        yield segment
        position = segment.end


def _follow_tile_parts(
    data: bytes, position: int, tiles: int, *, partial: bool
) -> tuple[tuple[TilePart, ...], int, bool]:
    """Follow Psot from one SOT to the next (T.800 A.4.2).

    Return the tile-parts, where EOC ends, and, which is an error unless ``partial``, whether nothing is cut.
    """
    size = len(data)
    parts: list[TilePart] = []
    present: dict[int, int] = {}
    announced: dict[int, int] = {}
    while data[position : position + 2] == b"\xff\x90":
        if position + 12 > size:
            if partial and parts:
                return tuple(parts), size, False
            raise CodestreamError("cut: the data ends in a tile-part header")
        length, tile, psot, index, count = _SOT.unpack_from(data, position + 2)
        if length != 10 or tile >= tiles:
            raise CodestreamError(f"the SOT segment at byte {position} is damaged")
        end = position + psot if psot else size
        is_cut = end > size
        if is_cut and not partial:
            raise CodestreamError(
                f"cut: the tile-part at byte {position} ends {end - size} bytes past the data"
            )
        packets = position + 12
        if is_cut and parts and data.find(_SOD, packets) < 0:
            return tuple(parts), size, False
        for segment in tile_part_segments(data, packets):
            packets = segment.end
        packets += 2
        if packets > end:
            raise CodestreamError(f"the tile-part at byte {position} is shorter than its header")
        if not psot or is_cut:
            # Allowed for the last tile-part only; FFD9 cannot occur in packets (B.10.1, D.4.1).
            found = _EOC.search(data, packets)
            end = found.start() if found else size
        parts.append(TilePart(tile, position, packets, end))
        if index != present.get(tile, 0):
            raise CodestreamError(
                f"part {present.get(tile, 0) + 1} of tile {tile} is missing before part {index + 1}"
            )
        present[tile] = index + 1
        if present[tile] > _LIMIT_TILE_PARTS:
            raise CodestreamError(f"tile {tile} has more than {_LIMIT_TILE_PARTS} parts")
        if count:
            announced[tile] = count
        position = end
        if is_cut:
            return tuple(parts), size, False
    cut = ""
    if data[position : position + 2] != b"\xff\xd9":
        if size - position >= 2 + partial:  # with half of EOC a fragment may have a byte of padding
            raise CodestreamError(f"neither a tile-part nor an EOC marker at byte {position}")
        cut = "ends without an EOC marker"
    elif len(present) != tiles:
        cut = f"{tiles - len(present)} of {tiles} tiles are missing"
    else:
        for tile, count in announced.items():
            if present[tile] < count:
                cut = f"{present[tile]} of {count} parts of tile {tile} are there"
                break
    if cut and not (partial and parts):
        raise CodestreamError(f"cut: {cut}")
    return tuple(parts), size if cut else position + 2, not cut
