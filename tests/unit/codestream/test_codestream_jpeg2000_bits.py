"""Packet headers bit by bit: stuffing, tag trees, codeword segments (T.800 B.10, T.814 annex B)."""

from __future__ import annotations

import pytest

from fastdcm.codestream.jpeg2000 import precincts
from fastdcm.codestream.jpeg2000.bits import BitReader, TagTree
from fastdcm.codestream.jpeg2000.coding import BlockStyle
from fastdcm.codestream.jpeg2000.geometry import resolutions
from fastdcm.codestream.jpeg2000.headers import Area, Component
from fastdcm.errors import CodestreamError


def bits(text: str) -> BitReader:
    """A reader of a header with these bits: a zero is stuffed behind FF, the last byte filled up."""
    data, rest = bytearray(), text.replace(" ", "")
    while rest:
        size = 7 if data and data[-1] == 0xFF else 8
        data.append(int(rest[:size].ljust(size, "0"), 2))
        rest = rest[size:]
    return BitReader(bytes(data), 0, len(data))


def test_tag_tree_of_the_standard() -> None:
    """The worked example of T.800 B.10.2, figure B.12."""
    tree = TagTree(6, 3)
    reader = bits("01111 001 101")
    for leaf, value in enumerate((1, 3, 2)):
        assert tree.below(reader, leaf, 1 << 30)
        assert tree.lowest[leaf] == value


def test_stuffed_bits() -> None:
    """Behind FF there is a zero bit that does not count, at the end of a header too (B.10.1)."""
    reader = BitReader(b"\xff\x7f\x01", 0, 3)
    assert reader.bits(15) == 0x7FFF
    assert reader.bits(8) == 1
    assert reader.finish() == 3
    reader = BitReader(b"\xff\x00\x01", 0, 3)
    assert reader.bits(8) == 255
    assert reader.finish() == 2
    with pytest.raises(CodestreamError, match="a marker inside"):
        BitReader(b"\xff\x90", 0, 2).bits(9)
    with pytest.raises(CodestreamError, match="cut: the data ends in a packet header"):
        BitReader(b"\x01\x02", 0, 1).bits(9)


def layers_of(style: int, *headers: str) -> list[list[list[tuple[int, int]]]]:
    """The segments in packet headers, one a layer, of a precinct of one code-block."""
    blocks = BlockStyle(0, 6, 6, style, True, ((15, 15),))
    (resolution,) = resolutions(Area(0, 0, 64, 64), 0, Component(8, False, 1, 1), blocks)
    precinct = precincts.Precinct(resolution, 0, precincts.Work())
    return [[each.segments for each in precinct.read_header(bits(header))] for header in headers]


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
def test_segments_by_hand(name: str) -> None:
    """T.800 B.10.6, B.10.7, table D.9; T.814 B.1 to B.3."""
    style, headers, expected = SEGMENTS[name]
    assert layers_of(style, *headers) == [[segments] for segments in expected]
