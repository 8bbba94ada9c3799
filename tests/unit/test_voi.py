"""Windows by name, regions of interest, windows by channel: on objects of a few pixels, and refusals."""

from __future__ import annotations

from typing import Any

import imagecodecs
import numpy as np
import pytest

import fastdcm
from fastdcm.errors import OptionError, RenderError
from fastdcm.model import Window
from fastdcm.options import PRESETS, RenderOptions, parse_channels, parse_preset, split_options
from tests.builders import Element, encapsulated, image, lut_item, words

HU, SLOPE, INTERCEPT = (0x00281054, "LO"), (0x00281053, "DS"), (0x00281052, "DS")
#: Stored values 0 to 5 are -1024 to 3976 HU in steps of 1000.
RESCALE_1 = [Element(*SLOPE, "1"), Element(*INTERCEPT, "-1024")]
RESCALE = [Element(*SLOPE, "1000"), Element(*INTERCEPT, "-1024")]


def ct(*extra: Element, modality: str = "CT", rescale: list[Element] = RESCALE, **changes: Any) -> bytes:
    named = [Element(0x00080060, "CS", modality)] if modality else []
    values = changes.pop("pixels", words(range(6)))
    return image(values, **({"bits": 16} | changes), extra=[*named, *rescale, *extra])


# Presets


def test_presets_are_sensible() -> None:
    """Names as people type them; each shows what it is named for, in Hounsfield units."""
    assert {"lung", "mediastinum", "abdomen", "soft-tissue", "liver", "bone", "brain"} <= PRESETS.keys()
    assert {"subdural", "stroke", "temporal-bone", "angio"} <= PRESETS.keys()
    for name, hu in {
        "lung": -850,
        "liver": 60,
        "brain": 35,
        "bone": 700,
        "subdural": 70,
        "angio": 350,
    }.items():
        center, width, _ = PRESETS[name]
        assert abs(hu - center) < width / 2


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_its_window(name: str) -> None:
    found = fastdcm.open(ct())
    center, width, _ = PRESETS[name]
    assert np.array_equal(found.render(preset=name), found.render(window=(center, width)))
    assert found.explain(preset=name).endswith(
        f"window center {center:g}, width {width:g}, LINEAR, preset {name}"
    )


@pytest.mark.parametrize("text", ["Temporal-Bone", " temporal_bone ", "temporal bone"])
def test_preset_as_people_write_it(text: str) -> None:
    assert parse_preset(text) == "temporal-bone"
    assert split_options({"preset": text})[0].preset == "temporal-bone"


@pytest.mark.parametrize(
    "data",
    [
        ct(Element(*HU, "HU")),
        ct(Element(*HU, "hu ")),
        ct(rescale=[Element(*SLOPE, "1"), Element(*INTERCEPT, "0")]),
        ct(rescale=[Element(*INTERCEPT, "-1024")]),
        # Enhanced CT: the unit stands in the frame's Pixel Value Transformation (C.7.6.16.2.9).
        ct(
            Element(0x52009229, "SQ", [[Element(0x00289145, "SQ", [[*RESCALE, Element(*HU, "HU")]])]]),
            rescale=[],
        ),
        ct(
            Element(
                0x00283000, "SQ", [[*lut_item((2, 0, 16), words([0, 80])), Element(0x00283004, "LO", "HU")]]
            )
        ),
    ],
)
def test_hounsfield_units(data: bytes) -> None:
    assert fastdcm.render(data, preset="brain").shape == (2, 3)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (ct(modality="MR"), "preset brain is for CT, the modality is MR"),
        (ct(modality=""), "the modality is not given"),
        (ct(rescale=[]), "no Rescale Slope"),
        (ct(Element(*HU, "US")), r"Rescale Type \(0028,1054\) is US"),
        (ct(Element(*HU, "HU_MOD")), "is HU_MOD"),
        (
            ct(
                Element(0x52009229, "SQ", [[Element(0x00289145, "SQ", [[*RESCALE, Element(*HU, "Z_EFF")]])]]),
                rescale=[],
            ),
            "is Z_EFF",
        ),
        (
            ct(
                Element(
                    0x00283000,
                    "SQ",
                    [[*lut_item((2, 0, 16), words([0, 80])), Element(0x00283004, "LO", "OD")]],
                )
            ),
            "is OD",
        ),
        (ct(samples=3, bits=8, pixels=bytes(18)), "is for gray CT images, this one is colour"),
    ],
)
def test_no_hounsfield_units(data: bytes, message: str) -> None:
    with pytest.raises(RenderError, match=message):
        fastdcm.render(data, preset="brain")


@pytest.mark.parametrize(
    "other",
    [
        {"window": (40, 80)},
        {"window_number": 1},
        {"voi_lut_number": 1},
        *[{"voi": rule} for rule in ("lut", "minmax", "object", "percentile:1,99", "none")],
    ],
)
def test_a_preset_excludes(other: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match="preset excludes"):
        split_options({"preset": "lung", **other})


def test_no_preset() -> None:
    assert RenderOptions(preset="lung", voi="window").preset == "lung"
    for wrong in ("lungs", "", 40):
        with pytest.raises(OptionError, match="is not one of lung, mediastinum"):
            split_options({"preset": wrong})
    with pytest.raises(OptionError, match="is written 'lung'"):
        RenderOptions(preset="Lung")
    assert PRESETS["lung"].window("lung") == Window(-600, 1500, "LINEAR", "lung")


# Regions of interest


def grid(array: np.ndarray[Any, Any], **changes: Any) -> bytes:
    rows, columns = array.shape
    return ct(rows=rows, columns=columns, pixels=array.astype("<u2").tobytes(), rescale=[], **changes)


def stretched(array: np.ndarray[Any, Any], low: float, high: float) -> np.ndarray[Any, Any]:
    """The definition: (x - low) / (high - low), clipped, rounded half up."""
    return np.floor(np.clip((array - low) / (high - low), 0, 1) * 255 + 0.5).astype(np.uint8)


@pytest.mark.parametrize(
    ("region", "part"),
    [
        ((2, 1, 3, 2), np.s_[1:3, 2:5]),
        ((-4, -3, 6, 5), np.s_[0:2, 0:2]),
        ((5, 6, 100, 100), np.s_[6:, 5:]),
        ((-5, -5, 1000, 1000), np.s_[:, :]),
        ((8, 6, 1, 1000), np.s_[6:, 8:9]),
    ],
)
def test_region(region: tuple[int, int, int, int], part: Any) -> None:
    array = np.random.default_rng(1).integers(100, 4000, (8, 9))
    low, high = array[part].min(), array[part].max()
    found = fastdcm.open(grid(array))
    text = "roi:" + ",".join(map(str, region))
    assert np.array_equal(found.render(voi=text), stretched(array, low, high))
    assert np.array_equal(found.render(voi="roi", roi=region), found.render(voi=text))
    assert text.removeprefix("roi:") in found.explain(voi=text)


def test_region_counts_the_source_s_pixels() -> None:
    """Also where the picture is cropped and turned (PS3.18: regions are taken after the VOI)."""
    array = np.random.default_rng(2).integers(0, 4000, (8, 9))
    found = fastdcm.open(grid(array))
    whole = found.render(voi="roi:0,0,2,2")
    assert np.array_equal(found.render(voi="roi:0,0,2,2", crop=(3, 4, 5, 3)), whole[4:7, 3:8])


def test_region_by_modality_values_and_without_padding() -> None:
    array = np.array([[9, 9, 50, 70], [9, 60, 9, 65535]])
    rescale = [Element(*SLOPE, "-2"), Element(*INTERCEPT, "500")]
    padding = [Element(0x00280120, "US", [9])]
    data = ct(*padding, rows=2, columns=4, pixels=array.astype("<u2").tobytes(), rescale=rescale)
    # 50, 60 and 70 are 400, 380 and 360.
    shown = fastdcm.render(data, voi="roi:0,0,4,1")
    assert shown.tolist()[0][2:] == [255, 0]
    assert shown.tolist()[1][1] == 128
    with pytest.raises(RenderError, match="nothing but padding"):
        fastdcm.render(data, voi="roi:0,0,2,1")


def test_region_of_floats() -> None:
    array = np.array([[np.nan, np.inf, 1.0, 3.0], [2.0, -9.0, np.nan, 99.0]], "<f4")
    data = image(
        array.tobytes(),
        rows=2,
        columns=4,
        bits=32,
        pixel_tag=0x7FE00008,
        vr="OF",
        high_bit=None,
        stored=None,
        representation=None,
    )
    shown = fastdcm.render(data, voi="roi:0,0,4,1")
    assert shown.tolist() == [[0, 255, 0, 255], [128, 0, 0, 255]]


def test_region_of_one_value_is_a_step() -> None:
    array = np.array([[7, 7, 7], [6, 8, 4000]])
    assert fastdcm.render(grid(array), voi="roi:0,0,3,1").tolist() == [[0, 0, 0], [0, 255, 255]]


def test_region_leaves_out_what_is_missing() -> None:
    array = np.array([[1000, 2000, 3000], [1500, 2500, 3500]])
    cut = grid(array)[:-4]  # two pixels of the second row
    with fastdcm.open(cut, allow_partial=True) as found:
        shown = found.render(voi="roi:0,0,3,2")
    assert shown.tolist() == [[0, 128, 255], [64, 0, 0]]
    with fastdcm.open(cut, allow_partial=True) as found:
        assert found.render(voi="roi:0,1,2,1").tolist()[0] == [0, 255, 255], "1500 alone is there"


@pytest.mark.parametrize("region", [(9, 0, 5, 5), (0, 8, 5, 5), (-5, 0, 5, 5), (0, -5, 5, 5)])
def test_region_outside(region: tuple[int, int, int, int]) -> None:
    with pytest.raises(RenderError, match=r"is outside of the image of 9 x 8"):
        fastdcm.render(grid(np.ones((8, 9))), voi="roi", roi=region)


@pytest.mark.parametrize(
    "asked",
    [
        {"voi": "roi"},
        {"roi": (0, 0, 5, 5)},
        {"voi": "minmax", "roi": (0, 0, 5, 5)},
        {"voi": "roi:1,2,3"},
        {"voi": "roi:0,0,0,5"},
        {"voi": "roi:0,0,5,5", "window": (40, 80)},
        {"voi": "roi:0,0,5,5", "preset": "lung"},
    ],
)
def test_no_region(asked: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        split_options(asked)


# Windows as channels

THREE = (Window(40, 80), Window(80, 200, "SIGMOID"), "temporal-bone")


@pytest.mark.parametrize(
    "value",
    [
        "40/80,80/200/sigmoid,temporal-bone",
        " 40/80 , 80 / 200 / Sigmoid , Temporal_Bone ",
        ["40/80", (80, 200, "sigmoid"), "temporal-bone"],
        (Window(40, 80), "80/200/SIGMOID", "Temporal-bone"),
    ],
)
def test_channels_as_people_write_them(value: Any) -> None:
    assert parse_channels(value) == THREE
    assert split_options({"channels": value})[0].channels == THREE


@pytest.mark.parametrize(
    "value",
    [
        *(
            "",
            "lung",
            "lung,bone",
            "lung,bone,brain,liver",
            "lung,bone,heart",
            "40/80,lung,1",
            "40/0,lung,bone",
        ),
        *(7, Window(40, 80), (40, 80, 3), ["lung", "bone", (40,)]),
    ],
)
def test_no_channels(value: Any) -> None:
    with pytest.raises(OptionError):
        split_options({"channels": value})


@pytest.mark.parametrize(
    "other",
    [
        {"window": (40, 80)},
        {"preset": "lung"},
        {"window_number": 1},
        {"voi_lut_number": 1},
        {"voi": "minmax"},
    ],
)
def test_channels_exclude(other: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match="channels exclude"):
        split_options({"channels": "lung,bone,brain", **other})
    with pytest.raises(OptionError, match="three windows"):
        RenderOptions(channels=("lung",))
    with pytest.raises(OptionError, match="is not one of lung"):
        RenderOptions(channels=("lung", "bone", "Brain"))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("changes", [{}, {"photometric": "MONOCHROME1"}, {"representation": 1, "stored": 12}])
def test_each_channel_is_its_window(changes: dict[str, Any], bits: int) -> None:
    array = np.random.default_rng(3).integers(0, 2000, (9, 7))
    data = ct(rows=9, columns=7, pixels=array.astype("<u2").tobytes(), rescale=RESCALE_1, **changes)
    found = fastdcm.open(data)
    shown = found.render(channels=THREE, bits=bits)
    assert shown.shape == (9, 7, 3)
    assert shown.dtype == f"u{bits // 8}"
    alone = [{"window": THREE[0]}, {"window": THREE[1]}, {"preset": "temporal-bone"}]
    for channel, options in enumerate(alone):
        assert np.array_equal(shown[..., channel], found.render(bits=bits, **options))
    assert not np.array_equal(shown[..., 0], shown[..., 2])
    assert np.array_equal(imagecodecs.png_decode(found.encode(0, "png", channels=THREE, bits=bits)), shown)
    turned = found.render(channels=THREE, bits=bits, rotate=90, crop=(1, 2, 4, 5))
    assert np.array_equal(turned, np.rot90(shown[2:7, 1:5], -1))
    words_of_it = found.explain(channels=THREE)
    assert "red: " in words_of_it
    assert "center 80, width 200, SIGMOID" in words_of_it


def test_channels_of_a_large_file(tmp_path: Any) -> None:
    """Which would be shown in parts by one window."""
    array = np.random.default_rng(4).integers(0, 2000, (1100, 1000))
    path = tmp_path / "large.dcm"
    path.write_bytes(ct(rows=1100, columns=1000, pixels=array.astype("<u2").tobytes(), rescale=RESCALE_1))
    shown = fastdcm.render(path, channels=THREE)
    assert np.array_equal(shown[..., 0], fastdcm.render(path, window=(40, 80)))
    assert np.array_equal(shown[..., 2], fastdcm.render(path, preset="temporal-bone"))


def test_channels_of_a_jpeg_are_not_copied() -> None:
    """A gray baseline JPEG, which is copied where nothing is asked for."""
    array = np.random.default_rng(5).integers(0, 256, (16, 16), dtype=np.uint8)
    stream = imagecodecs.jpeg8_encode(array, level=95)
    data = image(encapsulated([stream]), "1.2.840.10008.1.2.4.50", rows=16, columns=16)
    with fastdcm.open(data) as found:
        assert imagecodecs.jpeg8_decode(found.encode()).shape == (16, 16)
        assert imagecodecs.jpeg8_decode(found.encode(channels="128/256,100/50,30/9")).shape == (16, 16, 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"modality": "MR"}, "preset temporal-bone is for CT"),
        ({"samples": 3, "bits": 8, "pixels": bytes(18)}, "this one is RGB"),
        ({"photometric": "PALETTE COLOR"}, "palette|Palette"),
    ],
)
def test_no_windows_as_channels(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(fastdcm.FastdcmError, match=message):
        fastdcm.render(ct(**changes), channels=THREE)


def test_no_profile_is_embedded_with_channels() -> None:
    """A profile of the data set says nothing of colours that are windows."""
    profile = imagecodecs.cms_profile("adobergb")
    found = fastdcm.open(ct(Element(0x00282000, "OB", profile + bytes(len(profile) % 2)), rescale=RESCALE_1))
    assert b"iCCP" not in found.encode(0, "png", channels=THREE)
    assert np.array_equal(found.render(channels=THREE, icc="srgb"), found.render(channels=THREE))
