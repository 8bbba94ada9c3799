"""What is to be decoded of a JPEG 2000 codestream, as tables (ITU-T T.800 annex B), and what is not taken.

The tables are made by `reading`; headers alone tell what is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastdcm.codecs.jpeg2000.layout import Band, Transform, coding_of_tile, header_bytes, headers_of_tiles
from fastdcm.codestream.jpeg2000 import Jpeg2000Header, bit_planes
from fastdcm.codestream.jpeg2000.coding import BlockStyle, Bytes, Segment
from fastdcm.codestream.jpeg2000.headers import Area
from fastdcm.errors import CodestreamError

Integers = NDArray[np.int64]

#: A row of ``blocks``: first row, and the one behind the last, in ``chunks``, and in ``segments``; coded
#: bit-planes; 0 in LL and LH, 1 in HL, 2 in HH (the columns of table D.1); size; code-block style (table
#: A.19); where in the plane of its tile-component its first coefficient is; how long the plane's rows are;
#: how many bytes the chunks have.
FIELDS = (
    "CHUNK", "CHUNK_END", "SEGMENT", "SEGMENT_END", "PLANES", "ORIENTATION", "WIDTH", "HEIGHT", "STYLE",
    "OUT", "STRIDE", "BYTES",
)  # fmt: skip
#: Coefficients are kept doubled, in 32 bits with a sign.
MOST_BIT_PLANES = 30
_MOST_BITS = 16  # of samples
#: A tile takes some 0.1 ms of Python, which is in no proportion where there are thousands of so few samples:
#: damaged headers say so.
_MANY_TILES, _FEW_SAMPLES = 4096, 1024
#: All that `refusal` may say.
REFUSALS = (
    _PART_2, _HIGH_THROUGHPUT, _COMPONENTS, _DEEP, _PACKED, _REGION, _PLANES, _TILES,
) = (
    "extensions of Part 2",
    "high-throughput code-blocks",
    "components that are subsampled or unlike each other",
    f"samples of more than {_MOST_BITS} bits",
    "packed packet headers (PPM, PPT)",
    "a region of interest (RGN)",
    f"more than {MOST_BIT_PLANES} bit-planes",
    f"more than {_MANY_TILES} tiles of fewer than {_FEW_SAMPLES} samples",
)  # fmt: skip

_RGN, _PPM, _PPT = 0xFF5E, 0xFF60, 0xFF61  # T.800 table A.2
_RSIZ_PART_2 = 0x8000  # T.801 A.2.1


_Told = TypeVar("_Told")
#: What codestreams are told to be, by their headers, of which there may be so many in one that is kept: why
#: they are not taken; whether they are reversible, and their levels; their bit-planes.
_REFUSED: dict[tuple[object, ...], str] = {}
_TRANSFORMS: dict[tuple[object, ...], tuple[bool, int]] = {}
_BIT_PLANES: dict[tuple[object, ...], int] = {}
_MOST_TOLD, _MOST_HEADERS = 64, 16


class MorePassesError(CodestreamError):
    """Code-blocks with more coding passes than their sub-band's bit-planes have.

    Encoders write them where coefficients outgrow the guard bits, as with images of 1 bit; what they mean is
    not in the standard, and OpenJPEG takes them.
    """


class TileComponent(NamedTuple):
    """A component of a tile: where it lies, and its code-blocks.

    ``area``, ``resolutions``, ``plane``, ``bands`` and ``transform`` are those of `Layout`; ``style`` is that
    of the code-blocks (table A.19).

    ``blocks`` is (n, 12) int64, by `FIELDS`, precinct by precinct from the lowest resolution on. They fill
    the plane; those that packets have nothing of have no bit-planes: their coefficients are 0. ``chunks`` is
    (m, 2) int64, offsets in the codestream's data and lengths of the pieces of code-blocks; ``segments`` is
    (k, 2) int64, bytes and coding passes of the codeword segments that a code-block's pieces, one after the
    other, consist of. No code-block has more than ``longest`` bytes.
    """

    area: Area
    resolutions: tuple[Area, ...]
    reversible: bool
    style: int
    plane: tuple[int, int]
    bands: tuple[Band, ...]
    transform: Transform
    blocks: Integers
    chunks: Integers
    segments: Integers
    longest: int


class Tile(NamedTuple):
    """A tile: its area on the reference grid, whether its first three components are transformed (G.2)."""

    area: Area
    mct: bool
    components: tuple[TileComponent, ...]


def refusal(data: Bytes, header: Jpeg2000Header) -> str:
    """Why this decoder does not take a codestream; empty where it does. Headers alone tell.

    ``header`` is what `jpeg2000.parse` gave for ``data``. Raises CodestreamError for headers that are
    damaged.
    """
    return _kept(_REFUSED, data, header, _refusal)


def _refusal(data: Bytes, header: Jpeg2000Header) -> str:
    first = header.components[0]
    in_tiles = headers_of_tiles(data, header)
    styles = _styles(data, header, in_tiles)
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
    if len(in_tiles) > max(_MANY_TILES, header.rows * header.columns // _FEW_SAMPLES):
        return _TILES
    return _PLANES if bit_planes(data, header) > MOST_BIT_PLANES else ""


def is_reversible(data: Bytes, header: Jpeg2000Header) -> bool:
    """Whether all components of all tiles have the reversible transform; arguments as `refusal`."""
    return _kept(_TRANSFORMS, data, header, _transforms)[0]


def fewest_levels(data: Bytes, header: Jpeg2000Header) -> int:
    """How many decompositions all components of all tiles have at least; arguments as `refusal`."""
    return _kept(_TRANSFORMS, data, header, _transforms)[1]


def most_bit_planes(data: Bytes, header: Jpeg2000Header) -> int:
    """`jpeg2000.bit_planes`, remembered; arguments as `refusal`."""
    return _kept(_BIT_PLANES, data, header, bit_planes)


def _kept(
    found: dict[tuple[object, ...], _Told],
    data: Bytes,
    header: Jpeg2000Header,
    tell: Callable[[Bytes, Jpeg2000Header], _Told],
) -> _Told:
    """What headers tell, which is ``found`` if they have told it before."""
    key = header_bytes(data, header)
    told = found.get(key)
    if told is None:
        told = tell(data, header)
        if len(found) >= _MOST_TOLD:
            found.clear()
        if len(key) <= _MOST_HEADERS:
            found[key] = told
    return told


def _transforms(data: Bytes, header: Jpeg2000Header) -> tuple[bool, int]:
    styles = _styles(data, header, headers_of_tiles(data, header))
    return all(style.reversible for style in styles), min((style.levels for style in styles), default=0)


def _styles(data: Bytes, header: Jpeg2000Header, in_tiles: Iterable[Iterable[Segment]]) -> list[BlockStyle]:
    """All that COD and COC say, in the main header and those of tiles."""
    count = len(header.components)
    codings = [header.coding, *(coding_of_tile(data, segments, count) for segments in in_tiles)]
    styles = [style for coding in codings for style in coding.components.values()]
    return styles + [coding.cod.blocks for coding in codings if coding.cod]
