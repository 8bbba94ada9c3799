"""Main header and tile-part headers of a codestream (ITU-T T.800 annex A, T.814 annex A)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple

from fastdcm.codestream import signatures
from fastdcm.codestream.jpeg2000.boxes import Jp2, read_boxes
from fastdcm.codestream.jpeg2000.coding import Bytes, Cod, Coding, Segment
from fastdcm.codestream.jpeg2000.main_header import Area, Component, Tiles, read_main, segment_at
from fastdcm.errors import CodestreamError

__all__ = ["Area", "Component", "Jpeg2000Header", "TilePart", "Tiles", "parse", "tile_part_segments"]

SOD, EOC = 0xFF93, 0xFFD9
_LIMIT_TILE_PARTS = 255  # T.800 A.4.2: TPsot is 0 to 254
# T.800 table A.2: what may stand in a tile-part header after SOT.
_TILE_PART = frozenset([0xFF52, 0xFF53, 0xFF58, 0xFF5C, 0xFF5D, 0xFF5E, 0xFF5F, 0xFF61, 0xFF64])
_EOC = re.compile(rb"\xff\xd9")
_SOD = re.compile(rb"\xff\x93")

_SOT = Struct(">HHIBB")


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


def parse(data: Bytes, *, partial: bool = False) -> Jpeg2000Header:
    """Read boxes and main header, then follow the chain of tile-parts to EOC.

    Proven then: the headers lie inside the data, each tile has its tile-parts, and EOC follows; with
    ``partial`` the data may end before, which ends its last tile-part, too.
    Not proven: that the packets fill their tile-parts (`packets.check`).

    Raises CodestreamError for what is damaged or cut, UnsupportedError for JP2 palettes, mixed
    code-blocks of HTJ2K and extensions of T.801.
    """
    is_jp2 = data[:12] == signatures.JP2
    jp2 = read_boxes(bytes(data), partial=partial) if is_jp2 else Jp2(0, len(data))
    data = data if jp2.end == len(data) else data[: jp2.end]
    if data[jp2.start : jp2.start + 4] != signatures.JPEG_2000:
        raise CodestreamError("no SOC and SIZ markers at the start")
    main = read_main(data, jp2.start)
    tile_count = main.tiles.across * main.tiles.down
    tile_parts, end, complete = _follow_tile_parts(data, main.end, tile_count, partial=partial)
    return Jpeg2000Header(
        rows=main.rows,
        columns=main.columns,
        components=main.components,
        area=main.area,
        tiles=main.tiles,
        tile_parts=tile_parts,
        cod=main.cod,
        coding=main.coding,
        segments=main.segments,
        high_throughput=main.high_throughput,
        has_jp2=jp2.start > 0,
        colour_space=jp2.colour_space,
        channels=jp2.channels,
        has_icc=jp2.has_icc,
        offset=jp2.start,
        end=end,
        complete=complete,
    )


def tile_part_segments(data: Bytes, position: int) -> Iterator[Segment]:
    """The marker segments from behind SOT to SOD (T.800 A.4.3)."""
    while (marker := int.from_bytes(data[position : position + 2], "big")) != SOD:
        segment = segment_at(data, position, marker, _TILE_PART)
        yield segment
        position = segment.end


def _follow_tile_parts(
    data: Bytes, position: int, tiles: int, *, partial: bool
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
        if is_cut and parts and _SOD.search(data, packets) is None:
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
