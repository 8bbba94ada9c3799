"""JPEG and JPEG-LS headers, scans and ends (T.81 annex B, T.87 annex C)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import imagecodecs
import numpy as np
import pytest

from fastdcm.codestream import jpeg, sniff
from fastdcm.codestream.jpeg import Component, JpegHeader
from fastdcm.errors import CodestreamError, UnsupportedError
from tests.unit.codestream.streams import (
    by_plane,
    image,
    jpeg_ls_frame,
    pillow,
    segment,
    small,
    without_segments,
)

BASELINE = bytes(imagecodecs.jpeg8_encode(image(19, 23)))
COLOUR = bytes(imagecodecs.jpeg8_encode(image(19, 23, samples=3), subsampling="420"))
RESTARTS = pillow(image(19, 23), restart_marker_blocks=2)
LOSSLESS = bytes(imagecodecs.jpeg8_encode(image(19, 23), lossless=True, predictor=1))
JPEG_LS = bytes(imagecodecs.jpegls_encode(image(19, 23)))
PROGRESSIVE = pillow(image(19, 23, samples=3), progressive=True)


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (8, 8), (19, 23), (256, 300), (3, 2000)])
@pytest.mark.parametrize("samples", [1, 3])
def test_baseline(rows: int, columns: int, samples: int) -> None:
    stream = bytes(imagecodecs.jpeg8_encode(image(rows, columns, samples=samples)))
    header = jpeg.parse(stream)
    assert (header.process, header.sof, header.precision) == ("baseline", 0xC0, 8)
    assert (header.rows, header.columns, len(header.components)) == (rows, columns, samples)
    assert (len(header.scans), header.complete, header.end) == (1, True, len(stream))
    assert header.has_jfif
    assert header.app14_transform is None


@pytest.mark.parametrize(
    ("subsampling", "factors"),
    [("444", (1, 1)), ("422", (2, 1)), ("420", (2, 2)), ("411", (4, 1)), ("440", (1, 2))],
)
def test_sampling_factors(subsampling: str, factors: tuple[int, int]) -> None:
    header = jpeg.parse(bytes(imagecodecs.jpeg8_encode(image(19, 23, samples=3), subsampling=subsampling)))
    assert header.components == ((1, *factors), (2, 1, 1), (3, 1, 1))
    assert header.subsampled == (factors != (1, 1))


def test_extended() -> None:
    header = jpeg.parse(bytes(imagecodecs.jpeg8_encode(image(19, 23, bits=12), bitspersample=12)))
    assert (header.process, header.precision) == ("extended", 12)


def test_progressive() -> None:
    header = jpeg.parse(PROGRESSIVE)
    assert header.process == "progressive"
    assert len(header.scans) > 3
    assert header.complete
    last_scan = PROGRESSIVE.rindex(b"\xff\xda")
    shortened = jpeg.parse(PROGRESSIVE[:last_scan] + b"\xff\xd9")
    assert not shortened.complete


@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("predictor", range(1, 8))
def test_lossless(bits: int, predictor: int) -> None:
    array = image(19, 23, bits=bits)
    options: Any = {"lossless": True, "predictor": predictor, "bitspersample": bits}
    header = jpeg.parse(bytes(imagecodecs.jpeg8_encode(array, **options)))
    assert (header.process, header.sof, header.precision) == ("lossless", 0xC3, bits)
    assert (header.rows, header.columns) == array.shape
    assert (header.predictor, header.point_transform) == (predictor, 0)


def test_lossless_point_transform() -> None:
    stream = bytearray(LOSSLESS)
    stream[stream.index(b"\xff\xda") + 9] = 3  # Al
    assert jpeg.parse(bytes(stream)).point_transform == 3


@pytest.mark.parametrize("near", [0, 2])
@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("bits", [8, 16])
def test_jpeg_ls(near: int, samples: int, bits: int) -> None:
    array = image(19, 23, bits=bits, samples=samples)
    header = jpeg.parse(bytes(imagecodecs.jpegls_encode(array, level=near)))
    assert (header.process, header.near, header.precision) == ("jpeg-ls", near, bits)
    assert (header.rows, header.columns, len(header.components)) == (19, 23, samples)
    assert header.interleave == (0 if samples == 1 else header.interleave)


def test_jpeg_ls_of_one_scan_a_component() -> None:
    array = image(19, 23, samples=3)
    stream = by_plane(array)
    header = jpeg.parse(stream)
    assert (header.interleave, len(header.scans), len(header.components)) == (0, 3, 3)
    assert np.array_equal(np.moveaxis(imagecodecs.jpegls_decode(stream), 0, -1), array) or np.array_equal(
        imagecodecs.jpegls_decode(stream), array
    )
    with pytest.raises(CodestreamError, match="no scan codes component 3"):
        jpeg.parse(stream[: stream.rindex(b"\xff\xda")] + b"\xff\xd9")


def test_jpeg_ls_of_flat_lines() -> None:
    header = jpeg.parse(bytes(imagecodecs.jpegls_encode(np.zeros((600, 600), np.uint8))))
    assert header.rows == 600


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("progressive", [False, True])
def test_flat_images_are_long_enough(samples: int, progressive: bool) -> None:
    flat = np.zeros((640, 480) if samples == 1 else (640, 480, 3), np.uint8)
    assert jpeg.parse(pillow(flat, optimize=True, progressive=progressive)).rows == 640
    assert jpeg.parse(bytes(imagecodecs.jpeg8_encode(flat, lossless=True, optimize=True))).rows == 640


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("blocks", [1, 2, 3, 7, 100])
def test_restart_markers(blocks: int, progressive: bool) -> None:
    stream = pillow(image(67, 91, samples=3), restart_marker_blocks=blocks, progressive=progressive)
    assert jpeg.parse(stream).restart_interval == blocks


def test_what_may_stand_between() -> None:
    """Fill bytes, unknown APPn, COM, a thumbnail, and bytes behind EOI (T.81 B.1.1.2, B.2.4.5)."""
    body = BASELINE[2:]
    thumbnail = segment(0xE1, b"Exif\0\0" + COLOUR)
    junk = segment(0xE9, b"\xff\xd9\xff\xda") + segment(0xFE, b"") + b"\xff\xff\xff" + thumbnail
    start = b"\xff\xd8" + junk
    for trailing in (b"", b"\0", b"\xff", b"\xff\xd9", COLOUR):
        header = jpeg.parse(start + body + trailing)
        assert (header.process, header.rows, header.columns) == ("baseline", 19, 23)
        assert len(header.components) == 1
        assert header.end == len(start + body)
    assert jpeg.parse(BASELINE[:-2] + b"\xff\xff\xff\xd9").end == len(BASELINE) + 2


def test_frame_header_before_tables() -> None:
    sof = BASELINE.index(b"\xff\xc0")
    end = sof + 2 + int.from_bytes(BASELINE[sof + 2 : sof + 4], "big")
    moved = b"\xff\xd8" + BASELINE[sof:end] + BASELINE[2:sof] + BASELINE[end:]
    assert jpeg.parse(moved) == jpeg.parse(BASELINE)


def test_application_segments() -> None:
    start, body = BASELINE[:2], BASELINE[2:]
    header = jpeg.parse(start + segment(0xE2, b"ICC_PROFILE\0\x01\x01...") + body)
    assert header.has_icc
    header = jpeg.parse(start + segment(0xEE, b"Adobe\0\x64\0\0\0\0\x01") + body)
    assert header.app14_transform == 1
    header = jpeg.parse(start + segment(0xEE, b"Adobe\0") + body)
    assert header.app14_transform is None
    assert jpeg.parse(JPEG_LS[:2] + segment(0xE8, b"mrfx\x02") + JPEG_LS[2:]).hp_transform == 2
    assert not jpeg.parse(without_segments(BASELINE, 0xE0)).has_jfif


def _changed(stream: bytes, marker: bytes, offset: int, value: bytes) -> bytes:
    at = stream.index(marker) + offset
    return stream[:at] + value + stream[at + len(value) :]


_SOF, _SOS = b"\xff\xc0", b"\xff\xda"


def _sof(code: int) -> bytes:
    return _changed(BASELINE, _SOF, 1, bytes([code]))


_SCAN = BASELINE.index(_SOS)
_RESTART = RESTARTS.index(b"\xff\xd1")

DAMAGED: list[tuple[str, bytes, str]] = [
    ("empty", b"", "no SOI"),
    ("other", b"\0" * 100, "no SOI"),
    ("soi-only", b"\xff\xd8", "cut: ends without an EOI"),
    ("soi-eoi", b"\xff\xd8\xff\xd9", "no frame header"),
    ("junk-behind-soi", b"\xff\xd8\0\0" + BASELINE[2:], "no marker at byte 2"),
    ("stuffed-zero", b"\xff\xd8\xff\0" + BASELINE[2:], "no marker at byte 2"),
    ("reserved-marker", b"\xff\xd8\xff\x02" + BASELINE[2:], "marker 0xFF02 at byte 2"),
    ("second-soi", b"\xff\xd8" + BASELINE, "marker 0xFFD8 at byte 2"),
    ("restart-in-header", b"\xff\xd8\xff\xd0" + BASELINE[2:], "marker 0xFFD0 at byte 2"),
    ("segment-past-end", b"\xff\xd8\xff\xe1\x10\x00abc", "cut: the 0xFFE1 segment at byte 4 runs past"),
    ("segment-without-length", b"\xff\xd8\xff\xe1\x10", "cut: the 0xFFE1 segment at byte 4 runs past"),
    ("segment-length-1", b"\xff\xd8\xff\xe1\x00\x01abc", "length below 2"),
    ("no-sos", BASELINE[:_SCAN] + b"\xff\xd9", "no scan"),
    ("no-sof", without_segments(BASELINE, 0xC0), "without a frame header"),
    ("two-sof", BASELINE[:_SCAN] + BASELINE[BASELINE.index(_SOF) :], "second frame header"),
    ("no-columns", _changed(BASELINE, _SOF, 7, b"\0\0"), "zero columns"),
    ("precision", _changed(BASELINE, _SOF, 4, b"\x09"), "9 bits is none of baseline"),
    ("precision-lossless", _changed(LOSSLESS, b"\xff\xc3", 4, b"\x11"), "17 bits is none of lossless"),
    ("sof-length", _changed(BASELINE, _SOF, 9, b"\x02"), "SOF segment's length"),
    ("sampling-0", _changed(BASELINE, _SOF, 11, b"\x01"), "sampling factor"),
    ("sampling-5", _changed(BASELINE, _SOF, 11, b"\x15"), "sampling factor"),
    ("twin-components", _changed(COLOUR, _SOF, 13, b"\x01"), "two of one identifier"),
    ("sos-length", _changed(BASELINE, _SOS, 4, b"\x02"), "SOS segment's length"),
    ("sos-none", _changed(BASELINE, _SOS, 2, b"\0\x06\0"), "SOS segment's length"),
    ("sos-unknown", _changed(BASELINE, _SOS, 5, b"\x09"), "names a component"),
    ("sos-twice", _changed(COLOUR, _SOS, 7, b"\x01"), "names a component"),
    ("two-scans", BASELINE[:-2] + BASELINE[_SCAN:], "coded by two scans"),
    ("predictor", _changed(LOSSLESS, _SOS, 7, b"\0"), "predictor 0"),
    ("interleave", _changed(JPEG_LS, _SOS, 8, b"\x03"), "interleave mode 3"),
    ("band", _changed(PROGRESSIVE, _SOS, 11, b"\x05\x04"), "coefficients 5..4"),
    ("no-entropy", BASELINE[: _SCAN + 10] + b"\xff\xd9", "cut: 0 bytes of scan"),
    ("bomb", _changed(BASELINE, _SOF, 5, b"\xff\xdc\xff\xdc"), "cut: .* cannot code 65500 x 65500"),
    ("bomb-lossless", _changed(LOSSLESS, b"\xff\xc3", 5, b"\xff\xdc\xff\xdc"), "cannot code 65500 x 65500"),
    ("bomb-jpeg-ls", jpeg_ls_frame(65500, 65500, 1) + JPEG_LS[JPEG_LS.index(_SOS) :], "cannot code 65500"),
    ("cut", BASELINE[:-20], "cut: ends without an EOI"),
    ("cut-ff", BASELINE[:-1], "cut: ends without an EOI"),
    ("lossless-cut", LOSSLESS[: LOSSLESS.index(_SOS) + 60] + b"\xff\xd9", "cut: .* cannot code 19 x 23"),
    ("marker-in-scan", BASELINE[: _SCAN + 40] + b"\xff\x05" + BASELINE[_SCAN + 40 :], "marker 0xFF05"),
    ("marker-in-jpeg-ls", JPEG_LS[:-20] + b"\xff\x85" + JPEG_LS[-20:], "marker 0xFF85"),
    ("stray-restart", BASELINE[: _SCAN + 40] + b"\xff\xd0" + BASELINE[_SCAN + 40 :], "marker 0xFFD0"),
    ("restarts-cut", RESTARTS[:_RESTART] + b"\xff\xd9", "cut: 1 of 4 restart markers"),
    ("restarts-disorder", _changed(RESTARTS, b"\xff\xd1", 1, b"\xd2"), "restart markers are out of order"),
    ("dri-length", BASELINE[:2] + segment(0xDD, b"\0") + BASELINE[2:], "DRI segment"),
    ("many-segments", BASELINE[:2] + 65536 * segment(0xFE, b"") + BASELINE[2:], "65536 marker segments"),
    ("many-scans", PROGRESSIVE[:-2] + 1000 * PROGRESSIVE[PROGRESSIVE.rindex(_SOS) :][:-2], "256 scans"),
]


@pytest.mark.parametrize(("stream", "cause"), [pytest.param(s, c, id=n) for n, s, c in DAMAGED])
def test_damaged(stream: bytes, cause: str) -> None:
    with pytest.raises(CodestreamError, match=cause):
        jpeg.parse(stream)


@pytest.mark.parametrize(
    ("stream", "cause"),
    [
        (_changed(BASELINE, _SOF, 5, b"\0\0"), "zero lines .* DNL"),
        (_changed(JPEG_LS, b"\xff\xf7", 5, b"\0\0"), "zero lines .* LSE"),
        (BASELINE[:-2] + segment(0xDC, b"\0\x20") + b"\xff\xd9", "DNL"),
        (_changed(JPEG_LS, _SOS, 6, b"\x01"), "mapping tables"),
        (_changed(JPEG_LS, b"\xff\xf7", 1, b"\xf9"), "JPEG-LS part 2"),
        *[(_sof(code), f"hierarchical .*SOF{code - 0xC0}") for code in (0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF)],
        *[(_sof(code), f"arithmetic .*SOF{code - 0xC0}") for code in (0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)],
        (BASELINE[:2] + segment(0xDE, b"") + BASELINE[2:], "hierarchical"),
        (BASELINE[:2] + segment(0xCC, b"") + BASELINE[2:], "arithmetic"),
    ],
)  # fmt: skip
def test_refused_by_name(stream: bytes, cause: str) -> None:
    with pytest.raises(UnsupportedError, match=cause):
        jpeg.parse(stream)


def test_many_segments() -> None:
    """Far more than a profile of 255 parts; `sniff` goes through as many."""
    comments = 60_000 * segment(0xFE, b"")
    header = jpeg.parse(BASELINE[:2] + comments + BASELINE[2:])
    assert header.end == len(BASELINE) + len(comments)
    assert sniff(JPEG_LS[:2] + comments + JPEG_LS[2:]) == "jpeg-ls"
    assert sniff(JPEG_LS[:2] + 2 * comments + JPEG_LS[2:]) == "jpeg"  # whose parser refuses it


def test_dnl_that_repeats_the_frame_header() -> None:
    stream = BASELINE[:-2] + segment(0xDC, (19).to_bytes(2, "big")) + b"\xff\xd9"
    assert jpeg.parse(stream).rows == 19


def _three(
    process: Any = "baseline",
    *,
    app14: int | None = None,
    jfif: bool = False,
    identifiers: bytes = b"\1\2\3",
    factor: int = 1,
) -> JpegHeader:
    first, *others = identifiers
    components = (Component(first, factor, factor), *(Component(i, 1, 1) for i in others))
    stream = small()["jpeg baseline 4:2:0"]
    return replace(
        jpeg.parse(stream), process=process, components=components, app14_transform=app14, has_jfif=jfif
    )


@pytest.mark.parametrize(
    ("header", "declared", "expected"),
    [
        # Adobe decides against everything else, in every process.
        (_three(app14=0, jfif=True, factor=2), "YBR_FULL", "RGB"),
        (_three(app14=1, identifiers=b"RGB"), "RGB", "YBR_FULL"),
        (_three("lossless", app14=0), "YBR_FULL", "RGB"),
        (_three("lossless", app14=1), "RGB", "YBR_FULL"),
        # JFIF is YCbCr, except where nothing was transformed.
        (_three(jfif=True), "RGB", "YBR_FULL"),
        (_three("progressive", jfif=True, identifiers=b"RGB"), "RGB", "YBR_FULL"),
        (_three("lossless", jfif=True), "RGB", "RGB"),
        (_three("lossless", jfif=True), "YBR_FULL", "YBR_FULL"),
        (_three("jpeg-ls", jfif=True), "RGB", "RGB"),
        # Component identifiers.
        (_three(identifiers=b"RGB"), "YBR_FULL_422", "RGB"),
        (_three("lossless", identifiers=b"RGB"), "YBR_FULL", "RGB"),
        # Nobody keeps green and blue at half the resolution of red.
        (_three(factor=2), "RGB", "YBR_FULL"),
        # What the data set says.
        (_three(), "RGB", "RGB"),
        (_three(identifiers=b"\0\1\2"), "RGB", "RGB"),
        (_three(), "YBR_FULL", "YBR_FULL"),
        (_three(), "YBR_FULL_422", "YBR_FULL"),
        (_three("lossless"), "YBR_FULL", "YBR_FULL"),
        (_three("jpeg-ls"), "YBR_FULL", "YBR_FULL"),
        (_three("jpeg-ls"), "RGB", "RGB"),
        # What it says cannot be.
        (_three(), "MONOCHROME2", "YBR_FULL"),
        (_three("lossless"), "MONOCHROME2", "RGB"),
        (_three(), "", "YBR_FULL"),
        # One component.
        (replace(_three(), components=(Component(1, 1, 1),)), "MONOCHROME1", "MONOCHROME1"),
        (replace(_three(), components=(Component(1, 1, 1),)), "MONOCHROME2", "MONOCHROME2"),
        (replace(_three(), components=(Component(1, 1, 1),)), "PALETTE COLOR", "PALETTE COLOR"),
        (replace(_three(), components=(Component(1, 2, 2),)), "RGB", "MONOCHROME2"),
    ],
)
def test_colour(header: JpegHeader, declared: str, expected: str) -> None:
    assert jpeg.colour(header, declared) == expected


@pytest.mark.parametrize("count", [2, 4])
def test_colour_of_two_or_four_components(count: int) -> None:
    header = replace(_three(), components=tuple(Component(i, 1, 1) for i in range(count)))
    with pytest.raises(UnsupportedError, match=f"{count} components"):
        jpeg.colour(header, "RGB")


@pytest.mark.parametrize(("coded", "expected"), [("RGB", "RGB"), ("YCBCR", "YBR_FULL")])
def test_colour_of_encoded_streams(coded: str, expected: str) -> None:
    stream = bytes(imagecodecs.jpeg8_encode(image(19, 23, samples=3), outcolorspace=coded))
    assert jpeg.colour(jpeg.parse(stream), "RGB" if expected != "RGB" else "YBR_FULL") == expected


def test_a_huffman_table_of_too_many_codes() -> None:
    """Lengths of 13 and 14 bits have room for more codes than a byte has values."""
    table = bytes([0] * 12 + [200, 200, 0, 0]) + bytes(400)
    stream = bytes(imagecodecs.jpeg8_encode(np.zeros((8, 8), np.uint8)))
    at = stream.index(b"\xff\xda")
    with pytest.raises(CodestreamError, match="256 codes"):
        jpeg.parse(stream[:at] + segment(0xC4, b"\x00" + table) + stream[at:])
