"""Windows by name, regions of interest, windows by channel: on objects of a few pixels, and refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fastdcm
from fastdcm.errors import OptionError, RenderError
from fastdcm.model import Window
from fastdcm.options import PRESETS, RenderOptions, parse_preset, split_options
from tests.builders import Element, image, lut_item, words

HU, SLOPE, INTERCEPT = (0x00281054, "LO"), (0x00281053, "DS"), (0x00281052, "DS")
#: Stored values 0 to 5 are -1024 to 3976 HU in steps of 1000.
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
