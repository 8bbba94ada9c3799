"""Our own JPEG 2000 decoder against OpenJPEG, over what codestreams can be; and against exact arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from fastdcm.codecs.decoders import jpeg2000 as decoder
from fastdcm.codecs.jpeg2000 import stripes
from fastdcm.codecs.jpeg2000.blocks import refusal
from fastdcm.codecs.jpeg2000.decode import _room, decode
from fastdcm.codecs.jpeg2000.layout import Transform
from fastdcm.codecs.jpeg2000.reading import tiles
from fastdcm.codecs.jpeg2000.transforms import Depth, Writer
from fastdcm.codestream import jpeg2000
from fastdcm.codestream.jpeg2000.geometry import resolution_area
from fastdcm.codestream.jpeg2000.headers import Area
from fastdcm.errors import CodestreamError, OptionError, UnsupportedError
from fastdcm.kernels import code_blocks
from tests.payoffs import Fixed
from tests.unit.codecs.decoding import decoded, header_of
from tests.unit.codestream.jpeg2000_streams import (
    COLOUR,
    PROGRESSIONS,
    Array,
    cut,
    encoded,
    opj_compress,
    pillow_2000,
    smooth,
)
from tests.unit.kernels.annex_f import expected

Peer = Callable[[str], str]


def own(stream: bytes, **options: Any) -> Array:
    header = jpeg2000.parse(stream)
    assert refusal(stream, header) == ""
    return decode(stream, header, **options)


def assert_equal(stream: bytes, *, within: int = 0, threads: int = 1) -> None:
    """Of the type, shape and values that OpenJPEG gives."""
    found, wanted = own(stream, threads=threads), imagecodecs.jpeg2k_decode(stream)
    assert found.dtype == wanted.dtype
    assert found.shape == wanted.shape
    assert np.abs(found.astype(np.int64) - wanted).max() <= within


def picture(rows: int, columns: int, samples: int, bits: int, *, signed: bool) -> Array:
    values = smooth(rows, columns, samples=samples, bits=bits).astype(np.int64)
    return (values - (signed << bits - 1)).astype(f"{'i' if signed else 'u'}{1 if bits <= 8 else 2}")


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("bits", range(1, 17))
def test_depths(bits: int, samples: int, signed: bool) -> None:
    array = picture(41, 67, samples, bits, signed=signed)
    for reversible in (True, False):
        stream = imagecodecs.jpeg2k_encode(
            array, codecformat="j2k", reversible=reversible, bitspersample=bits, resolutions=4
        )
        # Beyond 14 bits OpenJPEG's constants, of 7 digits, are what tells: see `test_irreversible_is_nearer`.
        assert_equal(bytes(stream), within=0 if reversible else 1 if bits < 15 else 2)


@pytest.mark.parametrize("resolutions", range(1, 8))
@pytest.mark.parametrize("reversible", [True, False])
def test_levels_and_sizes(resolutions: int, reversible: bool) -> None:
    for rows, columns in [(1, 1), (1, 200), (200, 1), (2, 65), (64, 64), (65, 129), (130, 67)]:
        array = np.random.default_rng(rows).integers(0, 1024, (rows, columns)).astype(np.uint16)
        count = min(resolutions, min(rows, columns).bit_length())
        stream = imagecodecs.jpeg2k_encode(
            array, codecformat="j2k", reversible=reversible, bitspersample=10, resolutions=count
        )
        assert_equal(bytes(stream), within=0 if reversible else 1)


@pytest.mark.parametrize("reversible", [True, False])
@pytest.mark.parametrize("order", PROGRESSIONS)
@pytest.mark.parametrize(
    "options",
    [
        {"num_resolutions": 3, "tile_size": (33, 40), "offset": (5, 7), "tile_offset": (2, 3)},
        {"num_resolutions": 2, "tile_size": (17, 9), "offset": (16, 1), "tile_offset": (0, 0)},
        {"num_resolutions": 5, "precinct_size": (32, 32), "codeblock_size": (8, 16)},
        {"num_resolutions": 6, "tile_size": (200, 200), "offset": (1, 1)},
    ],
)
def test_tiles_offsets_precincts_and_layers(options: dict[str, Any], order: str, reversible: bool) -> None:
    for array in (COLOUR, COLOUR[..., 0]):
        stream = pillow_2000(
            array,
            progression=order,
            irreversible=not reversible,
            mct=1,
            quality_mode="rates",
            quality_layers=[40, 10, 1],
            **options,
        )
        assert_equal(stream, within=0 if reversible else 1)


@pytest.mark.parametrize("style", [0, 1, 2, 4, 8, 16, 32, 5, 13, 63])
@pytest.mark.parametrize("lossy", ["", "-I"])
def test_code_block_styles(style: int, lossy: str, peer: Peer, tmp_path: Path) -> None:
    array = smooth(61, 83, bits=12)
    options = f"-M {style} -n 3 -r 30,10,1 -b 16,32 {lossy}"
    stream = opj_compress(peer("opj_compress"), tmp_path, array, options, bits=12)
    assert_equal(stream, within=1 if lossy else 0)


@pytest.mark.parametrize(
    "options",
    [
        "-POC T1=0,0,1,3,3,CPRL/T1=3,0,1,6,3,RLCP",
        "-t 50,50 -n 4 -POC T1=0,0,1,3,3,PCRL/T1=3,0,1,4,3,RLCP",
        "-SOP -EPH -PLT -TLM -TP R -r 20,5,1",
        "-n 4 -c [32,32],[16,16] -b 16,16 -r 20,5,1 -t 40,33 -d 7,5 -T 3,2 -SOP -EPH",
        "-n 1 -b 4,4",
        "-n 2 -b 1024,4",
        "-n 2 -b 4,1024",
        "-mct 0",
        "-mct 0 -I",
        "-I -t 40,33 -n 3 -d 7,5 -T 3,2",
        "-r 400,200",
        "-r 400,200 -I",
    ],
)
def test_other_options(options: str, peer: Peer, tmp_path: Path) -> None:
    stream = opj_compress(peer("opj_compress"), tmp_path, COLOUR, options)
    assert_equal(stream, within=1 if "-I" in options else 0)


def test_progressions_that_name_packets_twice(peer: Peer, tmp_path: Path) -> None:
    """More packets by their volumes (B.12.2) than the stream has bytes: there are fewer."""
    volumes = "-POC T1=0,0,7,1,1,LRCP/T1=1,0,7,2,1,PCRL"
    options = f"-n 2 -b 128,16 -r 120,50,13,5,3,2,1 -c [32,16],[16,32] {volumes}"
    stream = opj_compress(peer("opj_compress"), tmp_path, np.full((1100, 5), 5, np.uint8), options, bits=3)
    assert_equal(stream)


def test_segmentation_symbols_of_code_blocks_cut_short(
    peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenJPEG's encoder leaves the last symbol without its bytes; that is no damage."""
    stripes = np.broadcast_to((np.arange(169) // 2 % 2 * 63).astype(np.uint8), (143, 169))
    options = "-n 2 -t 62,77 -r 20 -b 4,16 -M 32"
    stream = opj_compress(peer("opj_compress"), tmp_path, stripes, options, bits=6)
    returned = []

    def remembering(*arguments: Any) -> Any:
        returned.append(code_blocks.decode_blocks(*arguments))
        return returned[-1]

    monkeypatch.setattr("fastdcm.codecs.jpeg2000.decode.decode_blocks", remembering)
    assert_equal(stream)
    assert code_blocks.WRONG_SYMBOL in returned


def test_jp2_is_as_its_codestream() -> None:
    """The boxes' colours are not the codestream's: samples are as they are coded."""
    jp2 = bytes(imagecodecs.jpeg2k_encode(COLOUR, codecformat="jp2", reversible=True))
    assert np.array_equal(own(jp2), COLOUR)


@pytest.mark.parametrize("irreversible", [True, False])
@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("tile_size", [None, (64, 64), (230, 150)])
def test_threads(threads: int, tile_size: tuple[int, int] | None, irreversible: bool) -> None:
    """However code-blocks, rows and tiles are shared, samples are the same."""
    for samples in (1, 3):
        options = {"tile_size": tile_size} if tile_size else {}
        array = smooth(300, 260, samples=samples)
        stream = pillow_2000(array, irreversible=irreversible, num_resolutions=4, mct=1, **options)
        assert np.array_equal(own(stream, threads=threads), own(stream))


@pytest.mark.parametrize("levels", range(6))
@pytest.mark.parametrize("reversible", [True, False])
def test_every_rectangle(levels: int, reversible: bool) -> None:
    """Tile-components of any place and size, also those whose lower resolutions are empty (B.5)."""
    random = np.random.default_rng(levels)
    for _ in range(150):
        x0, y0, width, height = (int(value) for value in random.integers((0, 0, 1, 1), (9, 9, 12, 12)))
        area = Area(x0, y0, x0 + width, y0 + height)
        areas = [resolution_area(area, levels - level) for level in range(levels + 1)]
        plane = random.integers(-4000, 4000, (height, width)).astype(np.int32)
        steps = random.uniform(0.2, 2, 3 * levels + 1)
        values = np.trunc(plane / 2).astype(np.int64) if reversible else plane / 2.0
        wanted = values[: areas[0].y1 - areas[0].y0, : areas[0].x1 - areas[0].x0] * (
            1 if reversible else steps[0]
        )
        for level in range(1, levels + 1):
            below, (left, top, right, bottom) = areas[level - 1], areas[level]
            low_width, low_height = below.x1 - below.x0, below.y1 - below.y0
            scaled = values[: bottom - top, : right - left].copy()
            if not scaled.size:
                wanted = scaled
                continue
            if not reversible:
                scaled[:low_height, low_width:] *= steps[3 * level - 2]
                scaled[low_height:, :low_width] *= steps[3 * level - 1]
                scaled[low_height:, low_width:] *= steps[3 * level]
            wanted = expected(scaled, wanted, areas[level], reversible=reversible)
        transform = Transform(tuple(areas), None if reversible else tuple(steps.tolist()), 64)
        found = np.full((height + 2, width + 3, 1), 7, np.uint16)
        first = int(random.integers(height))
        depths, samples = [Depth(16, True)], (range(width), found, 1, 2)
        planes = plane[None], plane[None]
        Writer((transform,), *planes, depths, *samples, transformed=False).write(range(first, height))
        values = found.view(np.int16)[first + 1 : height + 1, 2 : width + 2, 0]
        assert np.abs(values - np.clip(wanted, -32768, 32767)[first:]).max() <= (0 if reversible else 0.51)
        assert (found[: first + 1] == 7).all()
        assert (found[:, :2] == 7).all()
        assert (found[height + 1 :] == 7).all()
        assert (found[:, width + 2 :] == 7).all()


@pytest.mark.parametrize("rows", [4, 8, 24])
@pytest.mark.parametrize("offset", ["", "-d 0,1", "-d 3,5", "-d 1,62", "-d 9,63 -T 5,31"])
@pytest.mark.parametrize(
    "options", ["-n 4 -b 8,8", "-n 6 -b 16,4 -I", "-n 2 -b 64,8 -I -c [64,8]", "-n 3 -b 4,64", "-n 1 -I"]
)
def test_stripes(
    options: str, offset: str, rows: int, peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Images that are large enough are the same a stripe at a time, wherever code-blocks and rows begin."""
    monkeypatch.setattr(stripes, "_ROWS", rows)
    found: list[Any] = []

    def remembering(components: Any) -> Any:
        found.append(stripes.stripes_of(components))
        return found[-1]

    monkeypatch.setattr("fastdcm.codecs.jpeg2000.decode.stripes_of", remembering)
    array = smooth(197, 83)
    for image in (array, np.dstack([array, array[::-1], array[:, ::-1]])):
        stream = opj_compress(peer("opj_compress"), tmp_path, image, f"{options} {offset}")
        results = []
        for least in (1 << 21, 1):
            monkeypatch.setattr(stripes, "_LEAST", least)
            results.append(own(stream))
        assert np.array_equal(*results)
        assert found.pop(0) is None
        # Without decompositions, and with code-blocks that are as high as sub-bands, there are none.
        assert (found.pop(0) is None) == (options[:4] == "-n 1" or "4,64" in options)


def test_transform_of_one_component() -> None:
    """Said in COD (table A.17) of grey streams by some encoders; there is nothing to transform."""
    stream = bytearray(imagecodecs.jpeg2k_encode(COLOUR[..., 0], codecformat="j2k", reversible=True))
    stream[stream.index(b"\xff\x52") + 8] = 1
    assert jpeg2000.parse(bytes(stream)).cod.mct
    assert np.array_equal(own(bytes(stream)), COLOUR[..., 0])


@pytest.mark.parametrize("reduce", range(5))
@pytest.mark.parametrize("options", ["-n 5", "-n 5 -I", "-n 5 -t 47,39", "-n 5 -d 7,5 -r 20,5,1"])
def test_reduce(options: str, reduce: int, peer: Peer, tmp_path: Path) -> None:
    for array, suffix in ((COLOUR, "ppm"), (COLOUR[..., 0], "pgm")):
        stream = opj_compress(peer("opj_compress"), tmp_path, array, options)
        source, target = tmp_path / "in.j2k", tmp_path / f"out.{suffix}"
        source.write_bytes(stream)
        tool = peer("opj_decompress")
        encoded_by = [tool, "-r", str(reduce), "-i", str(source), "-o", str(target)]
        written = tmp_path / f"written.{suffix}"
        written.write_bytes(encoded(encoded_by, source, target))
        wanted = np.array(Image.open(written)).astype(np.int64)
        found = own(stream, reduce=reduce)
        assert found.shape == wanted.shape
        assert np.abs(found - wanted).max() <= (1 if "-I" in options else 0)


@pytest.mark.parametrize("options", ["", "-I", "-t 47,39 -n 4 -d 7,5", "-n 4 -I -b 8,16 -c [32,32]", "-n 1"])
def test_region(options: str, peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The samples that it has in the whole image, from fewer code-blocks."""
    stream = opj_compress(peer("opj_compress"), tmp_path, COLOUR, f"-b 16,16 {options}")
    levels = jpeg2000.parse(stream).cod.blocks.levels
    counted = [0]

    def counting(*arguments: Any) -> int:
        counted[0] += arguments[5] - arguments[4]
        return int(code_blocks.decode_blocks(*arguments))

    monkeypatch.setattr("fastdcm.codecs.jpeg2000.decode.decode_blocks", counting)
    for reduce in {0, min(2, levels)}:
        whole = own(stream, reduce=reduce)
        rows, columns = whole.shape[:2]
        total, random = counted[0], np.random.default_rng(reduce)
        for _ in range(30):
            x0, y0 = int(random.integers(columns)), int(random.integers(rows))
            x1, y1 = int(random.integers(x0, columns)) + 1, int(random.integers(y0, rows)) + 1
            counted[0] = 0
            found = own(stream, reduce=reduce, region=Area(x0, y0, x1, y1), threads=1 + x0 % 2)
            assert np.array_equal(found, whole[y0:y1, x0:x1])
            assert counted[0] <= total
        counted[0] = 0
        own(stream, reduce=reduce, region=Area(0, 0, 1, 1))
        assert counted[0] > 0
        assert reduce or counted[0] < 0.7 * total
        counted[0] = 0


@pytest.mark.parametrize("options", ["", "-I", "-t 47,39"])
def test_region_of_openjpeg(options: str, peer: Peer, tmp_path: Path) -> None:
    stream = opj_compress(peer("opj_compress"), tmp_path, COLOUR, f"-n 4 {options}")
    source, target = tmp_path / "in.j2k", tmp_path / "out.ppm"
    source.write_bytes(stream)
    written = tmp_path / "written.ppm"
    command = [peer("opj_decompress"), "-d", "20,11,70,50", "-i", str(source), "-o", str(target)]
    written.write_bytes(encoded(command, source, target))
    wanted = np.array(Image.open(written)).astype(np.int64)
    found = own(stream, region=Area(20, 11, 70, 50))
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() <= (1 if "-I" in options else 0)


@pytest.mark.parametrize("order", PROGRESSIONS)
@pytest.mark.parametrize("tile", ["", "-t 37,29 -d 7,5 -T 3,2"])
@pytest.mark.parametrize("lossy", ["", "-I"])
def test_reduce_and_region_of_openjpeg(lossy: str, tile: str, order: str, peer: Peer, tmp_path: Path) -> None:
    """Both at once, over progressions, tiles, offsets, layers and precincts, of an image of odd size."""
    array = smooth(61, 83, bits=8)
    options = f"-n 4 -p {order} -r 20,5,1 -c [32,32] -b 16,16 {tile} {lossy}"
    stream = opj_compress(peer("opj_compress"), tmp_path, array, options)
    header = jpeg2000.parse(stream)
    x0, y0 = header.area.x0, header.area.y0
    for reduce in range(4):
        scale = 1 << reduce
        for area in ((0, 0, 83, 61), (20, 11, 70, 50), (33, 0, 34, 61), (50, 41, 83, 42)):
            edges = Area(area[0] + x0, area[1] + y0, area[2] + x0, area[3] + y0)
            source, target = tmp_path / "in.j2k", tmp_path / "out.pgm"
            source.write_bytes(stream)
            command = [peer("opj_decompress"), "-r", str(reduce), "-d", ",".join(map(str, edges))]
            written = tmp_path / "written.pgm"
            # The area is on the reference grid; what is left of it is rounded up (B-14).
            left, top, right, bottom = (-(-edge // scale) for edge in edges)
            left, right = left - -(-x0 // scale), right - -(-x0 // scale)
            top, bottom = top - -(-y0 // scale), bottom - -(-y0 // scale)
            if left == right or top == bottom:
                continue
            written.write_bytes(encoded([*command, "-i", str(source), "-o", str(target)], source, target))
            wanted = np.array(Image.open(written)).astype(np.int64)
            found = own(stream, reduce=reduce, region=Area(left, top, right, bottom))
            assert found.shape == wanted.shape
            assert np.abs(found - wanted).max() <= (1 if lossy else 0)


@pytest.mark.parametrize("region", [(0, 0, 0, 5), (-1, 0, 5, 5), (0, 0, 84, 5), (3, 60, 5, 62)])
def test_region_outside(region: tuple[int, int, int, int]) -> None:
    stream = bytes(imagecodecs.jpeg2k_encode(COLOUR, codecformat="j2k", reversible=True))
    with pytest.raises(OptionError, match="not inside the image"):
        own(stream, region=Area(*region))


def test_reduce_by_too_much() -> None:
    stream = bytes(imagecodecs.jpeg2k_encode(COLOUR, codecformat="j2k", reversible=True, resolutions=3))
    assert own(stream, reduce=2).shape == (16, 21, 3)
    with pytest.raises(OptionError, match="2 decompositions"):
        own(stream, reduce=3)


def exact(stream: bytes) -> Array:
    """The irreversible image of one unsigned component and tile, in float64 from coefficients on."""
    header = jpeg2000.parse(stream)
    ((component,),) = (tile.components for tile in tiles(stream, header))
    plane = np.zeros(component.plane, np.int32)
    tables = component.blocks, component.chunks, component.segments
    data = np.frombuffer(stream, np.uint8)
    room = code_blocks.work(len(data))
    assert code_blocks.decode_blocks(data, *tables, 0, len(tables[0]), 0, *room, plane.reshape(-1)) == 0
    values = plane / 2.0
    for band in component.bands:
        values[band.y0 : band.y1, band.x0 : band.x1] *= band.step
    lowest = component.resolutions[0]
    low = values[: lowest.y1 - lowest.y0, : lowest.x1 - lowest.x0]
    for area in component.resolutions[1:]:
        low = expected(values, low, area, reversible=False)
    return low + (1 << header.components[0].precision - 1)


@pytest.mark.parametrize(("bits", "level"), [(8, 0), (8, 35), (12, 0), (12, 50), (16, 0), (16, 70)])
def test_irreversible_is_nearer(bits: int, level: int) -> None:
    """The mean error against exact arithmetic is no larger than OpenJPEG's."""
    array = picture(83, 101, 1, bits, signed=False)
    stream = bytes(
        imagecodecs.jpeg2k_encode(
            array, level=level, codecformat="j2k", reversible=False, bitspersample=bits, resolutions=5
        )
    )
    real = np.clip(exact(stream), 0, 2**bits - 1)
    ours, theirs = (np.abs(each - real) for each in (own(stream), imagecodecs.jpeg2k_decode(stream)))
    assert ours.mean() <= theirs.mean() + 1e-6
    assert ours.max() < 0.5 + 2.0 ** (bits - 20)


def test_bit_planes_that_openjpeg_does_not_take_either() -> None:
    """30 of a code-block are what it decodes; a sub-band may have more of which the first are zeros."""
    array = picture(40, 50, 1, 16, signed=False)
    stream = bytearray(imagecodecs.jpeg2k_encode(array, codecformat="j2k", reversible=True, resolutions=1))
    at = stream.index(b"\xff\x5c") + 4
    ends = []
    for planes in range(29, 36):
        # Sqcd has guard bits, SPqcd the exponent: together they are M_b + 1 (E-2).
        stream[at], stream[at + 1] = 7 << 5 | stream[at] & 31, (planes + 1 - 7) << 3
        data = bytes(stream)
        header = jpeg2000.parse(data)
        assert (refusal(data, header) == "") == (planes <= 30)
        zeros = {
            each.zero_bit_planes for packet in jpeg2000.packets(data, header) for each in packet.contributions
        }
        try:
            imagecodecs.jpeg2k_decode(data)
        except RuntimeError:
            ends.append(planes - min(zeros))
        else:
            assert planes - min(zeros) <= 30
    assert min(ends) == 31


@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
@pytest.mark.parametrize("open_ended", [True, False])
def test_cut(share: float, open_ended: bool) -> None:
    stream = bytes(imagecodecs.jpeg2k_encode(COLOUR, codecformat="j2k", reversible=True))
    (part,) = jpeg2000.parse(stream).tile_parts
    damaged = cut(stream, part.packets + int(share * (part.end - part.packets)), open_ended=open_ended)
    with pytest.raises(CodestreamError):
        own(damaged)


@pytest.mark.parametrize("reversible", [True, False])
def test_irreversible_frames_do_not_depend_on_how_many_there_are(
    reversible: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Asked(Fixed):
        def reached(self, work: int, *, at_once: bool = False) -> bool:
            asked.append(at_once)
            return True

    asked: list[bool] = []
    array = COLOUR[..., 0]
    stream = bytes(imagecodecs.jpeg2k_encode(array, codecformat="j2k", reversible=reversible, level=40))
    monkeypatch.setattr(decoder, "_PAYOFF", Asked(True))
    decoder.decode(stream, header_of(array, "jpeg2000"), high_throughput=False, note=print)
    assert asked == [not reversible]


def test_which_decodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours where it is asked for, or pays; OpenJPEG where it is asked for, or ours does not take it."""
    array = COLOUR[..., 0]
    header = header_of(array, "jpeg2000")
    stream = bytes(imagecodecs.jpeg2k_encode(array, codecformat="j2k", reversible=True))
    taken: list[str] = []
    real, library = decode, imagecodecs.jpeg2k_decode

    def by_us(*arguments: Any, **options: Any) -> Array:
        taken.append("own")
        return real(*arguments, **options)

    def by_library(*arguments: Any, **options: Any) -> Any:
        taken.append("library")
        return library(*arguments, **options)

    monkeypatch.setattr("fastdcm.codecs.jpeg2000.decode.decode", by_us)
    monkeypatch.setattr(imagecodecs, "jpeg2k_decode", by_library)
    notes: list[Any] = []
    for pays, choice, wanted in [
        (True, "auto", "own"),
        (False, "auto", "library"),
        (False, "own", "own"),
        (True, "library", "library"),
    ]:
        monkeypatch.setattr(decoder, "_PAYOFF", Fixed(pays))
        samples = decoder.decode(stream, header, high_throughput=False, decoder=choice, note=notes.append)
        assert np.array_equal(samples.array, array)
        assert taken.pop() == wanted
        assert not taken
    # Calls count more than kernels gain where there is next to nothing to decode.
    few = np.full((90, 90), 9, np.uint8)
    slight = bytes(imagecodecs.jpeg2k_encode(few, codecformat="j2k", reversible=True))
    monkeypatch.setattr(decoder, "_PAYOFF", Fixed(True))
    for choice, wanted in [("auto", "library"), ("own", "own")]:
        how = {"high_throughput": False, "decoder": choice, "note": notes.append}
        assert (decoder.decode(slight, header_of(few, "jpeg2000"), **how).array == 9).all()
        assert taken.pop() == wanted
        assert not taken
    htj2k = bytes(imagecodecs.htj2k_encode(array, reversible=True))
    samples = decoder.decode(htj2k, header, high_throughput=True, note=notes.append)
    assert np.array_equal(samples.array, array)
    with pytest.raises(UnsupportedError, match="own JPEG 2000 decoder does not take high-throughput"):
        decoder.decode(htj2k, header, high_throughput=True, decoder="own", note=notes.append)
    monkeypatch.setattr("fastdcm.codestream.jpeg2000.precincts._LIMIT_WORK", 10)
    samples = decoder.decode(stream, header, high_throughput=False, note=notes.append)
    assert np.array_equal(samples.array, array)
    assert taken == ["own", "library"]


def test_whole_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """As frames are decoded, colours included."""
    monkeypatch.setattr(decoder, "_PAYOFF", Fixed(True))
    stream = bytes(imagecodecs.jpeg2k_encode(COLOUR, codecformat="j2k", reversible=True))
    header = header_of(COLOUR, "jpeg2000", photometric_interpretation="YBR_RCT")
    samples, notices = decoded(stream, header, threads=2)
    assert np.array_equal(samples.array, COLOUR)
    assert samples.photometric_interpretation == "RGB"
    assert notices == []


def test_more_passes_than_planes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As encoders write where coefficients outgrow the guard bits, of which some are taken here."""
    array = COLOUR[..., 0]
    header = header_of(array, "jpeg2000")
    stream = bytearray(imagecodecs.jpeg2k_encode(array, codecformat="j2k", reversible=True))
    guard = stream.index(b"\xff\x5c") + 4
    assert stream[guard] == 2 << 5
    stream[guard] = 0
    monkeypatch.setattr(decoder, "_PAYOFF", Fixed(True))
    with pytest.raises(CodestreamError, match="coding passes"):
        decoder.decode(bytes(stream), header, high_throughput=False, decoder="own", note=print)
    samples = decoder.decode(bytes(stream), header, high_throughput=False, decoder="auto", note=print)
    assert np.array_equal(samples.array, imagecodecs.jpeg2k_decode(bytes(stream)))


@pytest.mark.parametrize("options", [{}, {"reduce": 1}, {"grey": 40.0}, {"region": Area(90, 5, 210, 140)}])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("lossless", [False, True])
def test_nothing_of_an_earlier_image(options: dict[str, Any], threads: int, lossless: bool) -> None:
    """Code-blocks that packets have nothing of are 0, whatever memory for coefficients had before."""
    array = np.full((300, 300), 700, np.uint16)
    array[:90, 130:] = smooth(90, 170, bits=12)
    lossy: dict[str, Any] = {} if lossless else {"level": 60, "reversible": False}
    stream = bytes(imagecodecs.jpeg2k_encode(array, codecformat="j2k", bitspersample=12, **lossy))
    ((component,),) = [tile.components for tile in tiles(stream, jpeg2000.parse(stream))]
    there = component.blocks[:, code_blocks.PLANES] > 0
    assert there.any()
    assert not there.all()
    found = []
    for value in (0, 0x7F7F7F7F):
        _room((300, 300))[...] = value
        found.append(own(stream, threads=threads, **options))
    assert (found[0] == found[1]).all()
