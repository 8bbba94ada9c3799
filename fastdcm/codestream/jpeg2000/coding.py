"""How tile-components are coded, and in which order packets come: COD, COC, POC (T.800 A.6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from struct import Struct
from types import MappingProxyType
from typing import NamedTuple

from fastdcm.errors import CodestreamError, UnsupportedError
from fastdcm.kernels.packet_headers import HIGH_THROUGHPUT

#: A codestream, which may lie in a file's bytes; memoryviews are of uint8.
Bytes = bytes | memoryview

COD, COC, POC = 0xFF52, 0xFF53, 0xFF5F

_MIXED = 0x80  # of the code-block style, beside `HIGH_THROUGHPUT` (T.814 A.4)
_PROGRESSIONS = ("LRCP", "RLCP", "RPCL", "PCRL", "CPRL")  # T.800 table A.16
_COD = Struct(">BBHB")
_LARGEST_PRECINCTS = (15, 15)


class Segment(NamedTuple):
    """A marker segment; ``start`` and ``end`` enclose what follows its length field."""

    marker: int
    start: int
    end: int


class BlockStyle(NamedTuple):
    """SPcod or SPcoc (T.800 tables A.15, A.23); sizes are exponents of two, precincts by resolution."""

    levels: int
    block_width: int
    block_height: int
    style: int
    reversible: bool
    precincts: tuple[tuple[int, int], ...]

    @property
    def high_throughput(self) -> bool:
        """Whether all code-blocks are HT code-blocks (T.814)."""
        return bool(self.style & HIGH_THROUGHPUT)


class Cod(NamedTuple):
    """A COD segment (T.800 A.6.1). ``eph``: every packet header ends with an EPH marker."""

    eph: bool
    progression: str
    layers: int
    mct: bool
    blocks: BlockStyle


class Progression(NamedTuple):
    """A progression order volume (T.800 B.12.2): the packets below these ends, in this order."""

    order: str
    resolutions: range
    components: range
    layers: int


class Coding(NamedTuple):
    """What one header, main or of a tile-part, says of coding; main headers have a ``cod``."""

    cod: Cod | None
    components: Mapping[int, BlockStyle]
    progressions: tuple[Progression, ...]


def read_coding(data: Bytes, segments: Iterable[Segment], components: int) -> Coding:
    """Read COD, COC and POC among the marker segments of one header.

    Raises CodestreamError for values that T.800 does not define, UnsupportedError for
    codestreams that mix HT code-blocks with others.
    """
    cod: Cod | None = None
    styles: dict[int, BlockStyle] = {}
    progressions: list[Progression] = []
    for marker, start, end in segments:
        if marker == COD:
            cod = _read_cod(data, start, end)
        elif marker == COC:
            index, position = _component(data, start, components)
            if end < position + 1:
                raise CodestreamError("the COC segment has a wrong length")
            styles[index] = _read_blocks(data, position + 1, end, "COC", precincts=data[position] & 1)
        elif marker == POC:
            progressions += _read_poc(data, start, end, components)
    return Coding(cod, MappingProxyType(styles), tuple(progressions))


def _component(data: Bytes, position: int, components: int) -> tuple[int, int]:
    """A component index and the offset behind it: two bytes from 257 components on (A.6.2)."""
    behind = position + (1 if components < 257 else 2)
    return int.from_bytes(data[position:behind], "big"), behind


def _read_cod(data: Bytes, start: int, end: int) -> Cod:
    if end < start + 10:
        raise CodestreamError("the COD segment has a wrong length")
    scod, progression, layers, mct = _COD.unpack_from(data, start)
    if progression >= len(_PROGRESSIONS) or not layers or mct > 1:
        raise CodestreamError("a field of the COD segment has a value that T.800 does not define")
    blocks = _read_blocks(data, start + 5, end, "COD", precincts=scod & 1)
    return Cod(bool(scod & 4), _PROGRESSIONS[progression], layers, mct == 1, blocks)


def _read_blocks(data: Bytes, start: int, end: int, name: str, *, precincts: int) -> BlockStyle:
    if end < start + 5:
        raise CodestreamError(f"the {name} segment has a wrong length")
    levels, width, height, style, transformation = data[start : start + 5]
    if end != start + 5 + precincts * (levels + 1) or levels > 32:
        raise CodestreamError(f"the {name} segment's length does not fit its decomposition levels")
    width, height = width + 2, height + 2
    if width > 10 or height > 10 or width + height > 12 or transformation > 1:  # tables A.18, A.20
        raise CodestreamError(f"a field of the {name} segment has a value that T.800 does not define")
    if style & _MIXED:
        raise UnsupportedError("HTJ2K codestreams that mix HT code-blocks with others are not supported")
    sizes = tuple((size & 15, size >> 4) for size in data[start + 5 : end])  # table A.21
    if any(0 in size for size in sizes[1:]):
        raise CodestreamError(f"the {name} segment has a precinct size of 1 above the lowest resolution")
    sizes = sizes or (levels + 1) * (_LARGEST_PRECINCTS,)
    return BlockStyle(levels, width, height, style, transformation == 1, sizes)


def _read_poc(data: Bytes, start: int, end: int, components: int) -> list[Progression]:
    """T.800 A.6.6: RSpoc, CSpoc, LYEpoc, REpoc, CEpoc, Ppoc of each progression."""
    size = 7 if components < 257 else 9
    if end == start or (end - start) % size:
        raise CodestreamError("the POC segment has a wrong length")
    progressions = []
    for entry in range(start, end, size):
        first_component, position = _component(data, entry + 1, components)
        layers, last_resolution = int.from_bytes(data[position : position + 2], "big"), data[position + 2]
        last_component, position = _component(data, position + 3, components)
        if data[position] >= len(_PROGRESSIONS):
            raise CodestreamError("the POC segment has a progression order that T.800 does not define")
        # A CEpoc of 0 stands for 256 where it has one byte, for 16384 where it has two.
        behind = min(last_component or components, components)
        resolutions = range(data[entry], min(last_resolution, 33))
        order = _PROGRESSIONS[data[position]]
        progressions.append(Progression(order, resolutions, range(first_component, behind), layers))
    return progressions
