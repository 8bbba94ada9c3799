"""Precincts: what of their code-blocks goes on from packet to packet (T.800 B.10, T.814 annex B)."""

from __future__ import annotations

from typing import Any, NamedTuple

from fastdcm.codestream.jpeg2000.bits import BitReader, parents_of
from fastdcm.codestream.jpeg2000.geometry import Blocks, Resolution
from fastdcm.errors import UnsupportedError
from fastdcm.kernels import packet_headers
from fastdcm.kernels.packet_headers import BLOCK, HEAD, MOST_SEGMENTS, SEGMENT

# Of the walk: about a microsecond is 1. An image of 2k x 2k has 1400 code-blocks a component and layer.
_LIMIT_WORK = 1 << 20
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
        found: list[Segments] = []
        if not reader.start(position, end):
            return found
        if self._state is None:
            self._begin(reader)
        state, style = reader.state, self._resolution.style.style
        while state[packet_headers.BAND] < len(self._state):
            state[packet_headers.WORK], state[packet_headers.LIMIT] = 0, self._work.left
            values = reader.integers((self._size + MOST_SEGMENTS) * SEGMENT)
            number = int(
                reader.kernels.read_packet(reader.data, state, self._state, self.layers, style, values)
            )
            self._work.add(int(state[packet_headers.WORK]))
            reader.check()
            found.append(Segments(self._bands, values, number))
        return found

    def _begin(self, reader: BitReader) -> None:
        """What the kernels call ``precinct``, as it is before the first packet that is not empty."""
        self._bands = self._resolution.blocks(self._index)
        self._size = sum(each.across * each.down for each in self._bands)
        self._work.add(_WORK_OF_TREES + self._size)
        trees = [parents_of(each.across, each.down, compiled=reader.compiled) for each in self._bands]
        self._state = reader.integers(sum(HEAD + 3 * len(parents) for parents in trees) + BLOCK * self._size)
        start = 0
        for number, (each, parents) in enumerate(zip(self._bands, trees, strict=True)):
            size, nodes, behind = each.across * each.down, len(parents), start + HEAD
            self._state[start:behind] = (size, nodes, 0, number)
            self._state[behind : behind + nodes] = parents
            start = behind + 3 * nodes + BLOCK * size
