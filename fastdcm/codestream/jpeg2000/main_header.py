"""The main header of a codestream (ITU-T T.800 A.4.1, A.5, A.6), which images of a series have in common."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from fastdcm.codestream import signatures
from fastdcm.codestream.jpeg2000.coding import Bytes, Cod, Coding, Segment, read_coding
from fastdcm.codestream.markers import segment_end
from fastdcm.errors import CodestreamError, UnsupportedError

CAP, SOT = 0xFF50, 0xFF90
_FIRST_SOT = b"\xff\x90"
_LIMIT_TILES = 65535  # T.800 A.5.1, A.4.2: Isot is 0 to 65534
# T.800 table A.2: what may stand in the main header.
_MAIN = frozenset([*range(0xFF50, 0xFF54), *range(0xFF55, 0xFF5A), *range(0xFF5C, 0xFF62), 0xFF63, 0xFF64])
_EXTENSIONS = {  # T.801 table A.2
    0xFF5A: "QPD", 0xFF5B: "QPC", 0xFF70: "DCO", 0xFF71: "VMS", 0xFF72: "DFS", 0xFF73: "ADS",
    0xFF74: "MCT", 0xFF75: "MCC", 0xFF76: "NLT", 0xFF77: "MCO", 0xFF78: "CBD", 0xFF79: "ATK",
}  # fmt: skip
_SIZ = Struct(">HHIIIIIIIIH")


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


class MainHeader(NamedTuple):
    """What the main header says; ``end`` is the offset of the first SOT, `headers` has the other fields."""

    rows: int
    columns: int
    components: tuple[Component, ...]
    area: Area
    tiles: Tiles
    cod: Cod
    coding: Coding
    segments: tuple[Segment, ...]
    high_throughput: bool
    end: int


#: Main headers by SOC's offset and their bytes: images of a series often have the same. Nothing of them can
#: be changed. Longer ones, which have comments or lengths of packets, are seldom alike.
_MAINS: dict[tuple[int, bytes], MainHeader] = {}
_MOST_MAINS, _LONGEST_MAIN = 64, 1024


def read_main(data: Bytes, start: int) -> MainHeader:
    """The main header from SOC at ``start`` on, behind which there is SIZ.

    Bytes up to a first SOT that were a whole header once are so always: what is read of them ends there. A
    marker segment that has the bytes of SOT in it ends none, and is read anew each time.

    Raises CodestreamError for what is damaged or cut, UnsupportedError for extensions of T.801.
    """
    head = bytes(data[start : start + _LONGEST_MAIN])
    length = head.find(_FIRST_SOT)
    if length < 0:
        return _main(data, start)
    sot = start + length
    key = start, head[:length]
    found = _MAINS.get(key)
    if found is None:
        found = _main(data, start)
        if found.end == sot:
            if len(_MAINS) >= _MOST_MAINS:
                _MAINS.clear()
            _MAINS[key] = found
    return found


def _main(data: Bytes, start: int) -> MainHeader:
    rsiz, area, components, tiles, position = _read_siz(data, start + 4)
    segments, position = _main_header(data, position)
    coding = read_coding(data, segments, len(components))
    if coding.cod is None:
        raise CodestreamError("no COD segment in the main header")
    first = components[0]
    return MainHeader(
        rows=-(-area.y1 // first.dy) - -(-area.y0 // first.dy),
        columns=-(-area.x1 // first.dx) - -(-area.x0 // first.dx),
        components=components,
        area=area,
        tiles=tiles,
        cod=coding.cod,
        coding=coding,
        segments=segments,
        high_throughput=coding.cod.blocks.high_throughput
        or bool(rsiz & signatures.HIGH_THROUGHPUT)
        or any(data[cap.start + 1] & 2 for cap in segments if cap.marker == CAP and cap.end >= cap.start + 4),
        end=position,
    )


def _read_siz(data: Bytes, position: int) -> tuple[int, Area, tuple[Component, ...], Tiles, int]:
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


def _main_header(data: Bytes, position: int) -> tuple[tuple[Segment, ...], int]:
    """The marker segments between SIZ and the first SOT, and the offset of that."""
    segments: list[Segment] = []
    while (marker := int.from_bytes(data[position : position + 2], "big")) != SOT:
        if position + 2 > len(data):
            raise CodestreamError("cut: the data ends in the main header")
        segments.append(segment_at(data, position, marker, _MAIN))
        position = segments[-1].end
    return tuple(segments), position


def segment_at(data: Bytes, position: int, marker: int, allowed: frozenset[int]) -> Segment:
    """The marker segment at ``position``, which is one of those that are ``allowed`` there."""
    if marker in _EXTENSIONS:
        raise UnsupportedError(f"JPEG 2000 extensions of part 2 ({_EXTENSIONS[marker]}) are not supported")
    if marker not in allowed:
        raise CodestreamError(f"marker 0x{marker:04X} at byte {position}, where none may be")
    return Segment(marker, position + 4, segment_end(data, position + 2, f"0x{marker:04X}"))
