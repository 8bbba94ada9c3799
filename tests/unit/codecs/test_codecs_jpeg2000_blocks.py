"""Tables of code-blocks (T.800 annex B) against a plain reading of the same packets, one by one."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest

from fastdcm.codecs.jpeg2000 import planning, reading, walk
from fastdcm.codecs.jpeg2000.blocks import (
    FIELDS,
    MOST_BIT_PLANES,
    REFUSALS,
    Tile,
    TileComponent,
    refusal,
)
from fastdcm.codecs.jpeg2000.decode import decode
from fastdcm.codecs.jpeg2000.planning import plan_of
from fastdcm.codecs.jpeg2000.reading import tiles
from fastdcm.codestream import jpeg2000
from fastdcm.errors import CodestreamError, FastdcmError, OptionError
from fastdcm.kernels.packet_headers import passes_together
from tests.unit.codestream.jpeg2000_streams import (
    COLOUR,
    DEEP,
    GREY,
    PROGRESSIONS,
    cut,
    in_tile,
    insert,
    opj_compress,
    opj_compress_420,
    own,
    pillow_2000,
    repacked,
)

TOOL = shutil.which("opj_compress")
BY_TOOL = pytest.mark.skipif(TOOL is None, reason="needs opj_compress")
NAMES = [name for name in own() if not name.startswith("openjph")]
QCD, QCC, COD, COC = b"\xff\x5c", b"\xff\x5d", b"\xff\x52", b"\xff\x53"


def tables(stream: bytes, **options: Any) -> list[Tile]:
    header = jpeg2000.parse(stream)
    assert refusal(stream, header) == ""
    return tiles(stream, header, **options)


def slowly(stream: bytes) -> dict[tuple[Any, ...], dict[str, Any]]:
    """By tile, component, level, sub-band and area: what packets have of each code-block."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for packet in jpeg2000.packets(stream, jpeg2000.parse(stream)):
        place = packet.place.resolution
        for each in packet.contributions:
            area = each.blocks.block(each.number)
            block = found.setdefault(
                (packet.tile, place.component, place.level, each.blocks.band, area),
                {"chunks": [], "segments": [], "room": 0, "passes": 0, "zeros": each.zero_bit_planes},
            )
            length = sum(length for length, _ in each.segments)
            block["chunks"].append((packet.body[0] + each.offset, length))
            for length, passes in each.segments:
                if block["room"] == 0:
                    block["segments"].append([0, 0])
                    block["room"] = passes_together(block["passes"], 1 << 20, place.style.style)
                block["segments"][-1][0] += length
                block["segments"][-1][1] += passes
                block["room"] -= passes
                block["passes"] += passes
    return found


def named(component: TileComponent) -> list[tuple[str, int, tuple[int, int, int, int], dict[str, int], Any]]:
    """Of each row of a table: sub-band, level, area in the sub-band's coordinates, fields, M_b."""
    found = []
    for row in component.blocks.tolist():
        each = dict(zip(FIELDS, row, strict=True))
        y, x = divmod(each["OUT"], each["STRIDE"])
        number, band = next(
            (number, band)
            for number, band in enumerate(component.bands)
            if band.x0 <= x < band.x1 and band.y0 <= y < band.y1
        )
        assert x + each["WIDTH"] <= band.x1
        assert y + each["HEIGHT"] <= band.y1
        x, y = x - band.x0 + band.area.x0, y - band.y0 + band.area.y0
        area = x, y, x + each["WIDTH"], y + each["HEIGHT"]
        found.append((band.name, (number + 2) // 3, area, each, band))
    return found


def assert_as_slowly(stream: bytes) -> list[Tile]:
    """The tables say what the slow reading says, and sub-bands fill their planes."""
    expected, found = slowly(stream), tables(stream)
    seen = set()
    for number, tile in enumerate(found):
        for index, component in enumerate(tile.components):
            assert_planes(component)
            assert len(component.chunks) == component.blocks[:, 1].max(initial=0)
            assert len(component.segments) == component.blocks[:, 3].max(initial=0)
            for name, level, area, each, band in named(component):
                key = number, index, level, name, area
                if each["PLANES"] == 0:
                    assert key not in expected
                    assert each["CHUNK"] == each["CHUNK_END"]
                    assert each["SEGMENT"] == each["SEGMENT_END"]
                    continue
                slow = expected[key]
                seen.add(key)
                chunks = component.chunks[each["CHUNK"] : each["CHUNK_END"]].tolist()
                segments = component.segments[each["SEGMENT"] : each["SEGMENT_END"]].tolist()
                assert list(map(tuple, chunks)) == slow["chunks"]
                assert segments == slow["segments"]
                assert each["PLANES"] == band.planes - slow["zeros"]
                assert each["ORIENTATION"] == {"LL": 0, "LH": 0, "HL": 1, "HH": 2}[name]
                assert each["STYLE"] == component.style
                assert each["STRIDE"] == component.plane[1]
                assert each["BYTES"] == sum(length for _, length in slow["chunks"])
    assert seen == expected.keys()
    return found


def assert_planes(component: TileComponent) -> None:
    """Each coefficient of the plane is in one sub-band, and in one code-block."""
    plane, blocks = np.zeros(component.plane, int), np.zeros(component.plane, int)
    for band in component.bands:
        plane[band.y0 : band.y1, band.x0 : band.x1] += 1
        assert (band.x1 - band.x0, band.y1 - band.y0) == (
            band.area.x1 - band.area.x0,
            band.area.y1 - band.area.y0,
        )
    assert (plane == 1).all()
    for row in component.blocks.tolist():
        each = dict(zip(FIELDS, row, strict=True))
        y, x = divmod(each["OUT"], each["STRIDE"])
        blocks[y : y + each["HEIGHT"], x : x + each["WIDTH"]] += 1
    assert (blocks == 1).all()


def test_kernels_see_the_same_fields() -> None:
    from fastdcm.kernels import code_blocks

    assert [getattr(code_blocks, field) for field in FIELDS] == list(range(len(FIELDS)))
    assert code_blocks.MOST_PLANES >= MOST_BIT_PLANES


@pytest.mark.parametrize("name", NAMES)
def test_own_streams(name: str) -> None:
    assert_as_slowly(own()[name])


TILES = ("", "-t 33,40", "-t 33,40 -d 5,7 -T 2,3", "-d 3,1")
LAYERS = ("", "-r 40,10,1", "-r 40,10,1 -c [16,32],[32,16]")
STYLES = (0, 1, 2, 4, 8, 16, 32, 5, 63)


@BY_TOOL
@pytest.mark.parametrize("tile", TILES)
@pytest.mark.parametrize("layers", LAYERS)
def test_tiles_and_layers(tile: str, layers: str, tmp_path: Path) -> None:
    assert TOOL is not None
    for order in PROGRESSIONS:
        options = f"-n 4 -b 16,8 -p {order} -SOP -EPH {tile} {layers}"
        assert_as_slowly(opj_compress(TOOL, tmp_path, COLOUR, options))


@BY_TOOL
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("layers", ["", "-r 60,40,20,8,3,1"])
def test_styles(style: int, layers: str, tmp_path: Path) -> None:
    assert TOOL is not None
    for extra in ("", "-I"):
        stream = opj_compress(TOOL, tmp_path, DEEP, f"-n 3 -b 32,32 -M {style} {layers} {extra}", bits=12)
        (tile,) = assert_as_slowly(stream)
        (component,) = tile.components
        assert component.style == style
        assert component.reversible == (not extra)
        if style & 4:
            assert (component.segments[:, 1] == 1).all()
        elif not style & 1:
            assert len(component.segments) == np.count_nonzero(component.blocks[:, FIELDS.index("PLANES")])


@BY_TOOL
@pytest.mark.parametrize("tile", ["", "-t 50,50 "])
def test_progression_order_changes(tile: str, tmp_path: Path) -> None:
    assert TOOL is not None
    changes = "-n 6 -POC T1=0,0,1,3,3,CPRL/T1=3,0,1,6,3,RLCP"
    assert_as_slowly(opj_compress(TOOL, tmp_path, COLOUR, tile + changes))


def test_progressions_that_overlap() -> None:
    """The first layer, then all of them, is the order that there was (T.800 A.6.6, B.12.2)."""
    stream = own()["pillow LRCP"]
    volumes = b"".join(bytes([0, 0, 0, layers, 33, 3, 0]) for layers in (1, 3))
    assert_same(tables(stream), assert_as_slowly(insert(stream, segment(b"\xff\x5f", volumes))))


def test_interpreted_and_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("pillow RPCL", "pillow tiles CPRL", "one pixel", "one value")
    compiled = [tables(own()[name]) for name in names]
    monkeypatch.setattr(planning, "_PLANS", {})
    for module, kernel in (
        (planning, planning.divide),
        (walk, walk.read_packets),
        (reading, reading.collect),
    ):
        monkeypatch.setattr(module, kernel.__name__, kernel.py_func)
    for name, found in zip(names, compiled, strict=True):
        assert_same(tables(own()[name]), found)


def test_plans_are_those_of_the_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the main header and of tile-parts; they are forgotten where there are too many."""
    monkeypatch.setattr(planning, "_PLANS", {})
    monkeypatch.setattr(planning, "_MOST_PLANS", 2)
    stream = own()["openjpeg 3x8 bits"]
    other = in_tile(stream, segment(QCD, raised(stream, 2)))
    expected = [planes_of(stream), planes_of(other)]
    assert expected[0] != expected[1]
    for _ in range(3):
        assert [planes_of(stream), planes_of(other)] == expected
        tables(own()["pillow LRCP"])
        assert 1 <= len(planning._PLANS) <= 2
    plan = plan_of(stream, jpeg2000.parse(stream), 0, partial=False)
    assert plan_of(stream, jpeg2000.parse(stream), 0, partial=False) is plan
    assert plan_of(stream, jpeg2000.parse(stream), 1, partial=False) is not plan


def test_more_segments_than_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no room for all of them, packets are read once more."""
    found = tables(own()["pillow LRCP"])
    real = walk.read_packets
    rooms: list[int] = []

    def few(*arguments: Any) -> Any:
        *before, rows, offsets, partial = arguments
        rooms.append(len(offsets))
        size = min(len(offsets), walk.MOST_SEGMENTS + 2 if len(rooms) == 1 else len(offsets))
        return real(*before, rows[: size * walk.SEGMENT], offsets[:size], partial)

    monkeypatch.setattr(walk, "read_packets", few)
    assert_same(tables(own()["pillow LRCP"]), found)
    assert len(rooms) == 2


def assert_same(first: list[Tile], second: list[Tile]) -> None:
    """The same tables, but for where in their streams the pieces are."""
    for one, other in zip(first, second, strict=True):
        assert one[:2] == other[:2]
        for each, again in zip(one.components, other.components, strict=True):
            assert each[:6] == again[:6]
            assert (each.blocks == again.blocks).all()
            assert (each.chunks[:, 1] == again.chunks[:, 1]).all()
            assert (each.segments == again.segments).all()


def test_nothing_is_there() -> None:
    """Packets without code-blocks: all coefficients are zero, whatever memory had before."""
    (tile,) = tables(bytes(imagecodecs.jpeg2k_encode(np.full((9, 7), 128, np.uint8), codecformat="j2k")))
    (component,) = tile.components
    assert component.plane == (9, 7)
    assert_planes(component)
    assert not component.blocks[:, FIELDS.index("PLANES")].any()


@pytest.mark.parametrize("name", ["pillow LRCP", "pillow tiles RPCL", "openjpeg 1x16 bits"])
def test_without_the_highest_resolutions(name: str) -> None:
    stream = own()[name]
    for reduce in (1, 2):
        for whole, tile in zip(tables(stream), tables(stream, reduce=reduce), strict=True):
            assert tile.area == whole.area
            for full, less in zip(whole.components, tile.components, strict=True):
                assert less.resolutions == full.resolutions[:-reduce]
                assert less.bands == full.bands[: -3 * reduce]
                assert_planes(less)
                kept = [
                    (name, level, area, full.chunks[each["CHUNK"] : each["CHUNK_END"]].tolist())
                    for name, level, area, each, _ in named(full)
                    if level < len(less.resolutions)
                ]
                assert kept == [
                    (name, level, area, less.chunks[each["CHUNK"] : each["CHUNK_END"]].tolist())
                    for name, level, area, each, _ in named(less)
                ]


def test_more_resolutions_than_there_are() -> None:
    stream = own()["openjpeg 1x8 bits"]
    with pytest.raises(OptionError, match="reduce is 2, the codestream has 1 decompositions"):
        tables(stream, reduce=2)


def test_cut_streams_are_no_tables() -> None:
    stream = own()["openjpeg 1x12 bits"]
    with pytest.raises(CodestreamError, match="cut"):
        tables(cut(stream, len(stream) - 300, open_ended=False))


# Quantization: QCD and QCC of main header and tile, by T.800 A.6.4, A.6.5 and E.1.


def at(stream: bytes, marker: bytes) -> int:
    """Offset of what follows the length field of the first such segment of the main header."""
    return stream.index(marker, stream.index(COD)) + 4 if marker != COD else stream.index(COD) + 4


def segment(marker: bytes, contents: bytes) -> bytes:
    return marker + (len(contents) + 2).to_bytes(2, "big") + contents


def raised(stream: bytes, by: int) -> bytes:
    """What the QCD of a reversible stream holds, with more guard bits."""
    start = at(stream, QCD)
    end = start - 2 + int.from_bytes(stream[start - 2 : start], "big")
    return bytes([stream[start] + (by << 5)]) + stream[start + 1 : end]


def planes_of(stream: bytes) -> list[list[int]]:
    return [[band.planes for band in each.bands] for each in tables(stream)[0].components]


def test_which_quantization_counts() -> None:
    """QCC of the tile, QCD of the tile, QCC of the main header, QCD of the main header (A.6.5)."""
    stream = own()["openjpeg 3x8 bits"]
    before = planes_of(stream)
    in_main = insert(stream, segment(QCC, b"\x01" + raised(stream, 1)))
    assert planes_of(in_main) == more(before, [0, 1, 0])
    tile = in_tile(in_main, segment(QCD, raised(stream, 2)))
    assert planes_of(tile) == more(before, [2, 2, 2])
    both = in_tile(tile, segment(QCC, b"\x02" + raised(stream, 3)))
    assert planes_of(both) == more(before, [2, 2, 3])


def more(planes: list[list[int]], by: list[int]) -> list[list[int]]:
    return [[each + extra for each in bands] for bands, extra in zip(planes, by, strict=True)]


def test_which_coding_style_counts() -> None:
    """COC of the tile, COD of the tile, COC of the main header, COD of the main header (A.6.2).

    Here they differ in vertically causal contexts alone, of which packets do not depend.
    """
    stream = own()["openjpeg 3x8 bits"]
    start = at(stream, COD)
    cod = stream[start : start - 2 + int.from_bytes(stream[start - 2 : start], "big")]
    causal = cod[:8] + bytes([cod[8] | 8]) + cod[9:]
    in_main = insert(stream, segment(COC, b"\x01" + cod[:1] + causal[5:]))
    assert styles_of(in_main) == [0, 8, 0]
    tile = in_tile(in_main, segment(COD, cod))
    assert styles_of(tile) == [0, 0, 0]
    both = in_tile(tile, segment(COC, b"\x02" + cod[:1] + causal[5:]))
    assert styles_of(both) == [0, 0, 8]


def styles_of(stream: bytes) -> list[int]:
    (tile,) = tables(stream)
    assert {style for each in tile.components for style in each.blocks[:, FIELDS.index("STYLE")]} == {
        each.style for each in tile.components
    }
    return [each.style for each in tile.components]


def test_component_transform_of_a_tile() -> None:
    stream = own()["openjpeg 3x8 bits"]
    start = at(stream, COD)
    cod = stream[start : start - 2 + int.from_bytes(stream[start - 2 : start], "big")]
    assert tables(stream)[0].mct == (cod[4] == 1)
    assert tables(in_tile(stream, segment(COD, cod[:4] + b"\1" + cod[5:])))[0].mct
    assert not tables(in_tile(stream, segment(COD, cod[:4] + b"\0" + cod[5:])))[0].mct


def test_component_transform_of_unlike_components() -> None:
    """There is none of both kinds (G.2, G.3)."""
    stream = own()["openjpeg 3x8 bits"]
    start = at(stream, COD)
    cod = stream[start : start - 2 + int.from_bytes(stream[start - 2 : start], "big")]
    irreversible = cod[:1] + cod[5:9] + b"\0" + cod[10:]
    unlike = insert(patched(stream, start + 4, b"\1"), segment(COC, b"\x01" + irreversible))
    with pytest.raises(CodestreamError, match="both reversible and irreversible"):
        decode(unlike, jpeg2000.parse(unlike))


@pytest.mark.parametrize("name", ["openjpeg lossy 1x12 bits", "openjpeg lossy 3x8 bits"])
def test_steps(name: str) -> None:
    """Equations E-2 to E-4, with the gains of table E.1."""
    stream = own()[name]
    start = at(stream, QCD)
    steps = [
        int.from_bytes(stream[start + 1 + 2 * band : start + 3 + 2 * band], "big") for band in range(100)
    ]
    precision = jpeg2000.parse(stream).components[0].precision
    for component in tables(stream)[0].components:
        for band, step in zip(component.bands, steps, strict=False):
            exponent, mantissa = divmod(step, 2048)
            range_bits = precision + {"LL": 0, "HL": 1, "LH": 1, "HH": 2}[band.name]
            assert band.planes == (stream[start] >> 5) + exponent - 1
            assert band.step == 2.0 ** (range_bits - exponent) * (1 + mantissa / 2048)


def test_derived_steps() -> None:
    """Of LL's exponent and mantissa alone (E-5): a decomposition less is an exponent less."""
    stream = pillow_2000(GREY, irreversible=True, num_resolutions=4)
    derived = in_tile(stream, segment(QCD, bytes([7 << 5 | 1]) + (12 << 11 | 512).to_bytes(2, "big")))
    (component,) = tables(derived)[0].components
    exponents = [12, *[12] * 3, *[11] * 3, *[10] * 3]
    assert len(component.bands) == len(exponents)
    assert [band.planes for band in component.bands] == [7 + exponent - 1 for exponent in exponents]
    for band, exponent in zip(component.bands, exponents, strict=True):
        gain = {"LL": 0, "HL": 1, "LH": 1, "HH": 2}[band.name]
        assert band.step == 2.0 ** (8 + gain - exponent) * 1.25


def test_reversible_steps_are_1() -> None:
    assert {band.step for band in tables(own()["openjpeg 1x12 bits"])[0].components[0].bands} == {1.0}


@pytest.mark.parametrize(
    ("quantization", "says"),
    [
        (b"\x20" + bytes(16 * [1 << 3]), "coding passes after .* its sub-band has 1 bit-planes"),
        (b"\x40\x90", "steps for 1 sub-bands"),
        (b"\x40", "wrong length"),
        (b"\x42\x90\x00\x90", "wrong length"),
        (b"\x43\x90\x00", "style that T.800 does not define"),
    ],
)
def test_contradictions(quantization: bytes, says: str) -> None:
    stream = in_tile(own()["openjpeg 1x12 bits"], segment(QCD, quantization))
    with pytest.raises(CodestreamError, match=says):
        tables(stream)


def test_no_quantization() -> None:
    stream = own()["openjpeg 1x12 bits"]
    start = at(stream, QCD)
    end = start - 2 + int.from_bytes(stream[start - 2 : start], "big")
    header = jpeg2000.parse(stream)
    for read in (refusal, tiles):
        comment = stream[: start - 4] + b"\xff\x64" + stream[start - 2 : end] + stream[end:]
        with pytest.raises(CodestreamError, match="no QCD"):
            read(comment, jpeg2000.parse(comment))
    assert refusal(stream, header) == ""


# What is left to a library.


def patched(stream: bytes, offset: int, contents: bytes) -> bytes:
    return stream[:offset] + contents + stream[offset + len(contents) :]


def refused() -> dict[str, tuple[bytes, str]]:
    grey, colour = own()["openjpeg 1x12 bits"], own()["openjpeg 3x8 bits"]
    start = at(grey, QCD)
    return {
        "ht": (own()["openjph 1x12 bits"], "high-throughput"),
        "part 2": (patched(grey, 6, b"\x80\x00"), "Part 2"),
        "PPM": (repacked(grey, "PPM"), "packed packet headers"),
        "PPT": (repacked(grey, "PPT"), "packed packet headers"),
        "depth": (patched(colour, 43, b"\x08"), "unlike each other"),
        "bits": (patched(grey, 42, b"\x10"), "samples of more than 16 bits"),
        "region": (insert(grey, segment(b"\xff\x5e", b"\0\0\3")), "RGN"),
        "region of a tile": (in_tile(grey, segment(b"\xff\x5e", b"\0\0\3")), "RGN"),
        "planes": (patched(grey, start, b"\xe0" + b"\xc8"), "more than 30 bit-planes"),
        "planes of a tile": (
            in_tile(grey, segment(QCD, b"\xe0" + bytes(16 * [31 << 3]))),
            "more than 30 bit-planes",
        ),
    }


@pytest.mark.parametrize("name", list(refused()))
def test_refusals(name: str) -> None:
    stream, reason = refused()[name]
    said = refusal(stream, jpeg2000.parse(stream))
    assert reason in said
    assert said in REFUSALS


def test_thousands_of_tiles() -> None:
    """As damaged headers have it: each tile costs time, also where it has one sample."""
    stream = patched(own()["openjpeg 1x12 bits"], 24, bytes((0, 0, 0, 1, 0, 0, 0, 1)))
    said = refusal(stream, jpeg2000.parse(stream, partial=True))
    assert "4096 tiles" in said
    assert said in REFUSALS


@BY_TOOL
def test_refusals_of_streams_by_a_tool(tmp_path: Path) -> None:
    assert TOOL is not None
    subsampled = opj_compress_420(TOOL, tmp_path, "-n 3")
    region = opj_compress(TOOL, tmp_path, GREY, "-ROI c=0,U=3")
    assert "subsampled" in refusal(subsampled, jpeg2000.parse(subsampled))
    assert "RGN" in refusal(region, jpeg2000.parse(region))


# Whatever a stream claims.


def assert_sound(data: bytes, found: list[Tile]) -> None:
    """What kernels rely on."""
    for tile in found:
        for each in tile.components:
            rows, columns = each.plane
            at = dict(zip(FIELDS, each.blocks.T, strict=True))
            there = at["PLANES"] > 0
            assert (at["CHUNK"] + there <= at["CHUNK_END"]).all()
            assert (at["SEGMENT"] + there <= at["SEGMENT_END"]).all()
            assert ((at["PLANES"] >= 0) & (at["PLANES"] <= MOST_BIT_PLANES)).all()
            assert ((at["WIDTH"] >= 1) & (at["HEIGHT"] >= 1) & (at["WIDTH"] * at["HEIGHT"] <= 4096)).all()
            assert (at["STRIDE"] == columns).all()
            assert_planes(each)
            assert ((at["OUT"] >= 0) & (at["OUT"] % columns + at["WIDTH"] <= columns)).all()
            assert (at["OUT"] // columns + at["HEIGHT"] <= rows).all()
            assert (each.chunks >= 0).all()
            assert (each.chunks.sum(1) <= len(data)).all()
            for row in each.blocks:
                chunks, segments = each.chunks[row[0] : row[1]], each.segments[row[2] : row[3]]
                assert chunks[:, 1].sum() == segments[:, 0].sum()
                assert (segments[:, 1] >= 1).all()
                assert segments[:, 1].sum() <= max(0, 3 * row[4] - 2)


@pytest.mark.parametrize("name", ["pillow RPCL", "pillow tiles CPRL", "openjpeg 3x8 bits", "one pixel"])
def test_mutations(name: str) -> None:
    stream, chance = own()[name], random.Random(name)
    ends = [0, 0]
    for _ in range(150):
        damaged = bytearray(stream)
        for _ in range(chance.randint(1, 3)):
            damaged[chance.randrange(min(len(damaged), 400))] = chance.randrange(256)
        data = bytes(damaged)
        try:
            header = jpeg2000.parse(data)
            if header.rows * header.columns > 1 << 16 or refusal(data, header):
                continue
            found = tiles(data, header)
        except FastdcmError:
            ends[0] += 1
        else:
            assert_sound(data, found)
            ends[1] += 1
    assert min(ends) > 3
