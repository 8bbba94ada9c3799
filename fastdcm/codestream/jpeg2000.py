"""JPEG 2000 (ITU-T T.800) and HTJ2K (T.814) codestreams, bare or in a JP2 file; nothing is decoded.

What is proven: main header and every tile-part lie inside the data, each tile has its tile-parts,
and EOC follows. What is not: that the packets fill their tile-part; only a packet walk can tell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple

from fastdcm.codestream import signatures
from fastdcm.codestream.markers import segment_end
from fastdcm.errors import CodestreamError, UnsupportedError

CAP, SIZ, COD, SOT, SOD, EOC = 0xFF50, 0xFF51, 0xFF52, 0xFF90, 0xFF93, 0xFFD9
_LIMIT_TILES = 65535  # T.800 A.5.1, A.4.2: Isot is 0 to 65534
_LIMIT_TILE_PARTS = 255  # T.800 A.4.2: TPsot is 0 to 254
# T.800 table A.2: what may stand in the main header and in a tile-part header after SOT.
_MAIN = frozenset([*range(0xFF50, 0xFF54), *range(0xFF55, 0xFF5A), *range(0xFF5C, 0xFF62), 0xFF63, 0xFF64])
_TILE_PART = frozenset([0xFF52, 0xFF53, 0xFF58, 0xFF5C, 0xFF5D, 0xFF5E, 0xFF5F, 0xFF61, 0xFF64])
_EOC = re.compile(rb"\xff\xd9")

_SIZ = Struct(">HHIIIIIIIIH")
_COD = Struct(">HBBHBBBBBB")
_SOT = Struct(">HHIBB")

_PROGRESSIONS = ("LRCP", "RLCP", "RPCL", "PCRL", "CPRL")  # T.800 table A.16


class Component(NamedTuple):
    """One component of SIZ: ``precision`` in bits, ``dx`` and ``dy`` are XRsiz and YRsiz."""

    precision: int
    signed: bool
    dx: int
    dy: int


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
    differs. Coding parameters are those of COD in the main header. ``colour_space`` is EnumCS of
    the first colour box (16 sRGB, 17 grey, 18 sYCC) and ``channels`` the (Cn, Typ, Asoc) of a
    channel definition box. ``offset`` is that of SOC, ``end`` that after EOC.
    """

    rows: int
    columns: int
    components: tuple[Component, ...]
    tiles: Tiles
    tile_parts: tuple[TilePart, ...]
    mct: bool
    reversible: bool
    levels: int
    layers: int
    progression: str
    high_throughput: bool
    has_jp2: bool
    colour_space: int | None
    channels: tuple[tuple[int, int, int], ...]
    has_icc: bool
    offset: int
    end: int

    @property
    def subsampled(self) -> bool:
        """Whether the components differ in resolution."""
        first = self.components[0]
        return any(c.dx != first.dx or c.dy != first.dy for c in self.components)


def parse(data: bytes) -> Jpeg2000Header:
    """Read boxes and main header, then follow the chain of tile-parts to EOC.

    Raises CodestreamError for what is damaged or cut, UnsupportedError for JP2 palettes.
    """
    jp2 = _read_boxes(data) if data[:12] == signatures.JP2 else _Jp2(0, len(data))
    data = data if jp2.end == len(data) else data[: jp2.end]
    if data[jp2.start : jp2.start + 4] != signatures.JPEG_2000:
        raise CodestreamError("no SOC and SIZ markers at the start")
    rsiz, area, components, tiles, position = _read_siz(data, jp2.start + 4)
    cod, high_throughput, position = _read_main_header(data, position)
    high_throughput |= bool(rsiz & signatures.HIGH_THROUGHPUT)
    tile_parts, end = _follow_tile_parts(data, position, tiles.across * tiles.down)
    _, progression, layers, mct, levels, _, _, _, transformation = cod
    x1, y1, x0, y0 = area
    first = components[0]
    return Jpeg2000Header(
        rows=-(-y1 // first.dy) - -(-y0 // first.dy),
        columns=-(-x1 // first.dx) - -(-x0 // first.dx),
        components=components,
        tiles=tiles,
        tile_parts=tile_parts,
        mct=mct == 1,
        reversible=transformation == 1,  # T.800 table A.20
        levels=levels,
        layers=layers,
        progression=_PROGRESSIONS[progression],
        high_throughput=high_throughput,
        has_jp2=jp2.start > 0,
        colour_space=jp2.colour_space,
        channels=jp2.channels,
        has_icc=jp2.has_icc,
        offset=jp2.start,
        end=end,
    )


def _read_siz(
    data: bytes, position: int
) -> tuple[int, tuple[int, int, int, int], tuple[Component, ...], Tiles, int]:
    """T.800 A.5.1; the image area is returned as (Xsiz, Ysiz, XOsiz, YOsiz)."""
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
    return rsiz, (x1, y1, x0, y0), components, Tiles(width, height, tx, ty, across, down), end


def _read_main_header(data: bytes, position: int) -> tuple[tuple[int, ...], bool, int]:
    """Return the fields of COD after Lcod, whether code-blocks are HT, and the first SOT's offset."""
    cod: tuple[int, ...] | None = None
    high_throughput = False
    while (marker := int.from_bytes(data[position : position + 2], "big")) != SOT:
        if position + 2 > len(data):
            raise CodestreamError("cut: the data ends in the main header")
        if marker not in _MAIN:
            raise CodestreamError(f"marker 0x{marker:04X} at byte {position}, where none may be")
        end = segment_end(data, position + 2, f"0x{marker:04X}")
        if marker == COD:
            cod = _read_cod(data, position + 2, end)
            high_throughput |= bool(cod[7] & 0x40)  # T.814 A.4: HT code-blocks
        elif marker == CAP and end >= position + 8:
            high_throughput |= bool(data[position + 5] & 0x02)  # Pcap15 (T.814 A.3)
        position = end
    if cod is None:
        raise CodestreamError("no COD segment in the main header")
    return cod, high_throughput, position


def _read_cod(data: bytes, position: int, end: int) -> tuple[int, ...]:
    """T.800 A.6.1: Scod, progression, layers, MCT, levels, xcb, ycb, style, transformation."""
    if end < position + 12:
        raise CodestreamError("the COD segment has a wrong length")
    _, *cod = _COD.unpack_from(data, position)
    scod, progression, layers, mct, levels, _, _, _, transformation = cod
    precincts = levels + 1 if scod & 1 else 0
    if end != position + 12 + precincts or levels > 32:
        raise CodestreamError("the COD segment's length does not fit its decomposition levels")
    if progression >= len(_PROGRESSIONS) or not layers or mct > 1 or transformation > 1:
        raise CodestreamError("a field of the COD segment has a value that T.800 does not define")
    return tuple(cod)


def _follow_tile_parts(data: bytes, position: int, tiles: int) -> tuple[tuple[TilePart, ...], int]:
    """Follow Psot from one SOT to the next (T.800 A.4.2); return the tile-parts and EOC's end."""
    size = len(data)
    parts: list[TilePart] = []
    present: dict[int, int] = {}
    announced: dict[int, int] = {}
    while data[position : position + 2] == b"\xff\x90":
        if position + 12 > size:
            raise CodestreamError("cut: the data ends in a tile-part header")
        length, tile, psot, _, tnsot = _SOT.unpack_from(data, position + 2)
        if length != 10 or tile >= tiles:
            raise CodestreamError(f"the SOT segment at byte {position} is damaged")
        end = position + psot if psot else size
        if end > size:
            raise CodestreamError(
                f"cut: the tile-part at byte {position} ends {end - size} bytes past the data"
            )
        packets = _packets(data, position + 12, end)
        if not psot:  # allowed for the last tile-part only; FFD9 cannot occur in packets (B.10.1, D.4.1)
            found = _EOC.search(data, packets)
            end = found.start() if found else size
        parts.append(TilePart(tile, position, packets, end))
        present[tile] = present.get(tile, 0) + 1
        if present[tile] > _LIMIT_TILE_PARTS:
            raise CodestreamError(f"tile {tile} has more than {_LIMIT_TILE_PARTS} parts")
        if tnsot:
            announced[tile] = tnsot
        position = end
    if data[position : position + 2] != b"\xff\xd9":
        if size - position < 2:
            raise CodestreamError("cut: ends without an EOC marker")
        raise CodestreamError(f"neither a tile-part nor an EOC marker at byte {position}")
    if len(present) != tiles:
        raise CodestreamError(f"cut: {tiles - len(present)} of {tiles} tiles are missing")
    for tile, count in announced.items():
        if present[tile] < count:
            raise CodestreamError(f"cut: {present[tile]} of {count} parts of tile {tile} are there")
    return tuple(parts), position + 2


def _packets(data: bytes, position: int, end: int) -> int:
    """Walk a tile-part header to its SOD (T.800 A.4.3); return the offset behind it."""
    while (marker := int.from_bytes(data[position : position + 2], "big")) != SOD:
        if marker not in _TILE_PART:
            raise CodestreamError(f"marker 0x{marker:04X} at byte {position}, where none may be")
        position = segment_end(data, position + 2, f"0x{marker:04X}")
    if position + 2 > end:
        raise CodestreamError(f"the tile-part header at byte {position} is longer than its tile-part")
    return position + 2


class _Jp2(NamedTuple):
    """The contiguous codestream box and what the JP2 header box says."""

    start: int
    end: int
    colour_space: int | None = None
    channels: tuple[tuple[int, int, int], ...] = ()
    has_icc: bool = False


def _box(data: bytes, position: int, limit: int) -> tuple[bytes, int, int]:
    """Return type, start of contents and end of the box at ``position`` (T.800 I.4)."""
    if position + 8 > limit:
        raise CodestreamError("cut: the data ends in a JP2 box header")
    length = int.from_bytes(data[position : position + 4], "big")
    kind, start = data[position + 4 : position + 8], position + 8
    if length == 1:
        length, start = int.from_bytes(data[start : start + 8], "big"), start + 8
    end = limit if length == 0 else position + length
    if end > limit:
        raise CodestreamError(f"cut: the JP2 box at byte {position} runs {end - limit} bytes past the end")
    if end < start:
        raise CodestreamError(f"the JP2 box at byte {position} is shorter than its own header")
    return kind, start, end


def _read_boxes(data: bytes) -> _Jp2:
    """Find the first codestream box (T.800 I.5.4) and read the JP2 header box (I.5.3)."""
    position, jp2 = len(signatures.JP2), _Jp2(0, 0)
    while True:
        kind, start, end = _box(data, position, len(data))
        if kind == b"jp2h":
            jp2 = _read_jp2_header(data, start, end)
        elif kind == b"jp2c":
            return jp2._replace(start=start, end=end)
        position = end


def _read_jp2_header(data: bytes, position: int, limit: int) -> _Jp2:
    colour_space: int | None = None
    channels: tuple[tuple[int, int, int], ...] = ()
    has_icc = False
    while position < limit:
        kind, start, end = _box(data, position, limit)
        if kind == b"pclr":
            raise UnsupportedError("JP2 palettes (pclr box) are not supported")
        if kind == b"colr" and end >= start + 3:  # I.5.3.3
            has_icc |= data[start] == 2
            if data[start] == 1 and end >= start + 7 and colour_space is None:
                colour_space = int.from_bytes(data[start + 3 : start + 7], "big")
        elif kind == b"cdef" and (end - start) % 6 == 2:  # I.5.3.6
            values = [int.from_bytes(data[at : at + 2], "big") for at in range(start + 2, end, 2)]
            channels = tuple(zip(values[::3], values[1::3], values[2::3], strict=True))
        position = end
    return _Jp2(0, 0, colour_space, channels, has_icc)
