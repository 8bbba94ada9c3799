"""JPEG 2000 and HTJ2K: boxes, main header and the chain of tile-parts (T.800 annexes A and I)."""

from __future__ import annotations

from typing import Any

import imagecodecs
import numpy as np
import pytest

from fastdcm.codestream import jpeg2000, signatures
from fastdcm.codestream.jpeg2000 import main_header
from fastdcm.errors import CodestreamError, UnsupportedError
from tests.unit.codestream.streams import image, pillow_tiles

BARE = bytes(imagecodecs.jpeg2k_encode(image(19, 23, samples=3), codecformat="j2k"))
TILED = pillow_tiles(image(19, 23), (8, 8))
JP2 = bytes(imagecodecs.jpeg2k_encode(image(19, 23, samples=3), codecformat="jp2"))
HT = bytes(imagecodecs.htj2k_encode(image(19, 23)))
_SOT = b"\xff\x90\x00\x0a"


@pytest.mark.parametrize("codec", ["j2k", "jp2"])
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (19, 23), (256, 300)])
@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_geometry(codec: str, rows: int, columns: int, samples: int, bits: int) -> None:
    array = image(rows, columns, bits=bits, samples=samples)
    options: Any = {"codecformat": codec, "bitspersample": bits, "reversible": True, "resolutions": 1}
    stream = bytes(imagecodecs.jpeg2k_encode(array, **options))
    header = jpeg2000.parse(stream)
    assert (header.rows, header.columns) == (rows, columns)
    assert header.components == samples * ((bits, False, 1, 1),)
    assert header.cod.blocks.reversible
    assert header.has_jp2 == (codec == "jp2")
    assert header.end == len(stream)
    assert not header.high_throughput
    assert not header.subsampled


def test_signed() -> None:
    array = image(19, 23, bits=12).astype(np.int16) - 2048
    header = jpeg2000.parse(bytes(imagecodecs.jpeg2k_encode(array, codecformat="j2k")))
    assert header.components == ((16, True, 1, 1),)


@pytest.mark.parametrize("reversible", [False, True])
@pytest.mark.parametrize("mct", [False, True])
@pytest.mark.parametrize("resolutions", [1, 3])
def test_coding_style(reversible: bool, mct: bool, resolutions: int) -> None:
    options: Any = {"codecformat": "j2k", "mct": mct, "reversible": reversible, "resolutions": resolutions}
    header = jpeg2000.parse(bytes(imagecodecs.jpeg2k_encode(image(64, 64, samples=3), level=40, **options)))
    assert (header.cod.blocks.reversible, header.cod.mct, header.cod.blocks.levels) == (
        reversible,
        mct,
        resolutions - 1,
    )
    assert (header.cod.layers, header.cod.progression) == (1, "RPCL")


def test_tiles() -> None:
    header = jpeg2000.parse(TILED)
    assert header.tiles == (8, 8, 0, 0, 3, 3)
    assert [part.tile for part in header.tile_parts] == list(range(9))
    for part, following in zip(header.tile_parts, header.tile_parts[1:], strict=False):
        assert part.end == following.start
        assert TILED[part.packets - 2 : part.packets] == b"\xff\x93"
    assert header.tile_parts[-1].end == header.end - 2


def test_jp2_boxes() -> None:
    header = jpeg2000.parse(JP2)
    assert header.colour_space == 16
    assert JP2[header.offset : header.offset + 4] == signatures.JPEG_2000
    assert jpeg2000.parse(BARE).colour_space is None
    assert jpeg2000.parse(BARE).components == header.components


@pytest.mark.parametrize("array", [image(19, 23), image(19, 23, bits=16), image(19, 23, samples=3)])
@pytest.mark.parametrize("reversible", [False, True])
def test_high_throughput(array: Any, reversible: bool) -> None:
    header = jpeg2000.parse(bytes(imagecodecs.htj2k_encode(array, reversible=reversible)))
    assert header.high_throughput
    assert (header.rows, header.columns) == array.shape[:2]
    assert header.cod.blocks.reversible == reversible


def test_htj2k_tile_parts() -> None:
    stream = bytes(imagecodecs.htj2k_encode(image(64, 64, samples=3), tilepart=1, tlm=True, tile=(32, 32)))
    header = jpeg2000.parse(stream)
    assert header.tiles[4:] == (2, 2)
    assert len(header.tile_parts) > 4
    assert header.end == len(stream)


def test_tile_part_of_unknown_length() -> None:
    """Psot 0: the last tile-part runs to EOC (T.800 A.4.2)."""
    at = TILED.rindex(_SOT) + 6
    stream = TILED[:at] + bytes(4) + TILED[at + 4 :]
    assert jpeg2000.parse(stream + b"\0") == jpeg2000.parse(TILED)
    with pytest.raises(CodestreamError, match="cut: ends without an EOC"):
        jpeg2000.parse(stream[:-2])
    first = TILED.index(_SOT) + 6
    with pytest.raises(CodestreamError, match="cut: 8 of 9 tiles are missing"):
        jpeg2000.parse(TILED[:first] + bytes(4) + TILED[first + 4 :])


@pytest.mark.parametrize("trailing", [b"\0", b"\xff", b"\xff\xd9", b"\xff\x90", BARE])
@pytest.mark.parametrize("stream", [BARE, TILED, HT])
def test_bytes_behind_the_end(stream: bytes, trailing: bytes) -> None:
    assert jpeg2000.parse(stream + trailing) == jpeg2000.parse(stream)


def test_subsampled() -> None:
    at = BARE.index(b"\xff\x51") + 43  # XRsiz of the second component
    header = jpeg2000.parse(BARE[:at] + b"\x07\x02\x02\x07\x02\x02"[1:] + BARE[at + 5 :])
    assert header.subsampled
    assert (header.rows, header.columns) == (19, 23)


def _siz(**changes: int) -> bytes:
    fields = {"x1": 8, "y1": 12, "x0": 16, "y0": 20, "width": 24, "height": 28, "tx": 32, "ty": 36}
    stream = bytearray(TILED)
    for name, value in changes.items():
        stream[fields[name] : fields[name] + 4] = value.to_bytes(4, "big")
    return bytes(stream)


def _put(stream: bytes, marker: bytes, offset: int, value: bytes) -> bytes:
    at = stream.index(marker) + offset
    return stream[:at] + value + stream[at + len(value) :]


def _box(kind: bytes, contents: bytes) -> bytes:
    return (len(contents) + 8).to_bytes(4, "big") + kind + contents


_JP2C = JP2.index(b"jp2c") - 4
_LAST = TILED.rindex(_SOT)


def _insert(segment: bytes) -> bytes:
    at = BARE.index(b"\xff\x5c")
    return BARE[:at] + segment + BARE[at:]


def _cod(contents: bytes) -> bytes:
    at = BARE.index(b"\xff\x52")
    segment = b"\xff\x52" + (2 + len(contents)).to_bytes(2, "big") + contents
    return BARE[:at] + segment + BARE[BARE.index(b"\xff\x5c") :]


DAMAGED: list[tuple[str, bytes, str]] = [
    ("empty", b"", "no SOC"),
    ("other", b"\0" * 100, "no SOC"),
    ("soc-only", BARE[:4], "cut: the SIZ segment"),
    ("siz-cut", BARE[:30], "cut: the SIZ segment"),
    ("siz-length", _put(BARE, b"\xff\x51", 2, b"\0\x2a"), "SIZ segment has a wrong length"),
    ("siz-components", _put(BARE, b"\xff\x51", 38, b"\0\x02"), "number of components"),
    ("no-columns", _siz(x1=0), "image area of SIZ is empty"),
    ("no-rows", _siz(y1=0), "image area of SIZ is empty"),
    ("outside", _siz(x0=23), "image area of SIZ is empty"),
    ("tile-size-0", _siz(width=0), "first tile"),
    ("tile-offset", _siz(tx=9), "first tile"),
    ("tiles", _siz(x1=2**31, y1=2**31), "tiles, more than the standard allows"),
    ("separation-0", _put(TILED, b"\xff\x51", 41, b"\0"), "separation of zero"),
    ("depth", _put(TILED, b"\xff\x51", 40, b"\x26"), "more than 38 bits"),
    ("no-cod", BARE[: BARE.index(b"\xff\x52")] + BARE[BARE.index(b"\xff\x5c") :], "no COD"),
    ("cod-length", _cod(b"\0\0\0\1\0\1\4\4\0"), "COD segment has a wrong length"),
    ("cod-empty", _cod(b""), "COD segment has a wrong length"),
    ("block-size", _put(BARE, b"\xff\x52", 10, b"\x09"), "does not define"),
    ("block-area", _put(BARE, b"\xff\x52", 10, b"\x05\x04"), "does not define"),
    ("precinct-size", _cod(b"\1\0\0\1\0\1\4\4\0\1\x77\x70"), "precinct size of 1"),
    ("coc-length", _insert(b"\xff\x53\0\4\0\0"), "COC segment has a wrong length"),
    ("coc-empty", _insert(b"\xff\x53\0\2"), "COC segment has a wrong length"),
    ("poc-length", _insert(b"\xff\x5f\0\x08" + bytes(6)), "POC segment has a wrong length"),
    ("poc-order", _insert(b"\xff\x5f\0\x09\0\0\0\1\1\1\5"), "progression order"),
    ("levels", _put(BARE, b"\xff\x52", 9, b"\x21"), "COD segment's length"),
    ("precincts", _put(BARE, b"\xff\x52", 4, b"\x01"), "COD segment's length"),
    ("progression", _put(BARE, b"\xff\x52", 5, b"\x05"), "does not define"),
    ("layers", _put(BARE, b"\xff\x52", 6, b"\0\0"), "does not define"),
    ("marker", _put(BARE, b"\xff\x5c", 0, b"\xff\x30"), "marker 0xFF30 .* where none may be"),
    ("header-cut", BARE[: BARE.index(_SOT)], "cut: the data ends in the main header"),
    ("eoc-in-header", BARE[: BARE.index(_SOT)] + b"\xff\xd9", "marker 0xFFD9"),
    ("sot-cut", BARE[: BARE.index(_SOT) + 8], "cut: the data ends in a tile-part header"),
    ("sot-length", _put(BARE, _SOT, 3, b"\x0b"), "SOT segment .* damaged"),
    ("tile-index", _put(BARE, _SOT, 4, b"\0\x01"), "SOT segment .* damaged"),
    ("psot-long", _put(BARE, _SOT, 6, b"\x10\0\0\0"), "cut: the tile-part .* past the data"),
    ("psot-short", _put(BARE, _SOT, 6, b"\0\0\0\x0d"), "shorter than its header"),
    ("psot-wrong", _put(BARE, _SOT, 6, b"\0\0\0\x20"), "neither a tile-part nor an EOC"),
    ("no-sod", _put(BARE, b"\xff\x93", 0, b"\xff\x30"), "marker 0xFF30"),
    ("no-eoc", BARE[:-2], "cut: ends without an EOC"),
    ("half-eoc", BARE[:-1], "cut: ends without an EOC"),
    ("missing-tile", TILED[:_LAST] + b"\xff\xd9", "cut: 1 of 9 tiles are missing"),
    ("other-part", _put(BARE, _SOT, 10, b"\x01"), "part 1 of tile 0 is missing before part 2"),
    ("missing-part", _put(BARE, _SOT, 11, b"\x02"), "cut: 1 of 2 parts of tile 0"),
    ("cut-and-eoc", BARE[:-20] + b"\xff\xd9", "cut: the tile-part at .* ends 16 bytes past"),
    ("box-cut", JP2[:16], "cut: the data ends in a JP2 box header"),
    ("box-past-end", JP2[:-1], "cut: the JP2 box"),
    ("box-length", JP2[:12] + b"\0\0\0\x04" + JP2[16:], "shorter than its own header"),
    ("no-jp2c", JP2[:_JP2C], "cut: the data ends in a JP2 box header"),
    ("jp2c-other", JP2[:_JP2C] + _box(b"jp2c", b"abcdefgh"), "no SOC"),
]  # fmt: skip


@pytest.mark.parametrize(("stream", "cause"), [pytest.param(s, c, id=n) for n, s, c in DAMAGED])
def test_damaged(stream: bytes, cause: str) -> None:
    with pytest.raises(CodestreamError, match=cause):
        jpeg2000.parse(stream)


def test_boxes_by_hand() -> None:
    """Box lengths of 0 and of 64 bits, ICC, channel definitions and palettes (T.800 I.4, I.5.3)."""
    start = signatures.JP2 + _box(b"ftyp", b"jp2 \0\0\0\0jp2 ")
    endless = b"\0\0\0\0jp2c" + BARE
    assert jpeg2000.parse(start + endless).end == len(start) + 8 + len(BARE)
    extended = b"\0\0\0\x01jp2c" + (16 + len(BARE)).to_bytes(8, "big") + BARE
    assert jpeg2000.parse(start + extended + b"trailing").offset == len(start) + 16
    definitions = b"".join(value.to_bytes(2, "big") for value in (2, 0, 0, 1, 1, 1, 0))
    colours = _box(b"colr", b"\x02\0\0profile") + _box(b"colr", b"\x01\0\0\0\0\0\x12")
    header = jpeg2000.parse(start + _box(b"jp2h", colours + _box(b"cdef", definitions)) + endless)
    assert header.has_icc
    assert header.colour_space == 18
    assert header.channels == ((0, 0, 1), (1, 1, 0))
    with pytest.raises(UnsupportedError, match="palette"):
        jpeg2000.parse(start + _box(b"jp2h", _box(b"pclr", b"\0\x01\x03")) + endless)


@pytest.mark.parametrize(
    ("stream", "name"),
    [
        (_insert(b"\xff\x74\0\x08" + bytes(6)), r"extensions of part 2 \(MCT\)"),
        (_put(HT, b"\xff\x52", 12, b"\xc0"), "mix HT code-blocks"),
    ],
)
def test_refused_by_name(stream: bytes, name: str) -> None:
    with pytest.raises(UnsupportedError, match=name):
        jpeg2000.parse(stream)


def with_comment(stream: bytes, comment: bytes) -> bytes:
    """With a COM segment (A.9.2) before the first SOT."""
    segment = b"\xff\x64" + (4 + len(comment)).to_bytes(2, "big") + b"\0\0" + comment
    return stream.replace(_SOT, segment + _SOT, 1)


@pytest.mark.parametrize("comment", [b"", _SOT, _SOT + BARE[BARE.index(_SOT) :], bytes(2000)])
def test_main_headers_that_are_kept(monkeypatch: pytest.MonkeyPatch, comment: bytes) -> None:
    """A main header is read the same from what was kept of it, and where bytes of SOT are in a segment."""
    stream = with_comment(BARE, comment)
    found = []
    for kept in (True, True, False):
        if not kept:
            monkeypatch.setattr(main_header, "_LONGEST_MAIN", 0)
        found += [jpeg2000.parse(each) for each in (BARE, stream, JP2)]
    assert found[:3] == found[3:6] == found[6:]
    assert found[1].segments != found[0].segments
    assert found[1].tile_parts[0].start == len(stream) - len(BARE) + found[0].tile_parts[0].start


def test_kept_main_headers_are_few_and_fixed() -> None:
    for number in range(3 * main_header._MOST_MAINS):
        header = jpeg2000.parse(with_comment(BARE, b"number %d" % number))
    assert len(main_header._MAINS) <= main_header._MOST_MAINS
    with pytest.raises(TypeError):
        header.coding.components[0] = header.cod.blocks  # type: ignore[index]


def test_errors_of_a_main_header_that_is_kept() -> None:
    """What is damaged raises the same after a whole one with nearly the same bytes was kept."""
    start = BARE.index(_SOT)

    def errors() -> list[str]:
        found = []
        for at in range(4, start + 12):
            for data in (BARE[:at], BARE[:at] + bytes([BARE[at] ^ 0xFF]) + BARE[at + 1 :]):
                try:
                    jpeg2000.parse(data)
                    found.append("")
                except (CodestreamError, UnsupportedError) as error:
                    found.append(str(error))
        return found

    main_header._MAINS.clear()
    cold = errors()
    jpeg2000.parse(BARE)
    assert errors() == cold
    assert any(cold)
