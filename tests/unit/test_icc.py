"""ICC profiles of an object, from where they are to the files (PS3.3 C.11.15)."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image

import fastdcm
from fastdcm.codestream.profiles import embedded
from fastdcm.errors import OptionError, RenderError, StrictError
from fastdcm.options import FORMATS, ColourOptions, Format, RenderOptions, split_options
from tests.builders import Element, encapsulated, image, words
from tests.conftest import PYDICOM_FILES
from tests.profiles import Array, as_srgb, gray, incomplete, large, other, wide
from tests.unit.codestream import streams

BASELINE, PROGRESSIVE, JPEG_2000 = (f"1.2.840.10008.1.2.4.{last}" for last in (50, 55, 90))
CARRYING = [format for format, holds in FORMATS.items() if holds.profile]
OTHERS = [format for format, holds in FORMATS.items() if not holds.profile and format not in ("pgm", "mp4")]
ROWS, COLUMNS = 24, 31
#: Of curves with tables, and all but sRGB.
CRAYONS = (PYDICOM_FILES / "crayons.icc").read_bytes()


def icc(profile: bytes) -> Element:
    return Element(0x00282000, "OB", profile + bytes(len(profile) % 2))


def pixels() -> Array:
    return streams.image(ROWS, COLUMNS, samples=3)


def rgb(profile: bytes | None, values: Array | None = None, **changes: Any) -> bytes:
    """A native colour object."""
    values = pixels() if values is None else values
    extra = [] if profile is None else [icc(profile)]
    how = {"rows": values.shape[0], "columns": values.shape[1], "samples": 3, "extra": extra} | changes
    return image(values.tobytes(), bits=8 * values.dtype.itemsize, **how)


def coded(stream: bytes, syntax: str = BASELINE, profile: bytes | None = None, **changes: Any) -> bytes:
    """A colour object of one codestream."""
    extra = [] if profile is None else [icc(profile)]
    how: dict[str, Any] = {"rows": ROWS, "columns": COLUMNS, "samples": 3, "photometric": "YBR_FULL_422"}
    return image(encapsulated([stream]), syntax, **(how | {"extra": extra} | changes))


def profile_of(data: bytes) -> bytes | None:
    """As a viewer finds it; of JP2 as the box is there, which Pillow does not read."""
    if data[4:8] == b"jP  ":
        return embedded(lambda size: data[:size])
    with Image.open(io.BytesIO(data)) as found:
        found.load()
        return found.info.get("icc_profile") or None


def told(opened: fastdcm.Image) -> list[str]:
    return [notice.message for notice in opened.notices]


# Embedding


@pytest.mark.parametrize("format", CARRYING)
@pytest.mark.parametrize("size", [0, 70_001])
def test_it_is_embedded(format: Format, size: int) -> None:
    profile = large(size) if size else wide()
    with fastdcm.open(rgb(profile)) as opened:
        data = opened.encode(0, format)
        assert profile_of(data) == profile
        assert profile_of(opened.encode(0, format, icc="none")) is None
        assert profile_of(opened.encode(0, format, icc="srgb")) is None
        assert not opened.notices
    with fastdcm.open(rgb(None)) as opened:
        assert profile_of(opened.encode(0, format)) is None


@pytest.mark.parametrize("format", CARRYING)
def test_pixels_are_the_same_with_it(format: Format) -> None:
    if format == "jph":
        pytest.skip("Pillow does not read it")
    with fastdcm.open(rgb(wide())) as opened:
        with_it, without = (opened.encode(0, format, icc=how) for how in ("embed", "none"))
    with Image.open(io.BytesIO(with_it)) as first, Image.open(io.BytesIO(without)) as second:
        assert np.array_equal(np.asarray(first), np.asarray(second))


@pytest.mark.parametrize("format", OTHERS)
def test_a_format_that_carries_none_is_a_notice(format: Format) -> None:
    with fastdcm.open(rgb(wide())) as opened:
        opened.encode(0, format)
        assert any("written without the ICC profile (--icc srgb" in message for message in told(opened))
    for how in ("srgb", "none"):
        with fastdcm.open(rgb(wide())) as opened:
            opened.encode(0, format, icc=how)
            assert not told(opened)


def test_16_bits() -> None:
    values = streams.image(ROWS, COLUMNS, bits=16, samples=3)
    with fastdcm.open(rgb(wide(), values)) as opened:
        for format in ("png", "tiff"):
            assert profile_of_deep(opened.encode(0, format, bits=16)) == wide()


def profile_of_deep(data: bytes) -> bytes:
    """Of 16-bit colour, of which Pillow reads TIFF's tags only."""
    if data[:4] == b"\x89PNG":
        import zlib

        start = data.index(b"iCCP")
        length = int.from_bytes(data[start - 4 : start], "big")
        return zlib.decompress(data[start + 4 : start + 4 + length].partition(b"\0\0")[2])
    offset = int.from_bytes(data[4:8], "little")
    for entry in range(offset + 2, offset + 2 + 12 * int.from_bytes(data[offset : offset + 2], "little"), 12):
        if int.from_bytes(data[entry : entry + 2], "little") == 34675:
            count, place = (int.from_bytes(data[entry + at : entry + at + 4], "little") for at in (4, 8))
            return data[place : place + count]
    raise AssertionError("no tag 34675")


# Conversion


@pytest.mark.parametrize("profile", [wide(), other(), CRAYONS], ids=["wide", "other", "of pydicom"])
def test_srgb_is_what_pillow_makes_of_it(profile: bytes) -> None:
    with fastdcm.open(rgb(profile)) as opened:
        converted = opened.render(icc="srgb")
        assert np.abs(converted.astype(int) - as_srgb(pixels(), profile)).max() <= 1
        assert profile == CRAYONS or np.abs(converted.astype(int) - pixels()).max() > 10
        assert np.array_equal(opened.render(), pixels())
        png = np.asarray(Image.open(io.BytesIO(opened.encode(0, "png", icc="srgb"))))
        assert np.array_equal(png, converted)


def test_srgb_of_16_bits() -> None:
    values = pixels().astype(np.uint16) * 257
    with fastdcm.open(rgb(wide(), values)) as opened:
        deep = opened.render(icc="srgb", bits=16)
        assert deep.dtype == np.uint16
        assert np.abs(deep / 257 - as_srgb(pixels(), wide())).max() <= 1.2
        assert len(np.unique(deep % 257)) > 200


def test_srgb_of_srgb_and_without_a_profile_changes_nothing() -> None:
    srgb = bytes(imagecodecs.cms_profile("srgb"))
    with fastdcm.open(rgb(srgb)) as opened:
        assert np.abs(opened.render(icc="srgb").astype(int) - pixels()).max() <= 1
    with fastdcm.open(rgb(None)) as opened:
        assert np.array_equal(opened.render(icc="srgb"), pixels())


def test_ybr() -> None:
    """The profile is of RGB, whatever the pixels are coded as (C.11.15.1.1)."""
    with fastdcm.open(rgb(wide(), photometric="YBR_FULL")) as opened:
        plain = opened.render()
        converted = opened.render(icc="srgb").astype(int)
        assert np.abs(converted - as_srgb(plain, wide())).max() <= 1


PALETTE = [
    *(Element(0x00281101 + n, "US", [256, 0, 16]) for n in range(3)),
    *(
        Element(0x00281201 + n, "OW", words([(37 * n + value) % 256 * 257 for value in range(256)]))
        for n in range(3)
    ),
]


def test_palette_colour() -> None:
    data = image(
        bytes(range(6)),
        photometric="PALETTE COLOR",
        extra=sorted([*PALETTE, icc(wide())], key=lambda element: element.tag),
    )
    with fastdcm.open(data) as opened:
        plain = opened.render()
        assert plain.shape == (2, 3, 3)
        assert profile_of(opened.encode(0, "png")) == wide()
        assert np.abs(opened.render(icc="srgb").astype(int) - as_srgb(plain, wide())).max() <= 1


def test_gray_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its profile is not even read."""
    from fastdcm.profiles import Profiles

    plain = image(bytes(range(6)))
    monkeypatch.setattr(Profiles, "__init__", None)
    with fastdcm.open(image(bytes(range(6)), extra=[icc(wide())])) as opened:
        for how in ("embed", "srgb", "none"):
            assert opened.encode(0, "png", icc=how) == fastdcm.open(plain).encode(0, "png")
        assert not opened.notices


# Damage


DAMAGED = {
    "empty": (b"", ""),
    "short": (wide()[:100], "damaged"),
    "no signature": (wide()[:36] + b"xxxx" + wide()[40:], "damaged"),
    "cut": (wide()[:-100], "cut"),
    "gray": (gray(), "'GRAY'"),
    "tags": (wide()[:128] + b"\xff" * (len(wide()) - 128), "damaged"),
    "incomplete": (incomplete(), "damaged"),
    "class": (wide()[:12] + b"link" + wide()[16:], "'link'"),
}


@pytest.mark.parametrize("name", DAMAGED)
@pytest.mark.parametrize("format", ["jpeg", "png"])
def test_a_damaged_profile_is_dropped(name: str, format: Format) -> None:
    profile, says = DAMAGED[name]
    with fastdcm.open(rgb(profile)) as opened:
        assert profile_of(opened.encode(0, format)) is None
        messages = told(opened)
        assert messages == [] if not says else (says in messages[0] and "left out" in messages[0])
    if says:
        with fastdcm.open(rgb(profile)) as opened, pytest.raises(RenderError, match="--icc none"):
            opened.render(icc="srgb")
        with fastdcm.open(rgb(profile), strict=True) as opened, pytest.raises(StrictError, match=says):
            opened.encode(0, format)
        with fastdcm.open(rgb(profile), strict=True) as opened:
            assert opened.encode(0, format, icc="none")


# Optical paths (C.8.12.5)


def slide(paths: list[tuple[str, bytes | None]], frames: list[str], shared: str = "") -> bytes:
    """A tiled object whose frames name their optical paths."""
    items = [
        [
            Element(0x00480106, "SH", name),
            *([] if profile is None else [Element(0x00282000, "OB", profile + bytes(len(profile) % 2))]),
        ]
        for name, profile in paths
    ]
    groups = [Element(0x00480105, "SQ", items)]

    def path(name: str) -> list[Element]:
        return [Element(0x00480207, "SQ", [[Element(0x00480106, "SH", name)]])]

    if shared:
        groups.append(Element(0x52009229, "SQ", [path(shared)]))
    if any(frames):
        groups.append(Element(0x52009230, "SQ", [path(name) if name else [] for name in frames]))
    values = np.concatenate([pixels()] * len(frames))
    return rgb(None, values, rows=ROWS, frames=len(frames), extra=groups)


@pytest.mark.parametrize(
    ("paths", "frames", "shared", "expected"),
    [
        ([("1", wide())], ["", ""], "", [wide(), wide()]),
        ([("1", wide()), ("2", other())], ["2", "1"], "", [other(), wide()]),
        ([("1", wide()), ("2", other())], ["", ""], "2", [other(), other()]),
        ([("1", wide()), ("2", other())], ["1", ""], "2", [wide(), other()]),
        ([("1", wide()), ("2", None)], ["2", "1"], "", [None, wide()]),
        ([("1", wide()), ("2", other())], ["3", "2"], "", [wide(), other()]),
        ([("1", None)], ["1"], "", [None]),
    ],
)
def test_optical_paths(
    paths: list[tuple[str, bytes | None]], frames: list[str], shared: str, expected: list[bytes | None]
) -> None:
    with fastdcm.open(slide(paths, frames, shared)) as opened:
        assert [profile_of(opened.encode(index)) for index in range(len(frames))] == expected
        assert not opened.notices


def test_a_real_slide(corpus: Path) -> None:
    """Which has optical paths, and no profile in them."""
    with fastdcm.open(corpus / "files" / "highdicom.h7763d__sm_image_control.dcm") as opened:
        assert profile_of(opened.encode(0)) is None
        assert not opened.notices


# In codestreams


def test_of_a_jpeg_that_is_copied() -> None:
    stream = streams.pillow(pixels(), icc_profile=large(70_001), comment=b"a name")
    with fastdcm.open(coded(stream)) as opened:
        data, passed = opened.encode_frame(0, *split_options({}))
        assert passed
        assert profile_of(data) == large(70_001)
        assert b"a name" not in data
        assert profile_of(opened.encode(icc="none")) is None
        converted = np.asarray(Image.open(io.BytesIO(opened.encode(icc="srgb", quality=100))))
        assert not opened.encode_frame(0, *split_options({"icc": "srgb"})).passed_through
        expected = as_srgb(opened.render(), large(70_001)).astype(int)
        assert np.abs(converted - expected).mean() < 3
        assert np.abs(opened.render(icc="srgb") - expected).max() <= 1


def test_the_data_sets_is_put_into_a_jpeg_that_is_copied() -> None:
    """And comes before the stream's own."""
    for stream in (streams.pillow(pixels()), streams.pillow(pixels(), icc_profile=wide())):
        with fastdcm.open(coded(stream, profile=other())) as opened:
            data, passed = opened.encode_frame(0, *split_options({}))
            assert passed
            assert profile_of(data) == other()
            assert not opened.encode_frame(0, *split_options({"icc": "srgb"})).passed_through
            expected = as_srgb(opened.render(), other())
            assert np.abs(opened.render(icc="srgb").astype(int) - expected).max() <= 1


def test_a_jpeg_without_one_is_copied_as_before() -> None:
    stream = streams.pillow(pixels())
    with fastdcm.open(coded(stream)) as opened:
        copies = {opened.encode_frame(0, *split_options({"icc": how})) for how in ("embed", "srgb", "none")}
        assert len(copies) == 1
        assert copies.pop().passed_through


def test_a_damaged_one_in_a_jpeg_that_is_copied() -> None:
    stream = streams.pillow(pixels(), icc_profile=wide()[:-100])
    with fastdcm.open(coded(stream)) as opened:
        data, passed = opened.encode_frame(0, *split_options({}))
        assert passed
        assert profile_of(data) is None
        assert "left out" in told(opened)[0]


def test_a_gray_jpeg_with_one_is_copied_without() -> None:
    stream = streams.pillow(pixels()[..., 0].copy(), icc_profile=gray())
    data = coded(stream, samples=1, photometric="MONOCHROME2")
    with fastdcm.open(data) as opened:
        copied, passed = opened.encode_frame(0, *split_options({}))
        assert passed
        assert profile_of(copied) is None
        assert not opened.notices


@pytest.mark.parametrize("format", ["jpeg", "png"])
def test_of_a_jpeg_that_is_decoded(format: Format) -> None:
    stream = streams.pillow(pixels(), progressive=True, icc_profile=wide())
    with fastdcm.open(coded(stream, PROGRESSIVE)) as opened:
        assert profile_of(opened.encode(0, format)) == wide()
        assert profile_of(opened.encode(0, format, icc="none")) is None
        plain = opened.render()
        assert np.abs(opened.render(icc="srgb").astype(int) - as_srgb(plain, wide())).max() <= 1
    with fastdcm.open(coded(stream, PROGRESSIVE, profile=other())) as opened:
        assert profile_of(opened.encode(0, format)) == other()


def test_of_jpeg_2000_with_boxes() -> None:
    from fastdcm.codecs.encode import encode_image
    from fastdcm.options import EncodeOptions

    file = encode_image(pixels(), EncodeOptions("jp2"), wide())
    with fastdcm.open(coded(file, JPEG_2000, photometric="YBR_RCT")) as opened:
        assert np.array_equal(opened.render(), pixels())
        assert profile_of(opened.encode(0, "png")) == wide()


def test_jp2_takes_matrix_profiles_only() -> None:
    """T.800 I.5.3.3: a profile with a table is for other programs."""
    tag = wide()[132:144]
    assert tag[:4] not in (b"A2B0", b"rXYZ")
    table = wide().replace(tag, b"A2B0" + tag[4:], 1)
    from fastdcm.codecs.icc import is_matrix

    assert is_matrix(wide())
    assert not is_matrix(table)
    assert not is_matrix(wide().replace(b"gTRC", b"gXXX", 1))


# Together with the rest


def test_what_is_remembered_of_a_series_is_not_its_profiles(monkeypatch: pytest.MonkeyPatch) -> None:
    from fastdcm.reader import alike
    from tests.payoffs import Fixed

    monkeypatch.setattr(alike, "_PAYOFF", Fixed(True))
    monkeypatch.setattr(alike, "_known", {})
    for profile in (None, wide(), other(), None, wide(), wide()[:200], b"", wide()[:200], other()) * 2:
        with fastdcm.open(rgb(profile, sop_instance="1.2")) as opened:
            usable = profile in (wide(), other())
            assert profile_of(opened.encode(0, "png")) == (profile if usable else None)
            assert len(opened.notices) == (profile == wide()[:200])


def test_options() -> None:
    assert split_options({"icc": "srgb"})[0] == RenderOptions(colour=ColourOptions("srgb"))
    assert split_options({"colour": ColourOptions("none")})[0].colour.icc == "none"
    with pytest.raises(OptionError, match="icc is a field of colour, which is given, too"):
        split_options({"colour": ColourOptions("none"), "icc": "srgb"})
    with pytest.raises(OptionError, match="icc 'lab' is not one of embed, srgb, none"):
        split_options({"icc": "lab"})
    with pytest.raises(OptionError, match=r"unknown option 'colour'.* icc,"):
        split_options({"colour": "srgb"})


def test_command(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from fastdcm.cli import cli

    (tmp_path / "a.dcm").write_bytes(rgb(wide()))
    found = {}
    for how in ("embed", "srgb", "none"):
        target = tmp_path / f"{how}.png"
        done = CliRunner().invoke(cli, ["convert", str(tmp_path / "a.dcm"), str(target), "--icc", how])
        assert done.exit_code == 0, done.output
        found[how] = target.read_bytes()
    assert profile_of(found["embed"]) == wide()
    assert profile_of(found["srgb"]) is profile_of(found["none"]) is None
    converted = np.asarray(Image.open(io.BytesIO(found["srgb"]))).astype(int)
    assert np.abs(converted - as_srgb(pixels(), wide())).max() <= 1
