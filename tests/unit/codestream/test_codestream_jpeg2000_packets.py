"""The walk over packets (T.800 annex B) and what it proves; streams are made and changed here.

The oracles are the encoders: packet headers that are misread do not lead to the end of a tile; PLT
segments give the length of each packet; and rewritten streams must decode to the same pixels.
"""

from __future__ import annotations

import random
import re
from typing import Any

import imagecodecs
import pytest

from fastdcm.codestream import jpeg2000
from fastdcm.errors import CodestreamError
from tests.unit.codestream.jpeg2000_streams import (
    COLOUR,
    EOC,
    PROGRESSIONS,
    assert_cuts_are_seen,
    assert_lengths_are_those_of_plt,
    cut,
    in_tile,
    insert,
    own,
    pillow_2000,
    prove,
    repacked,
    walk,
    with_length,
)


@pytest.mark.parametrize("name", list(own()))
def test_own_streams_add_up(name: str) -> None:
    prove(own()[name])


@pytest.mark.parametrize("name", list(own()))
def test_every_cut_is_seen(name: str) -> None:
    assert_cuts_are_seen(own()[name])


@pytest.mark.parametrize("order", PROGRESSIONS)
def test_packet_lengths(order: str) -> None:
    """The encoder's own list of packet lengths."""
    layers: Any = {"quality_mode": "rates", "quality_layers": [40, 10, 1], "num_resolutions": 4}
    stream = pillow_2000(
        COLOUR, progression=order, precinct_size=(16, 32), tile_size=(50, 50), plt=True, **layers
    )
    assert_lengths_are_those_of_plt(stream)


@pytest.mark.parametrize("name", [name for name in own() if not re.search("lossy|one |tile-parts", name)])
def test_code_blocks_cover_the_samples(name: str) -> None:
    """Each sample of noisy components is in one code-block, and each byte of a body in one contribution."""
    stream = own()[name]
    header = jpeg2000.parse(stream)
    areas: dict[tuple[int, int, int, str, tuple[int, ...]], int] = {}
    planes: dict[tuple[int, int, int, str, tuple[int, ...]], set[int]] = {}
    for packet in jpeg2000.packets(stream, header):
        place, offset = packet.place.resolution, 0
        for each in packet.contributions:
            assert each.offset == offset
            offset += sum(length for length, _ in each.segments)
            block = each.blocks.block(each.number)
            assert each.blocks.area.x0 <= block.x0 < block.x1 <= each.blocks.area.x1
            assert each.blocks.area.y0 <= block.y0 < block.y1 <= each.blocks.area.y1
            key = packet.tile, place.component, place.level, each.blocks.band, block
            areas[key] = (block.x1 - block.x0) * (block.y1 - block.y0)
            planes.setdefault(key, set()).add(each.zero_bit_planes)
        assert offset == packet.body[1] - packet.body[0]
    assert sum(areas.values()) == header.rows * header.columns * len(header.components)
    assert all(len(found) == 1 for found in planes.values())


@pytest.mark.parametrize("kind", ["PPM", "PPT"])
@pytest.mark.parametrize("name", ["pillow CPRL", "pillow tiles LRCP", "openjpeg 1x12 bits", "one value"])
def test_packed_packet_headers(kind: str, name: str) -> None:
    stream = own()[name]
    packed = repacked(stream, kind)
    assert (imagecodecs.jpeg2k_decode(packed) == imagecodecs.jpeg2k_decode(stream)).all()
    prove(packed)
    assert [packet.contributions for packet in walk(packed)] == [
        packet.contributions for packet in walk(stream)
    ]
    for at in [
        at for part in jpeg2000.parse(packed).tile_parts[-1:] for at in range(part.packets, part.end, 61)
    ]:
        with pytest.raises(CodestreamError):
            prove(cut(packed, at))


def test_packed_packet_headers_that_are_wrong() -> None:
    stream = own()["pillow tiles LRCP"]
    packed = repacked(stream, "PPM")
    at = packed.index(b"\xff\x60")
    short = packed[: at + 5] + b"\xff" + packed[at + 6 :]
    with pytest.raises(CodestreamError, match="cut: the packet headers in the PPM"):
        prove(short)
    ppm = packed[jpeg2000.parse(stream).tile_parts[0].start : jpeg2000.parse(packed).tile_parts[0].start]
    with pytest.raises(CodestreamError, match="in PPM and in PPT"):
        prove(insert(repacked(stream, "PPT"), ppm))
    single = repacked(own()["openjpeg 1x12 bits"], "PPT")
    prove(in_tile(single, b"\xff\x61\0\x03\x50"))
    with pytest.raises(CodestreamError, match="more packed headers than packets"):
        prove(in_tile(single, b"\xff\x61\0\x04\x50\0"))


def test_coding_style_of_components() -> None:
    """COC counts more than COD (T.800 A.6.2)."""
    stream = own()["openjpeg 3x8 bits"]
    at = stream.index(b"\xff\x52")
    style = stream[at + 9 : at + 14]  # SPcod: levels, code-block width, height, style, transformation
    pretended = stream[: at + 10] + b"\1\1" + stream[at + 12 :]
    with pytest.raises(CodestreamError):
        prove(pretended)
    for component in range(3):
        pretended = insert(pretended, b"\xff\x53\0\x09" + bytes([component, 0]) + style)
    assert (imagecodecs.jpeg2k_decode(pretended) == imagecodecs.jpeg2k_decode(stream)).all()
    prove(pretended)


def test_coding_style_of_tiles() -> None:
    """COD in a tile-part header counts more than COC in the main header, COC there most."""
    stream = own()["openjpeg 3x8 bits"]
    at = stream.index(b"\xff\x52")
    cod, style = stream[at : at + 14], stream[at + 9 : at + 14]
    wrong = b"\xff\x53\0\x09\0\0" + style[:1] + b"\1\1" + style[3:]
    main = insert(stream, wrong)
    with pytest.raises(CodestreamError):
        prove(main)
    prove(in_tile(main, cod))
    with pytest.raises(CodestreamError):
        prove(in_tile(main, cod + wrong))
    prove(in_tile(main, b"\xff\x53\0\x09\0\0" + style))


def test_progressions_that_overlap() -> None:
    """What an earlier progression had is not repeated (T.800 B.12.2)."""
    stream = own()["pillow LRCP"]
    first = b"\0\0" + b"\0\1" + b"\x21\3\0"  # RSpoc, CSpoc, LYEpoc, REpoc, CEpoc, Ppoc
    rest = b"\0\0" + b"\0\3" + b"\x21\3\0"
    changed = insert(stream, b"\xff\x5f\0\x10" + first + rest)
    assert (imagecodecs.jpeg2k_decode(changed) == imagecodecs.jpeg2k_decode(stream)).all()
    prove(changed)
    with pytest.raises(CodestreamError, match="behind the last packet"):
        prove(insert(stream, b"\xff\x5f\0\x09" + first))


def test_missing_tile_part() -> None:
    """Where no header says how many parts a tile has (TNsot 0), its packets do."""
    stream = own()["openjph tile-parts 1"]
    header = jpeg2000.parse(stream)
    assert max(sum(part.tile == tile for part in header.tile_parts) for tile in range(6)) > 1
    unknown = bytearray(stream)
    for part in header.tile_parts:
        unknown[part.start + 11] = 0
    prove(bytes(unknown))
    last = header.tile_parts[-1]
    with pytest.raises(CodestreamError, match="cut: tile 5 has only"):
        prove(bytes(unknown[: last.start]) + EOC)
    before = header.tile_parts[-2]
    with pytest.raises(CodestreamError, match="part 5 of tile 5 is missing before part 6"):
        prove(bytes(unknown[: before.start] + unknown[before.end :]))


def test_bytes_that_belong_to_no_packet() -> None:
    stream = own()["openjpeg 1x8 bits"]
    (part,) = jpeg2000.parse(stream).tile_parts
    longer = with_length(stream[:-2] + b"\0\0" + EOC, part, part.end - part.start + 2)
    with pytest.raises(CodestreamError, match="2 bytes are left behind the last packet of tile 0"):
        prove(longer)
    with pytest.raises(CodestreamError, match="2 bytes are left behind"):
        prove(with_length(longer, part, 0))
    prove(stream + bytes(7))  # behind EOC


def test_lost_middle() -> None:
    """Bytes missing between the headers and EOC: packets that add up nevertheless are a rare chance."""
    chance, seen, passed = random.Random(2000), 0, []
    for name, stream in own().items():
        header = jpeg2000.parse(stream)
        last = header.tile_parts[-1]
        if last.end - last.packets < 300:
            continue
        for _ in range(10):
            start = chance.randrange(last.packets, last.end - 200)
            end = start + chance.randrange(64, 200)
            try:
                prove(with_length(stream[:start] + stream[end:], last, 0))
                passed.append((name, start, end))
            except CodestreamError:
                seen += 1
    assert seen > 300
    assert len(passed) <= seen // 100
