"""Precincts: what of their code-blocks goes on from packet to packet (T.800 B.10, T.814 annex B)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from fastdcm.codestream.jpeg2000.bits import BitReader, integers, parents_of
from fastdcm.codestream.jpeg2000.geometry import Blocks, Resolution
from fastdcm.errors import UnsupportedError
from fastdcm.kernels import packet_headers
from fastdcm.kernels.packet_headers import BLOCK, HEAD, MOST_SEGMENTS, SEGMENT

# Of the walk: about a microsecond is 1. An image of 2k x 2k has 1400 code-blocks a component and layer.
_LIMIT_WORK = 1 << 20
_LARGE_PRECINCT = 1024  # code-blocks; what larger ones begin with is not worth the memory of being remembered
_WORK_OF_PACKET, _WORK_OF_PRECINCT, _WORK_OF_TREES = 2, 2, 8


class Contribution(NamedTuple):
    """What a packet has of one code-block, the one of this ``number`` in ``blocks``.

    ``offset`` counts from the start of the packet's body; from there on lie codeword segments of these
    (length, passes). Their first one continues the code-block's segment of an earlier packet where
    that was not terminated; ``passes_before`` is how many passes there were. ``zero_bit_planes`` is P
    of B.10.5; in HT code-blocks placeholder passes count in the first segment.
    """

    blocks: Blocks
    number: int
    zero_bit_planes: int
    passes_before: int
    offset: int
    segments: list[tuple[int, int]]


class Segments(NamedTuple):
    """Codeword segments as they follow each other in a packet's body.

    ``values`` holds `packet_headers.SEGMENT` integers for each of ``number``; see there. ``bands`` are the
    code-blocks of the precinct's sub-bands.
    """

    bands: list[Blocks]
    values: Any
    number: int


def contributions(parts: list[Segments]) -> list[Contribution]:
    """What a packet has, code-block by code-block."""
    found: list[Contribution] = []
    offset = 0
    last = (-1, -1)
    for bands, values, number in parts:
        for row in range(0, number * SEGMENT, SEGMENT):
            band, block, zero_bit_planes, before, length, passes = map(int, values[row : row + SEGMENT])
            if (band, block) != last:
                found.append(Contribution(bands[band], block, zero_bit_planes, before, offset, []))
                last = band, block
            found[-1].segments.append((length, passes))
            offset += length
    return found


def within(parts: list[Segments], size: int) -> list[Segments]:
    """What lies in the first ``size`` bytes of a packet's body: whole codeword segments, up to the last."""
    found: list[Segments] = []
    for bands, values, number in parts:
        for row in range(number):
            size -= int(values[row * SEGMENT + 4])
            if size < 0:
                return [*found, Segments(bands, values, row)]
        found.append(Segments(bands, values, number))
    return found


class TooMuchWorkError(UnsupportedError):
    """More packets and code-blocks than are followed."""


class Work:
    """How much has been looked at; ends the walk over streams that a few bytes make endless."""

    __slots__ = ("_done",)

    def __init__(self) -> None:
        self._done = 0

    def add(self, units: int) -> None:
        """Raises TooMuchWorkError at the limit."""
        self._done += units
        if self._done > _LIMIT_WORK:
            raise TooMuchWorkError("JPEG 2000 streams of so many packets or code-blocks are not supported")

    @property
    def left(self) -> int:
        """How much may be added."""
        return _LIMIT_WORK - self._done


class Precinct:
    """A precinct, and what of it goes on from packet to packet; ``layers`` is how many it has had."""

    __slots__ = ("_bands", "_index", "_resolution", "_size", "_state", "_work", "layers")

    def __init__(self, resolution: Resolution, index: int, work: Work) -> None:
        work.add(_WORK_OF_PRECINCT)
        self.layers = 0
        self._work = work
        self._resolution = resolution
        self._index = index
        self._bands: list[Blocks] = []
        self._size = 0
        self._state: Any = None

    def read_header(self, reader: BitReader, position: int, end: int) -> list[Segments]:
        """Read the header of the next layer's packet, without SOP and EPH; raises CodestreamError."""
        self._work.add(_WORK_OF_PACKET)
        self.layers += 1
        if position >= end or not reader.data[position] & 0x80:  # its first bit tells whether there is more
            reader.start(position, end)
            reader.finish()
            return []
        if self._state is None:
            self._begin(reader)
        state, style, kernels = reader.state, self._resolution.style.style, reader.kernels
        size = (self._size + MOST_SEGMENTS) * SEGMENT
        state[packet_headers.WORK], state[packet_headers.LIMIT] = 0, self._work.left
        values = integers(size, compiled=reader.compiled)
        place = position, end, self.layers, style
        number = int(kernels.read_header(reader.data, state, self._state, *place, values))
        found = [self._read(reader, values, number)]
        is_whole = state[packet_headers.BAND] >= len(self._state)  # and finished then
        while state[packet_headers.BAND] < len(self._state):
            state[packet_headers.WORK], state[packet_headers.LIMIT] = 0, self._work.left
            values = integers(size, compiled=reader.compiled)
            number = int(kernels.read_packet(reader.data, state, self._state, self.layers, style, values))
            found.append(self._read(reader, values, number))
        if not is_whole:
            reader.finish()
        return found

    def _read(self, reader: BitReader, values: Any, number: int) -> Segments:
        """What a kernel read; raises CodestreamError."""
        self._work.add(int(reader.state[packet_headers.WORK]))
        reader.check()
        return Segments(self._bands, values, number)

    def _begin(self, reader: BitReader) -> None:
        """What the kernels call ``precinct``, as it is before the first packet that is not empty."""
        # Of frames alike the only precinct of a resolution is that of the frame before.
        begin = _beginning if self._resolution.precincts == 1 else _beginning.__wrapped__
        self._bands, self._size, state = begin(self._resolution, self._index, reader.compiled)
        self._work.add(_WORK_OF_TREES + self._size)
        if state is None:
            state = _first_state.__wrapped__(_shapes(self._bands), reader.compiled)
        self._state = state.copy()


def _shapes(bands: list[Blocks]) -> tuple[tuple[int, int], ...]:
    return tuple((each.across, each.down) for each in bands)


@lru_cache(maxsize=64)
def _beginning(resolution: Resolution, index: int, compiled: bool) -> tuple[list[Blocks], int, Any]:
    """The code-blocks of a precinct, how many there are, and what `_first_state` is; None of large ones."""
    bands = resolution.blocks(index)
    size = sum(each.across * each.down for each in bands)
    return bands, size, _first_state(_shapes(bands), compiled) if size <= _LARGE_PRECINCT else None


@lru_cache(maxsize=64)
def _first_state(shapes: tuple[tuple[int, int], ...], compiled: bool) -> Any:
    """What the kernels call ``precinct``, of sub-bands with so many code-blocks across and down."""
    trees = [parents_of(across, down, compiled=compiled) for across, down in shapes]
    blocks = sum(across * down for across, down in shapes)
    state = integers(sum(HEAD + 3 * len(parents) for parents in trees) + BLOCK * blocks, compiled=compiled)
    start = 0
    for number, ((across, down), parents) in enumerate(zip(shapes, trees, strict=True)):
        size, nodes, behind = across * down, len(parents), start + HEAD
        state[start:behind] = (size, nodes, 0, number)
        state[behind : behind + nodes] = parents
        start = behind + 3 * nodes + BLOCK * size
    return state
