"""What is to be decoded of a JPEG 2000 codestream, as tables (ITU-T T.800 annex B): tier-2.

Packets are walked by `fastdcm.codestream.jpeg2000`, which proves that they are all there. What they have of
each code-block is brought together here, for the whole codestream at once, in NumPy: streams of many layers
or terminations have many small pieces.
"""

from __future__ import annotations

from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.codecs.jpeg2000.layout import (
    Band,
    Layout,
    TileLayout,
    coding_of_tile,
    headers_of_tiles,
    layouts,
)
from fastdcm.codestream.jpeg2000 import Jpeg2000Header, bit_planes, packets
from fastdcm.codestream.jpeg2000.geometry import Blocks
from fastdcm.codestream.jpeg2000.headers import Area
from fastdcm.errors import CodestreamError
from fastdcm.kernels.packet_headers import BYPASS, SEGMENT, TERMINATE_ALL

Integers = NDArray[np.int64]

#: A row of ``blocks``: first row, and the one behind the last, in ``chunks``, and in ``segments``; coded
#: bit-planes; 0 in LL and LH, 1 in HL, 2 in HH (the columns of table D.1); size; code-block style (table
#: A.19); where in the plane of its tile-component its first coefficient is; how long the plane's rows are.
FIELDS = (
    "CHUNK", "CHUNK_END", "SEGMENT", "SEGMENT_END", "PLANES", "ORIENTATION", "WIDTH", "HEIGHT", "STYLE",
    "OUT", "STRIDE",
)  # fmt: skip
#: Coefficients are kept doubled, in 32 bits with a sign.
MOST_BIT_PLANES = 30
_MOST_BITS = 16  # of samples
#: All that `refusal` may say.
REFUSALS = (
    _PART_2, _HIGH_THROUGHPUT, _COMPONENTS, _DEEP, _PACKED, _REGION, _PLANES,
) = (
    "extensions of Part 2",
    "high-throughput code-blocks",
    "components that are subsampled or unlike each other",
    f"samples of more than {_MOST_BITS} bits",
    "packed packet headers (PPM, PPT)",
    "a region of interest (RGN)",
    f"more than {MOST_BIT_PLANES} bit-planes",
)  # fmt: skip

_RGN, _PPM, _PPT = 0xFF5E, 0xFF60, 0xFF61  # T.800 table A.2
_RSIZ_PART_2 = 0x8000  # T.801 A.2.1
_ORIENTATIONS = {"LL": 0, "LH": 0, "HL": 1, "HH": 2}
_HIGHER_BANDS = ("HL", "LH", "HH")
_NOTHING: Integers = np.zeros(0, np.int64)
#: What is known of the share that a precinct has of a sub-band: the numbers of its tile-component, and of
#: its first code-block among those of all shares; its area and the grid of its code-blocks, as `Blocks` has
#: them; what leads from the sub-band's coordinates to those of the plane; M_b, orientation, style; the
#: plane's size.
_PLACE = np.dtype(
    [
        (name, np.int64)
        for name in (
            "component", "first", "x0", "y0", "x1", "y1", "width", "height", "left", "top", "across",
            "dx", "dy", "planes", "orientation", "style", "rows", "columns",
        )
    ]
)  # fmt: skip
_Owner = tuple[int, int, int, int]


class MorePassesError(CodestreamError):
    """Code-blocks with more coding passes than their sub-band's bit-planes have.

    Encoders write them where coefficients outgrow the guard bits, as with images of 1 bit; what they mean is
    not in the standard, and OpenJPEG takes them.
    """


class TileComponent(NamedTuple):
    """A component of a tile: where it lies, and the code-blocks that packets have something of.

    ``area``, ``resolutions``, ``plane`` and ``bands`` are those of `Layout`; ``style`` is that of the
    code-blocks (table A.19).

    ``blocks`` is (n, 11) int64, by `FIELDS`, precinct by precinct from the lowest resolution on; where the
    plane has none of them, coefficients are 0. ``chunks`` is (m, 2) int64, offsets in the codestream's data
    and lengths of the pieces of code-blocks; ``segments`` is (k, 2) int64, bytes and coding passes of the
    codeword segments that a code-block's pieces, one after the other, consist of.
    """

    area: Area
    resolutions: tuple[Area, ...]
    reversible: bool
    style: int
    plane: tuple[int, int]
    bands: tuple[Band, ...]
    blocks: Integers
    chunks: Integers
    segments: Integers


class Tile(NamedTuple):
    """A tile: its area on the reference grid, whether its first three components are transformed (G.2)."""

    area: Area
    mct: bool
    components: tuple[TileComponent, ...]


def refusal(data: bytes, header: Jpeg2000Header) -> str:
    """Why this decoder does not take a codestream; empty where it does. Headers alone tell.

    ``header`` is what `jpeg2000.parse` gave for ``data``. Raises CodestreamError for headers that are
    damaged.
    """
    count, first = len(header.components), header.components[0]
    in_tiles = headers_of_tiles(data, header)
    codings = [header.coding, *(coding_of_tile(data, segments, count) for segments in in_tiles)]
    styles = [style for coding in codings for style in coding.components.values()]
    styles += [coding.cod.blocks for coding in codings if coding.cod]
    markers = {segment.marker for segment in chain(header.segments, *in_tiles)}
    if int.from_bytes(data[header.offset + 6 : header.offset + 8], "big") & _RSIZ_PART_2:
        return _PART_2
    if header.high_throughput or any(style.high_throughput for style in styles):
        return _HIGH_THROUGHPUT
    if any(component != first for component in header.components) or (first.dx, first.dy) != (1, 1):
        return _COMPONENTS
    if first.precision > _MOST_BITS:
        return _DEEP
    if markers & {_PPM, _PPT}:
        return _PACKED
    if _RGN in markers:
        return _REGION
    return _PLANES if bit_planes(data, header) > MOST_BIT_PLANES else ""


def tiles(data: bytes, header: Jpeg2000Header, *, reduce: int = 0, partial: bool = False) -> list[Tile]:
    """The tiles of a codestream that `refusal` has nothing against, in their order.

    With ``partial`` packets may be missing; coefficients that are not there are 0. The highest ``reduce``
    resolutions of each component are left out; that their packets are there is proven all the same. What
    kernels rely on holds for the tables: chunks lie in ``data``, code-blocks lie in their plane and have 1 to
    `MOST_BIT_PLANES` bit-planes, and no more coding passes than these have.

    Raises CodestreamError where packets are missing or contradict the headers, OptionError where a component
    has fewer than ``reduce`` decompositions, UnsupportedError where there are too many packets to follow.
    """
    walked = _walk(
        data, header, reduce, partial=partial
    )  # first, because it ends where headers promise too much
    found = layouts(data, header, reduce)
    owners, blocks, chunks, segments = _tables(walked, *_places(walked, found), len(data))
    components = [component for tile in found for component in tile.components]
    ends = np.searchsorted(owners, np.arange(len(components)), "right").tolist()
    made = [
        _component(layout, blocks[start:end], chunks, segments)
        for layout, start, end in zip(components, [0, *ends], ends, strict=False)
    ]
    count = len(header.components)
    return [
        Tile(tile.area, tile.mct, tuple(made[number * count : (number + 1) * count]))
        for number, tile in enumerate(found)
    ]


def _component(layout: Layout, blocks: Integers, chunks: Integers, segments: Integers) -> TileComponent:
    """A tile-component with its own part of the tables; its ``blocks`` count from there afterwards."""
    if len(blocks):
        (first_chunk, _, first_segment, *_), (_, chunk_end, _, segment_end, *_) = blocks[[0, -1]].tolist()
        blocks[:, :4] -= (first_chunk, first_chunk, first_segment, first_segment)
        chunks, segments = chunks[first_chunk:chunk_end], segments[first_segment:segment_end]
    else:
        chunks, segments = chunks[:0], segments[:0]
    style = layout.style
    headers = layout.area, layout.resolutions, style.reversible, style.style, layout.plane, layout.bands
    return TileComponent(*headers, blocks, chunks, segments)


class _Walked(NamedTuple):
    """What packets have, in their order: rows of `SEGMENT` integers, and whose they are.

    ``precincts`` gives the sub-bands of a precinct (tile, component, level, number); of each packet that
    has something, ``owners`` are its precinct, ``rows`` its rows, ``bodies`` where its body starts.
    """

    precincts: dict[_Owner, list[Blocks]]
    owners: list[_Owner]
    rows: list[Integers]
    bodies: list[int]


def _walk(data: bytes, header: Jpeg2000Header, reduce: int, *, partial: bool) -> _Walked:
    walked = _Walked({}, [], [], [])
    for packet in packets(data, header, partial=partial):
        resolution = packet.place.resolution
        if resolution.level > resolution.style.levels - reduce:
            continue
        # Values have room for more than there is, and would keep all of it in memory.
        rows = [np.array(values[: number * SEGMENT], np.int64) for _, values, number in packet.segments]
        if sum(map(len, rows)):
            owner = packet.tile, resolution.component, resolution.level, packet.place.precinct
            walked.precincts.setdefault(owner, packet.segments[0].bands)
            walked.owners.append(owner)
            walked.rows.append(rows[0] if len(rows) == 1 else np.concatenate(rows))
            walked.bodies.append(packet.body[0])
    return walked


def _places(walked: _Walked, found: list[TileLayout]) -> tuple[NDArray[Any], list[int]]:
    """What is known of the share that each precinct has of a sub-band; of each packet, which is its first."""
    rows: list[tuple[int, ...]] = []
    firsts: dict[_Owner, int] = {}
    blocks = 0
    for owner in sorted(walked.precincts):
        tile, component, level, _ = owner
        layout = found[tile].components[component]
        number = tile * len(found[tile].components) + component
        firsts[owner] = len(rows)
        for each in walked.precincts[owner]:
            band = layout.bands[3 * level - 2 + _HIGHER_BANDS.index(each.band) if level else 0]
            share = number, blocks, *each.area, each.width, each.height, each.left, each.top, each.across
            coded = band.planes, _ORIENTATIONS[each.band], layout.style.style
            to_plane = band.x0 - band.area.x0, band.y0 - band.area.y0
            rows.append((*share, *to_plane, *coded, *layout.plane))
            blocks += each.across * each.down
    return np.array(rows, _PLACE), [firsts[owner] for owner in walked.owners]


def _tables(
    walked: _Walked, places: NDArray[Any], firsts: list[int], size: int
) -> tuple[Integers, Integers, Integers, Integers]:
    """Of each code-block the number of its tile-component and its row of ``blocks``; then the other tables.

    ``places`` and ``firsts`` are what `_places` gave, ``size`` is that of the data.
    """
    counts = np.array([len(rows) // SEGMENT for rows in walked.rows], np.int64)
    rows = np.concatenate([_NOTHING, *walked.rows]).reshape(-1, SEGMENT)
    packet = np.repeat(np.arange(len(counts)), counts)
    place = np.array(firsts, np.int64)[packet] + rows[:, 0]
    block = places["first"][place] + rows[:, 1]
    # In a packet's body, segments follow each other.
    start = np.cumsum(rows[:, 4]) - rows[:, 4]
    body = np.array(walked.bodies, np.int64) - start[np.cumsum(counts) - counts]
    offset = body[packet] + start

    order = np.argsort(block, kind="stable")  # code-block by code-block, each by packets
    rows, packet, place, block, offset = (each[order] for each in (rows, packet, place, block, offset))
    _, number, zero_planes, before, lengths, passes = rows.T
    begins = np.diff(block, prepend=-1) != 0
    first = np.flatnonzero(begins)
    first_chunk = np.flatnonzero(begins | (np.diff(packet, prepend=-1) != 0))
    first_segment = np.flatnonzero(_begins_segment(before, places["style"][place]))
    chunks = np.stack([offset[first_chunk], np.add.reduceat(lengths, first_chunk)], 1)
    segments = np.stack([np.add.reduceat(each, first_segment) for each in (lengths, passes)], 1)
    at = places[place[first]]
    planes = at["planes"] - zero_planes[first]
    _check_passes(planes, np.add.reduceat(passes, first), zero_planes[first])
    if len(chunks) and not 0 <= chunks[:, 0].min() <= chunks.sum(1).max() <= size:
        raise CodestreamError("a code-block has bytes outside of the codestream")
    blocks = np.stack(
        [
            *_from_to(np.searchsorted(first_chunk, first), len(chunks)),
            *_from_to(np.searchsorted(first_segment, first), len(segments)),
            planes,
            at["orientation"],
            *_rectangles(at, number[first]),
        ],
        1,
    )
    return at["component"], blocks, chunks, segments


def _begins_segment(before: Integers, style: Integers) -> NDArray[np.bool_]:
    """Whether the coding pass after so many begins a codeword segment (D.4.2, table D.9).

    With bypass the first one takes ten passes, then two raw ones and a cleanup pass follow by turns.
    """
    bypass = (style & BYPASS != 0) & (before >= 10) & ((before - 10) % 3 != 1)
    result: NDArray[np.bool_] = (before == 0) | (style & TERMINATE_ALL != 0) | bypass
    return result


def _check_passes(planes: Integers, passes: Integers, zero_planes: Integers) -> None:
    """The first bit-plane of a code-block has one pass, each further one has three (D.3)."""
    wrong = np.flatnonzero((planes < 1) | (planes > MOST_BIT_PLANES) | (passes > 3 * planes - 2))
    if len(wrong):
        worst = wrong[0]
        raise MorePassesError(
            f"a code-block has {passes[worst]} coding passes after {zero_planes[worst]} bit-planes of zeros, "
            f"its sub-band has {planes[worst] + zero_planes[worst]} bit-planes"
        )


def _from_to(start: Integers, end: int) -> tuple[Integers, Integers]:
    """The first and the one behind the last, of what follows each other till the end."""
    return start, np.append(start[1:], end) if len(start) else start


def _rectangles(at: NDArray[Any], number: Integers) -> list[Integers]:
    """The fields from WIDTH on, of code-blocks of these numbers (B.7)."""
    row, column = np.divmod(number, at["across"])
    x, y = at["left"] + column, at["top"] + row
    x0, x1 = np.maximum(x << at["width"], at["x0"]), np.minimum(x + 1 << at["width"], at["x1"])
    y0, y1 = np.maximum(y << at["height"], at["y0"]), np.minimum(y + 1 << at["height"], at["y1"])
    left, right, top, bottom = x0 + at["dx"], x1 + at["dx"], y0 + at["dy"], y1 + at["dy"]
    inside = (left >= 0) & (left < right) & (right <= at["columns"])
    inside &= (top >= 0) & (top < bottom) & (bottom <= at["rows"])
    if not inside.all():
        raise CodestreamError("a code-block lies outside of its tile-component")
    return [x1 - x0, y1 - y0, at["style"], top * at["columns"] + left, at["columns"]]
