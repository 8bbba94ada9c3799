"""Packet headers bit by bit: stuffing, tag trees, codeword segments (T.800 B.10, T.814 annex B)."""

from __future__ import annotations

import pytest

from fastdcm.codestream.jpeg2000 import precincts
from fastdcm.codestream.jpeg2000.bits import BitReader, integers, parents_of
from fastdcm.codestream.jpeg2000.coding import BlockStyle
from fastdcm.codestream.jpeg2000.geometry import resolutions
from fastdcm.codestream.jpeg2000.headers import Area, Component
from fastdcm.errors import CodestreamError

pytestmark = pytest.mark.parametrize("compiled", [False, True])


def packed(text: str) -> bytes:
    """Bits as bytes of a header: a zero is stuffed behind FF, the last byte filled up."""
    data, rest = bytearray(), text.replace(" ", "")
    while rest:
        size = 7 if data and data[-1] == 0xFF else 8
        data.append(int(rest[:size].ljust(size, "0"), 2))
        rest = rest[size:]
    return bytes(data)


def bits(data: bytes, count: int, *, compiled: bool) -> tuple[int, BitReader]:
    """A number of so many bits behind the first one, and the reader."""
    reader = BitReader(data, compiled=compiled)
    reader.start(0, len(data))
    number = reader.kernels.bits(reader.data, reader.state, count)
    reader.check()
    return number, reader


def test_tag_tree_of_the_standard(compiled: bool) -> None:
    """The worked example of T.800 B.10.2, figure B.12."""
    data = packed("1 01111 001 101")
    reader = BitReader(data, compiled=compiled)
    assert reader.start(0, len(data))
    parents = parents_of(6, 3, compiled=compiled)
    size = len(parents)
    tree = integers(2 * size, compiled=compiled)
    tree[:size] = parents
    for leaf, value in enumerate((1, 3, 2)):
        assert reader.kernels.below(reader.data, reader.state, tree, 0, size, leaf, 1 << 30)
        assert tree[size + leaf] >> 1 == value
    reader.check()


def test_stuffed_bits(compiled: bool) -> None:
    """Behind FF there is a zero bit that does not count, at the end of a header too (B.10.1)."""
    number, reader = bits(b"\xff\x7f\x01", 14 + 8, compiled=compiled)
    assert number == 0x3FFF << 8 | 1
    assert reader.finish() == 3
    number, reader = bits(b"\xff\x00\x01", 7, compiled=compiled)
    assert number == 127
    assert reader.finish() == 2
    with pytest.raises(CodestreamError, match="a marker inside the packet header at byte 1"):
        bits(b"\xff\x90", 8, compiled=compiled)
    with pytest.raises(CodestreamError, match="cut: the data ends in a packet header"):
        bits(b"\x01", 8, compiled=compiled)
    with pytest.raises(CodestreamError, match="cut: the data ends in a packet header"):
        bits(b"\xff", 7, compiled=compiled)[1].finish()


def layers_of(style: int, *headers: str, compiled: bool) -> list[list[list[tuple[int, int]]]]:
    """The segments in packet headers, one a layer, of a precinct of one code-block."""
    blocks = BlockStyle(0, 6, 6, style, True, ((15, 15),))
    (resolution,) = resolutions(Area(0, 0, 64, 64), 0, Component(8, False, 1, 1), blocks)
    precinct = precincts.Precinct(resolution, 0, precincts.Work())
    found = []
    for data in map(packed, headers):
        segments = precinct.read_header(BitReader(data, compiled=compiled), 0, len(data))
        found.append([each.segments for each in precincts.contributions(segments)])
    return found


# A header: not empty; included; no zero bit-planes (in the first one only); passes; Lblock + 0; lengths.
# Lblock is 3, and a length has as many bits more as its passes have binary places behind the first.
FIRST, AGAIN = "1 1 1", "1 1"
SEGMENTS: dict[str, tuple[int, list[str], list[list[tuple[int, int]]]]] = {
    "one segment, 5 passes in 3 + 2 bits": (0, [f"{FIRST} 1110 0 10110"], [[(22, 5)]]),
    "37 passes, Lblock + 2": (0, [f"{FIRST} 111111111 0000000 110 1000000011"], [[(515, 37)]]),
    "every pass a segment": (4, [f"{FIRST} 1100 0 101 110 111"], [[(5, 1), (6, 1), (7, 1)]]),
    "bypass from the eleventh pass on": (
        1,
        [f"{FIRST} 1111 00111 0 100001 1001 111 1000"],
        [[(33, 10), (9, 2), (7, 1)]],
    ),
    "bypass, a layer ends in a raw segment": (
        1,
        [f"{FIRST} 1111 00101 0 100001 101", f"{AGAIN} 10 0 110 111"],
        [[(33, 10), (5, 1)], [(6, 1), (7, 1)]],
    ),
    "HT cleanup": (64, [f"{FIRST} 0 0 101"], [[(5, 1)]]),
    "HT refinements share a segment": (64, [f"{FIRST} 1100 0 101 1001"], [[(5, 1), (9, 2)]]),
    "HT placeholders before the cleanup pass": (64, [f"{FIRST} 1111 00001 0 11001 101"], [[(25, 7)]]),
    "HT placeholders, then two passes": (64, [f"{FIRST} 1111 00000 0 10001 1001"], [[(17, 4), (9, 2)]]),
    "HT, layers of a pass each": (
        64,
        [f"{FIRST} 0 0 101", f"{AGAIN} 0 0 010", f"{AGAIN} 10 0 011 110"],
        [[(5, 1)], [(2, 1)], [(3, 1), (6, 1)]],
    ),
    "HT, a layer of placeholders only": (
        64,
        [f"{FIRST} 1100 0 000 0", f"{AGAIN} 0 0 101"],
        [[(0, 3)], [(5, 1)]],
    ),
}


@pytest.mark.parametrize("name", list(SEGMENTS))
def test_segments_by_hand(name: str, compiled: bool) -> None:
    """T.800 B.10.6, B.10.7, table D.9; T.814 B.1 to B.3."""
    style, headers, expected = SEGMENTS[name]
    assert layers_of(style, *headers, compiled=compiled) == [[segments] for segments in expected]


def test_as_many_segments_as_there_can_be(compiled: bool) -> None:
    """164 passes, each a segment, of each of 4 x 4 code-blocks, more than are read in one turn."""
    style = BlockStyle(0, 2, 2, 4, True, ((15, 15),))
    (resolution,) = resolutions(Area(0, 0, 16, 16), 0, Component(8, False, 1, 1), style)
    # Included, and no zero bit-planes: a bit in both trees for each node on the way to its first leaf.
    nodes = [(leaf // 4 % 2, leaf % 2) == (0, 0) for leaf in range(16)]
    lengths = [[(leaf + number) % 8 for number in range(164)] for leaf in range(16)]
    header = "1"
    for leaf in range(16):
        tree = "1" * (3 if leaf == 0 else 2 if nodes[leaf] else 1)
        header += f"{tree} {tree} 1111 11111 1111111 0 {''.join(f'{length:03b}' for length in lengths[leaf])}"
    precinct = precincts.Precinct(resolution, 0, precincts.Work())
    data = packed(header)
    reader = BitReader(data, compiled=compiled)
    found = precinct.read_header(reader, 0, len(data))
    assert len(found) > 10
    assert reader.finish() == len(data)
    assert [[length for length, _ in each.segments] for each in precincts.contributions(found)] == lengths
    assert [each.number for each in precincts.contributions(found)] == list(range(16))
    assert precincts.contributions(found)[-1].offset == sum(map(sum, lengths[:-1]))
