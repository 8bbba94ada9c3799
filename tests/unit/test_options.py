"""What a caller may ask for, and every way of asking for nonsense."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fastdcm.errors import OptionError
from fastdcm.model import Window
from fastdcm.options import (
    FORMAT_NAMES,
    FORMATS,
    ConvertOptions,
    EncodeOptions,
    Format,
    FrameSelection,
    ReadOptions,
    RenderOptions,
    is_usable,
    parse_format,
    parse_voi,
    parse_window,
    split_options,
)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        *[("jpg", "jpeg"), ("JPEG", "jpeg"), (".Jpg", "jpeg"), ("png", "png"), (".PNG", "png")],
        *[
            ("tif", "tiff"),
            ("TIFF", "tiff"),
            ("jp2", "jp2"),
            ("JPEG2000", "jp2"),
            ("j2k", "j2k"),
            ("j2c", "j2k"),
        ],
        *[("htj2k", "jph"), (".jph", "jph"), ("jhc", "jhc"), ("JXL", "jpegxl"), ("jpegxl", "jpegxl")],
        *[(name, name) for name in ("webp", "avif", "bmp", "gif", "pnm", "pgm", "ppm", "npy", "mp4")],
    ],
)
def test_format(text: str, name: str) -> None:
    assert parse_format(text) == name


@pytest.mark.parametrize("text", ["", ".", "jls", "jpg ", "..png", "jpeg 2000"])
def test_no_format(text: str) -> None:
    with pytest.raises(OptionError, match="is not one of jpg, jpeg, png"):
        parse_format(text)


@pytest.mark.parametrize(
    ("value", "window"),
    [
        ("40,400", Window(40, 400)),
        ("-600,1500", Window(-600, 1500)),
        (" 40 , 400 , Sigmoid ", Window(40, 400, "SIGMOID")),
        ("1e3,0.5,linear_exact", Window(1000, 0.5, "LINEAR_EXACT")),
        ((40, 400), Window(40, 400)),
        ((40, 400, "sigmoid"), Window(40, 400, "SIGMOID")),
        ([0.5, 1], Window(0.5, 1)),
        (Window(1, 2, "SIGMOID", "x"), Window(1, 2, "SIGMOID", "x")),
    ],
)
def test_window(value: Any, window: Window) -> None:
    assert parse_window(value) == window


@pytest.mark.parametrize(
    "value",
    [
        "",
        "40",
        "40,400,linear,x",
        "a,b",
        "40,",
        "40,400,log",
        "40,400,",
        "40,0",
        "40,0.99",
        "40,-1",
        "40,0,sigmoid",
        "40,-1,linear_exact",
        "nan,400",
        "40,nan",
        "40,inf",
        "inf,40",
        "40,1e400",
        (40,),
        (40, None),
        Window(40, 0),
        Window(float("nan"), 1),
    ],
    ids=str,
)
def test_no_window(value: Any) -> None:
    with pytest.raises(OptionError, match="window"):
        parse_window(value)


@pytest.mark.parametrize(
    ("width", "linear", "others"),
    [(1, True, True), (0.999, False, True), (1e-300, False, True), (0, False, False), (-1, False, False)],
)
def test_usable_windows(width: float, linear: bool, others: bool) -> None:
    """PS3.3 C.11.2.1.2: LINEAR needs 1, the others more than 0."""
    assert is_usable(Window(0, width)) is linear
    assert is_usable(Window(0, width, "LINEAR_EXACT")) is others
    assert is_usable(Window(0, width, "SIGMOID")) is others


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("window", {"voi": "window"}),
        (" LUT ", {"voi": "lut"}),
        ("minmax", {"voi": "minmax"}),
        ("object", {"voi": "object"}),
        ("none", {"voi": "none"}),
        ("percentile:1,99", {"voi": "percentile", "percentile": (1.0, 99.0)}),
        ("percentile: 0.5 , 99.5", {"voi": "percentile", "percentile": (0.5, 99.5)}),
    ],
)
def test_voi(text: str, fields: dict[str, Any]) -> None:
    assert parse_voi(text) == fields


@pytest.mark.parametrize(
    "text",
    [
        "",
        "max",
        "window:1",
        "percentile",
        "percentile:",
        "percentile:1",
        "percentile:1,2,3",
        "percentile:a,b",
    ],
)
def test_no_voi(text: str) -> None:
    with pytest.raises(OptionError, match="voi"):
        parse_voi(text)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: RenderOptions(bits=12), "bits must be 8 or 16"),  # type: ignore[arg-type]
        (lambda: RenderOptions(voi="max"), "voi 'max'"),  # type: ignore[arg-type]
        (lambda: RenderOptions(presentation_shape="ignore"), "presentation_shape"),  # type: ignore[arg-type]
        (lambda: RenderOptions(window_number=0), "window_number counts from 1"),
        (lambda: RenderOptions(voi_lut_number=-1), "voi_lut_number counts from 1"),
        (lambda: RenderOptions(percentile=(99, 1)), "percentiles"),
        (lambda: RenderOptions(percentile=(50, 50)), "percentiles"),
        (lambda: RenderOptions(percentile=(-1, 50)), "percentiles"),
        (lambda: RenderOptions(percentile=(0, 101)), "percentiles"),
        (lambda: RenderOptions(percentile=(float("nan"), 50)), "percentiles"),
        (lambda: RenderOptions(window=Window(40, 0)), "width must be at least 1"),
        (lambda: RenderOptions(window=Window(40, 0, "SIGMOID")), "width must be above 0"),
        (lambda: RenderOptions(window=Window(40, 400), voi="minmax"), "excludes"),
        (lambda: RenderOptions(window=Window(40, 400), window_number=2), "excludes"),
        (lambda: EncodeOptions(format="jpg"), "format 'jpg'"),  # type: ignore[arg-type]
        (lambda: EncodeOptions(quality=0), "quality must be 1 to 100"),
        (lambda: EncodeOptions(quality=101), "quality must be 1 to 100"),
        (lambda: EncodeOptions(subsampling="411"), "subsampling"),  # type: ignore[arg-type]
        (lambda: EncodeOptions(png_level=0), "png_level must be 1 to 9"),
        (lambda: EncodeOptions(png_level=10), "png_level must be 1 to 9"),
        (lambda: ConvertOptions(existing="ask"), "existing must be one of"),  # type: ignore[arg-type]
        (lambda: ConvertOptions(timeout=0), "timeout must be above 0"),
        (lambda: ConvertOptions(timeout=float("nan")), "timeout must be above 0"),
        (lambda: ConvertOptions(render=RenderOptions(bits=16)), "JPEG holds 8 bits"),
    ],
)
def test_nonsense(make: Callable[[], object], reason: str) -> None:
    with pytest.raises(OptionError, match=reason):
        make()


def test_what_lies_on_the_edge() -> None:
    for quality in (1, 100):
        assert EncodeOptions(quality=quality).quality == quality
    for level in (1, 9):
        assert EncodeOptions(png_level=level).png_level == level
    assert RenderOptions(percentile=(0, 100)).percentile == (0, 100)
    assert RenderOptions(window_number=1, voi_lut_number=1).window_number == 1


def test_defaults() -> None:
    """As the README and the command's help say."""
    assert RenderOptions() == RenderOptions(None, None, "window", None, (0.0, 100.0), "photometric", 8)
    assert EncodeOptions() == EncodeOptions("jpeg", 90, "420", 1, False)
    assert ConvertOptions().existing == "keep"
    assert list(FrameSelection().numbers(2)) == [1, 2]


def test_16_bits_need_png() -> None:
    options = ConvertOptions(render=RenderOptions(bits=16), encode=EncodeOptions("png"))
    with pytest.raises(OptionError, match="JPEG holds 8 bits"):
        options.with_format("jpeg")
    assert options.with_format("png") == options


def test_split() -> None:
    render, encode = split_options(
        {
            "window": "40,400,sigmoid",
            "bits": 16,
            "format": ".PNG",
            "quality": 75,
            "subsampling": "4:4:4",
            "png_level": 9,
        }
    )
    assert render == RenderOptions(window=Window(40, 400, "SIGMOID"), bits=16)
    assert encode == EncodeOptions("png", 75, "444", 9, reencode=True, lossless=False)
    assert split_options({}) == (RenderOptions(), EncodeOptions())
    assert split_options({"subsampling": 422})[1].subsampling == "422"
    assert split_options({"window": None})[0].window is None
    percentile = split_options({"voi": "percentile:1,99"})[0]
    assert (percentile.voi, percentile.percentile) == ("percentile", (1.0, 99.0))


@pytest.mark.parametrize(
    ("asked", "reencode"),
    [
        ({}, False),
        ({"png_level": 3, "window": (1, 2)}, False),
        ({"quality": 90}, True),
        ({"subsampling": "420"}, True),
        ({"reencode": True}, True),
        ({"quality": 90, "reencode": False}, False),
    ],
)
def test_who_asks_for_a_quality_gets_it(asked: dict[str, object], reencode: bool) -> None:
    assert split_options(asked)[1].reencode is reencode


@pytest.mark.parametrize("name", ["center", "Window", "windows", "jobs", "index"])
def test_unknown_option(name: str) -> None:
    with pytest.raises(OptionError, match=f"unknown option '{name}'; there are .*bits, .*window_number"):
        split_options({name: 1})


# Reading


@pytest.mark.parametrize("decoder", ["auto", "own", "library"])
def test_decoder(decoder: Any) -> None:
    assert ReadOptions.of(decoder=decoder) == ReadOptions(decoder=decoder)
    assert (ReadOptions.of(decoder=decoder) == ReadOptions()) == (decoder == "auto")


def test_no_decoder() -> None:
    with pytest.raises(OptionError, match="decoder 'openjpeg' is not one of auto, own, library"):
        ReadOptions.of(decoder="openjpeg")  # type: ignore[arg-type]


# Frames


@pytest.mark.parametrize(
    ("text", "frames", "numbers"),
    [
        ("all", 3, [1, 2, 3]),
        (" ALL ", 3, [1, 2, 3]),
        ("1", 3, [1]),
        ("3", 3, [3]),
        ("2-3", 3, [2, 3]),
        ("2 - 3", 3, [2, 3]),
        ("2-2", 3, [2]),
        ("1,7,3-5", 9, [1, 3, 4, 5, 7]),
        ("5,1-3,2", 9, [1, 2, 3, 5]),
        ("007", 9, [7]),
    ],
)
def test_frames(text: str, frames: int, numbers: list[int]) -> None:
    assert list(FrameSelection.parse(text).numbers(frames)) == numbers


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "1-", "-3", "3-2", "0-2", "a", "1,,2", "1,", "1.5", "1-2-3", "all,1"]
)
def test_no_frames(text: str) -> None:
    with pytest.raises(OptionError, match="frames count from 1"):
        FrameSelection.parse(text)


@pytest.mark.parametrize(("text", "frames"), [("4", 3), ("1-4", 3), ("2", 1), ("1-2000000000", 5)])
def test_frames_that_are_not_there(text: str, frames: int) -> None:
    with pytest.raises(OptionError, match="was asked for, but the object has"):
        FrameSelection.parse(text).numbers(frames)


@pytest.mark.parametrize("format", FORMATS)
def test_16_bits_are_refused_before_a_run_where_there_are_8(format: Format) -> None:
    deep = RenderOptions(bits=16)
    if FORMATS[format].deep:
        assert ConvertOptions(render=deep, encode=EncodeOptions(format)).render.bits == 16
        return
    with pytest.raises(OptionError, match=rf"^{FORMATS[format].title} holds 8 bits; ask for PNG .*--bits 16"):
        ConvertOptions(render=deep, encode=EncodeOptions(format))


@pytest.mark.parametrize("format", FORMATS)
def test_lossless(format: Format) -> None:
    usual = FORMATS[format].lossless
    assert EncodeOptions(format).is_lossless is (usual in ("always", "usually"))
    assert EncodeOptions(format, lossless=False).is_lossless is (usual == "always")
    if usual == "never":
        with pytest.raises(OptionError, match="is not lossless; ask for a format that is, as PNG"):
            EncodeOptions(format, lossless=True)
    else:
        assert EncodeOptions(format, lossless=True).is_lossless
    # Who asks for a quality gets it.
    assert split_options({"format": format, "quality": 90})[1].is_lossless is (usual == "always")


def test_quality_and_lossless_exclude_each_other() -> None:
    with pytest.raises(OptionError, match="quality and lossless exclude each other"):
        split_options({"format": "webp", "quality": 90, "lossless": True})
    assert not split_options({"format": "webp", "quality": 90, "lossless": None})[1].is_lossless


def test_names_of_formats_are_of_one_format_each() -> None:
    names = [name for holds in FORMATS.values() for name in holds.names]
    assert len(names) == len(set(names)) == len(FORMAT_NAMES)
    assert all(name == name.lower() for name in names)
