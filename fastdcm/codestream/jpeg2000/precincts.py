"""Packet headers (T.800 B.10, T.814 annex B): what a packet has of each code-block of its precinct."""

from __future__ import annotations

from typing import NamedTuple

from fastdcm.codestream.jpeg2000.bits import BitReader, TagTree
from fastdcm.codestream.jpeg2000.coding import BYPASS, HIGH_THROUGHPUT, TERMINATE_ALL
from fastdcm.codestream.jpeg2000.geometry import Blocks, Resolution
from fastdcm.errors import CodestreamError, UnsupportedError

# Of the walk: about a microsecond is 1. An image of 2k x 2k has 1400 code-blocks a component and layer.
_LIMIT_WORK = 1 << 20
_WORK_OF_PACKET, _WORK_OF_PRECINCT, _WORK_OF_TREES = 2, 2, 8
_LIMIT_LENGTH_BITS = 32  # a codestream has fewer than 2^32 bytes
# No sub-band has more: 7 guard bits + exponent 31 - 1 (E-2), and a region's shift of 255 (A.6.3, H.1).
_MOST_BIT_PLANES = 7 + 31 - 1 + 255
_CLEANUP_LENGTHS = range(2, 65535)  # T.814 B.3: Lcup


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


class _Block:
    """What of a code-block goes on from packet to packet."""

    __slots__ = ("coded", "length_bits", "passes", "zero_bit_planes")

    def __init__(self, zero_bit_planes: int) -> None:
        self.zero_bit_planes = zero_bit_planes
        self.length_bits = 3  # Lblock (B.10.7.1)
        self.passes = 0
        self.coded = False  # whether the first HT cleanup pass has come


class _Band:
    """The code-blocks of one sub-band in a precinct, and their tag trees."""

    __slots__ = ("blocks", "included", "inclusion", "size", "zero_bit_planes")

    def __init__(self, blocks: Blocks) -> None:
        self.blocks = blocks
        self.size = blocks.across * blocks.down
        self.included: dict[int, _Block] = {}
        self.inclusion = TagTree(blocks.across, blocks.down)
        self.zero_bit_planes = TagTree(blocks.across, blocks.down)


class Precinct:
    """A precinct, and what of it goes on from packet to packet; ``layers`` is how many it has had."""

    __slots__ = ("_bands", "_index", "_resolution", "_work", "layers")

    def __init__(self, resolution: Resolution, index: int, work: Work) -> None:
        work.add(_WORK_OF_PRECINCT)
        self.layers = 0
        self._work = work
        self._resolution = resolution
        self._index = index
        self._bands: list[_Band] | None = None

    def read_header(self, reader: BitReader) -> list[Contribution]:
        """Read the header of the next layer's packet, without SOP and EPH; raises CodestreamError."""
        self._work.add(_WORK_OF_PACKET)
        self.layers += 1
        if not reader.bit():
            return []  # B.10.3: an empty packet
        found: list[Contribution] = []
        offset = 0
        for band in self._make_bands() if self._bands is None else self._bands:
            included = band.included
            # Tag trees are read from the root on, for the first code-block in any case.
            if not included and not band.inclusion.root_below(reader, self.layers):
                continue
            self._work.add(band.size)
            for index in range(band.size):
                block = included.get(index)
                if block is None:
                    start = reader.position
                    block = self._first(reader, band, index)
                    # With thousands of layers each node of a tag tree may have thousands of bits.
                    self._work.add(reader.position - start)
                    if block is None:
                        continue
                elif not reader.bit():
                    continue
                before = block.passes
                segments = _segments(reader, block, self._resolution.style.style)
                found.append(
                    Contribution(band.blocks, index, block.zero_bit_planes, before, offset, segments)
                )
                for length, passes in segments:
                    offset += length
                    block.passes += passes
        return found

    def _first(self, reader: BitReader, band: _Band, index: int) -> _Block | None:
        """A code-block that no packet had, if this one has it (B.10.4, B.10.5)."""
        if not band.inclusion.below(reader, index, self.layers):
            return None
        if not band.zero_bit_planes.below(reader, index, _MOST_BIT_PLANES + 1):
            raise CodestreamError(
                f"the packet headers are damaged: more than {_MOST_BIT_PLANES} bit-planes of zeros"
            )
        block = band.included[index] = _Block(band.zero_bit_planes.lowest[index])
        return block

    def _make_bands(self) -> list[_Band]:
        blocks = self._resolution.blocks(self._index)
        self._work.add(_WORK_OF_TREES + sum(each.across * each.down for each in blocks))
        self._bands = [_Band(each) for each in blocks]
        return self._bands


def _segments(reader: BitReader, block: _Block, style: int) -> list[tuple[int, int]]:
    """Length and passes of each codeword segment (B.10.6, B.10.7)."""
    passes = _number_of_passes(reader)
    while reader.bit():
        block.length_bits += 1
        if block.length_bits > _LIMIT_LENGTH_BITS:
            raise CodestreamError("the packet headers are damaged: a length of more than 32 bits")
    if style & HIGH_THROUGHPUT:
        return _ht_segments(reader, block, passes)
    if style & (BYPASS | TERMINATE_ALL):
        counts = [1] * passes if style & TERMINATE_ALL else _bypass_passes(block.passes, passes)
        return [(_length(reader, block, count), count) for count in counts]
    return [(_length(reader, block, passes), passes)]


def _length(reader: BitReader, block: _Block, passes: int) -> int:
    """The length of a codeword segment with so many passes of this packet (B.10.7.1)."""
    return reader.bits(block.length_bits + passes.bit_length() - 1)


def _number_of_passes(reader: BitReader) -> int:
    """Table B.4."""
    if not reader.bit():
        return 1
    if not reader.bit():
        return 2
    if (more := reader.bits(2)) < 3:
        return 3 + more
    if (more := reader.bits(5)) < 31:
        return 6 + more
    return 37 + reader.bits(7)


def _bypass_passes(before: int, passes: int) -> list[int]:
    """Split passes into codeword segments under selective arithmetic coding bypass (table D.9).

    The first segment ends with the cleanup pass of the fourth bit-plane, the tenth pass; then two raw
    passes and a cleanup pass by turns.
    """
    counts = []
    while passes:
        room = 10 - before if before < 10 else (2, 1, 1)[(before - 10) % 3]
        count = min(room, passes)
        counts.append(count)
        before, passes = before + count, passes - count
    return counts


def _ht_segments(reader: BitReader, block: _Block, passes: int) -> list[tuple[int, int]]:
    """Segments of an HT code-block: a cleanup pass; then SigProp and MagRef passes, which share one.

    Placeholder passes, three for each bit-plane left out, precede the first cleanup pass and count in
    its segment. As long as there are only those, the length is zero, in as many bits as all passes of
    the packet call for (T.814 B.1 to B.3).
    """
    segments: list[tuple[int, int]] = []
    before = block.passes
    if not block.coded:
        refinements = (before + passes - 1) % 3
        cleanup = passes - refinements if passes > refinements else passes
        length = _length(reader, block, cleanup)
        if length == 0:
            length = reader.bits(passes.bit_length() - cleanup.bit_length())
            cleanup = passes
        else:
            block.coded = passes > refinements
        if length and (not block.coded or length not in _CLEANUP_LENGTHS):
            raise CodestreamError(f"the packet headers are damaged: {length} bytes for a cleanup pass")
        segments.append((length, cleanup))
        before, passes = before + cleanup, passes - cleanup
    while passes:
        count = 1 if before % 3 == 0 else min(3 - before % 3, passes)
        segments.append((_length(reader, block, count), count))
        before, passes = before + count, passes - count
    return segments
