"""Which transform applies: the order of preference, and what the plan says of it in words."""

from __future__ import annotations

from typing import Any

import pytest

from fastdcm.errors import RenderError
from fastdcm.model import Display, Header, Lut, Notice, Palette, Window
from fastdcm.options import RenderOptions
from fastdcm.rendering.chain import Range, Rescale
from fastdcm.rendering.plan import Automatic, ColourPlan, GrayPlan, PalettePlan, make_plan
from tests.builders import words

XA, XRF = "1.2.840.10008.5.1.4.1.1.12.1", "1.2.840.10008.5.1.4.1.1.12.2"
FIRST, SECOND, OWN = Window(40, 400, "LINEAR", "SOFT"), Window(-600, 1500, "SIGMOID"), Window(1, 2)
LUTS = (Lut(0, 8, words([0, 255])), Lut(0, 16, words([0, 65535])))
MODALITY_LUT = Lut(0, 12, words([5, 6]))


def header(**changes: Any) -> Header:
    values: dict[str, Any] = {
        "transfer_syntax_uid": "1.2.840.10008.1.2.1",
        "rows": 2,
        "columns": 3,
        "frames": 1,
        "samples_per_pixel": 1,
        "photometric_interpretation": "MONOCHROME2",
        "planar_configuration": 0,
        "bits_allocated": 16,
        "bits_stored": 16,
        "high_bit": 15,
        "pixel_representation": 0,
    }
    return Header(**(values | changes))


DEFAULT = header()


def plan(
    display: Display, *, header: Header | None = None, notices: list[Notice] | None = None, **options: Any
) -> GrayPlan:
    found = make_plan(
        header or DEFAULT, display, RenderOptions(**options), [] if notices is None else notices
    )
    assert isinstance(found, GrayPlan)
    return found


BOTH = Display(windows=(FIRST, SECOND), windows_source="the data set", voi_luts=LUTS)
WINDOWS, ONLY_LUTS, NOTHING = BOTH._replace(voi_luts=()), BOTH._replace(windows=()), Display()
RESCALED = Display(rescale=(2.0, -5.0), modality_source="the data set")


@pytest.mark.parametrize(
    ("display", "options", "voi", "words_of_it"),
    [
        (BOTH, {}, FIRST, "window 1 of 2 'SOFT', center 40, width 400, LINEAR, from the data set"),
        (BOTH, {"window_number": 2}, SECOND, "window 2 of 2, center -600"),
        (BOTH, {"window": OWN}, OWN, "window center 1, width 2, LINEAR as you asked"),
        (BOTH, {"voi": "lut"}, LUTS[0], "VOI LUT 1 of 2 from the data set"),
        (BOTH, {"voi_lut_number": 2}, LUTS[1], "VOI LUT 2 of 2"),
        (BOTH, {"voi": "lut", "voi_lut_number": 2}, LUTS[1], "VOI LUT 2 of 2"),
        (BOTH, {"voi": "lut", "window_number": 2}, LUTS[0], "VOI LUT 1 of 2"),
        (BOTH, {"window_number": 2, "voi_lut_number": 2}, SECOND, "window 2 of 2"),
        (WINDOWS, {"voi": "lut"}, FIRST, "window 1 of 2"),
        (ONLY_LUTS, {}, LUTS[0], "VOI LUT 1 of 2"),
        (ONLY_LUTS, {"voi": "window"}, LUTS[0], "VOI LUT 1 of 2"),
        (BOTH, {"voi": "none"}, Range(0.0, 65535.0), "full range"),
    ],
)
def test_order_of_preference(
    display: Display, options: dict[str, Any], voi: Window | Lut | Range, words_of_it: str
) -> None:
    found = plan(display, **options)
    assert found.chain.voi == voi
    assert type(found.chain.voi) is type(voi)
    assert found.automatic is None
    assert words_of_it in found.rule


@pytest.mark.parametrize(
    ("display", "options", "automatic", "words_of_it"),
    [
        (NOTHING, {}, Automatic(), "no window in the file"),
        (NOTHING, {"voi": "lut"}, Automatic(), "no window in the file"),
        (BOTH, {"voi": "minmax"}, Automatic(), "minimum to maximum of the frame"),
        (BOTH, {"voi": "object"}, Automatic(scope="object"), "of all frames"),
        (
            BOTH,
            {"voi": "percentile", "percentile": (1.0, 99.5)},
            Automatic(1.0, 99.5),
            "percentiles 1 to 99.5",
        ),
        (RESCALED, {}, Automatic(), "rescale 2 * x + -5 from the data set; minimum to maximum"),
    ],
)
def test_automatic(display: Display, options: dict[str, Any], automatic: Automatic, words_of_it: str) -> None:
    found = plan(display, **options)
    assert found.automatic == automatic
    assert words_of_it in found.rule


@pytest.mark.parametrize(
    ("changes", "display", "identity"),
    [
        ({"bits_stored": 8}, NOTHING, Range(0.0, 255.0)),
        ({"bits_stored": 7}, NOTHING, Range(0.0, 127.0)),
        ({"bits_stored": 1}, NOTHING, Range(0.0, 1.0)),
        ({"bits_stored": 8, "pixel_representation": 1}, NOTHING, Range(-128.0, 127.0)),
        ({"bits_stored": 8}, Display(rescale=(1.0, 0.0)), Range(0.0, 255.0)),
        ({"bits_stored": 8}, RESCALED, None),
        ({"bits_stored": 8}, Display(modality_lut=MODALITY_LUT), None),
        ({"bits_stored": 9}, NOTHING, None),
        ({"bits_stored": 8, "pixel_keyword": "FloatPixelData"}, NOTHING, None),
    ],
)
def test_identity_of_8_bits_without_window(
    changes: dict[str, Any], display: Display, identity: Range | None
) -> None:
    """Stretching would brighten dark ultrasound and make cine flicker."""
    found = plan(display, header=header(**changes))
    if identity is None:
        assert found.automatic == Automatic()
    else:
        assert (found.chain.voi, found.automatic) == (identity, None)
        assert "identity" in found.rule


@pytest.mark.parametrize(
    ("changes", "display", "full"),
    [
        ({}, NOTHING, Range(0.0, 65535.0)),
        ({"pixel_representation": 1}, NOTHING, Range(-32768.0, 32767.0)),
        ({"bits_stored": 12, "pixel_representation": 1}, RESCALED, Range(-4101.0, 4089.0)),
        ({"bits_stored": 12}, Display(rescale=(-1.0, 100.0)), Range(-3995.0, 100.0)),
        ({}, Display(modality_lut=MODALITY_LUT), Range(0.0, 4095.0)),
    ],
)
def test_full_range(changes: dict[str, Any], display: Display, full: Range) -> None:
    assert plan(display, header=header(**changes), voi="none").chain.voi == full


@pytest.mark.parametrize(
    ("changes", "display", "options", "reason"),
    [
        ({}, BOTH, {"window_number": 3}, "window 3 was asked for, the file has 2"),
        ({}, NOTHING, {"window_number": 1}, "the file has 0"),
        ({}, BOTH, {"voi_lut_number": 3}, "VOI LUT 3 was asked for, the file has 2"),
        ({}, WINDOWS, {"voi_lut_number": 1}, "the file has 0"),
        ({"pixel_keyword": "FloatPixelData"}, NOTHING, {"voi": "none"}, "no full range"),
        ({"photometric_interpretation": "PALETTE COLOR"}, NOTHING, {}, "without a palette"),
        (
            {"photometric_interpretation": "PALETTE COLOR"},
            Display(palette=Palette(0, 8, b"\0\0", b"\0\0", b"\0\0")),
            {"window": OWN},
            "no meaning for PALETTE COLOR",
        ),
    ],
)
def test_what_the_file_cannot_give(
    changes: dict[str, Any], display: Display, options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(RenderError, match=reason):
        plan(display, header=header(**changes), **options)


# Modality


@pytest.mark.parametrize(
    ("display", "modality"),
    [
        (NOTHING, None),
        (Display(rescale=(1.0, 0.0)), None),
        (Display(rescale=(2.0, 3.0)), Rescale(2.0, 3.0)),
        (Display(modality_lut=MODALITY_LUT), MODALITY_LUT),
        (Display(rescale=(2.0, 3.0), modality_lut=MODALITY_LUT), MODALITY_LUT),
    ],
)
def test_modality(display: Display, modality: Rescale | Lut | None) -> None:
    assert plan(display).chain.modality == modality


@pytest.mark.parametrize("sop_class", [XA, XRF, "1.2.840.10008.5.1.4.1.1.2"])
@pytest.mark.parametrize("relationship", ["LOG", "DISP", "LIN", ""])
@pytest.mark.parametrize("display", [RESCALED, Display(modality_lut=MODALITY_LUT)], ids=["rescale", "lut"])
def test_x_ray_angiography(sop_class: str, relationship: str, display: Display) -> None:
    """C.8.7.1.1.2: with LOG and DISP the modality LUT leads back to intensity and is not for display."""
    skipped = sop_class in (XA, XRF) and relationship in ("LOG", "DISP")
    given = display._replace(pixel_intensity_relationship=relationship)
    found = plan(given, header=header(sop_class_uid=sop_class))
    assert (found.chain.modality is None) == skipped
    assert ("no modality LUT" in found.rule) == skipped


# Presentation


@pytest.mark.parametrize(
    ("photometric", "shape", "photometric_inverts", "follow_inverts", "odd"),
    [
        ("MONOCHROME2", "", False, False, False),
        ("MONOCHROME2", "IDENTITY", False, False, False),
        ("MONOCHROME2", "INVERSE", False, True, True),
        ("MONOCHROME1", "", True, True, False),
        ("MONOCHROME1", "IDENTITY", True, False, True),
        ("MONOCHROME1", "INVERSE", True, True, False),
        ("MONOCHROME1", "LIN OD", True, True, True),  # of print (C.11.4)
    ],
)
def test_presentation(
    photometric: str, shape: str, photometric_inverts: bool, follow_inverts: bool, odd: bool
) -> None:
    given = header(photometric_interpretation=photometric)
    display = Display(presentation_lut_shape=shape)
    notices: list[Notice] = []
    for _ in range(2):
        assert plan(display, header=given, notices=notices).chain.invert is photometric_inverts
    assert [notice.code for notice in notices] == ["presentation-shape"] * odd
    notices = []
    followed = plan(display, header=given, notices=notices, presentation_shape="follow")
    assert followed.chain.invert is follow_inverts
    assert bool(notices) is (shape == "LIN OD")


def test_presentation_lut_instead_of_the_inversion() -> None:
    display = Display(presentation_lut=LUTS[0])
    found = plan(display, header=header(photometric_interpretation="MONOCHROME1"))
    assert (found.chain.presentation_lut, found.chain.invert) == (LUTS[0], False)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("shape", ["", "IDENTITY", "INVERSE"])
def test_a_presentation_state_s_shape_is_all_that_inverts(photometric: str, shape: str) -> None:
    """PS3.4 N.2.1.3 and N.2.1.4; and without a VOI LUT of the state, an identity."""
    notices: list[Notice] = []
    display = Display(presentation_lut_shape=shape, softcopy="presentation state a.pre")
    found = plan(display, header=header(photometric_interpretation=photometric), notices=notices)
    assert found.chain.invert is (shape == "INVERSE")
    assert found.automatic is None
    assert isinstance(found.chain.voi, Range)
    assert found.rule.startswith("presentation state a.pre; full range")
    assert not notices


# Colour


def test_palette() -> None:
    palette = Palette(0, 8, b"\0\0", b"\0\0", b"\0\0")
    given = header(photometric_interpretation="PALETTE COLOR")
    found = make_plan(given, Display(palette=palette, windows=(FIRST,)), RenderOptions(bits=16), [])
    assert isinstance(found, PalettePlan)
    assert (found.palette, found.bits) == (palette, 16)


def test_supplemental_palette() -> None:
    palette = Palette(100, 8, b"\0\0", b"\0\0", b"\0\0")
    found = plan(Display(palette=palette, supplemental=True, windows=(FIRST,)))
    assert found.supplemental == palette
    assert "from 100 on by the supplemental palette" in found.rule


def test_colour_takes_no_window_but_the_user_s() -> None:
    given = header(samples_per_pixel=3, photometric_interpretation="RGB", bits_stored=12)
    display = Display(windows=(FIRST,), voi_luts=LUTS, rescale=(2.0, 1.0))
    for options, voi in [({}, Range(0.0, 4095.0)), ({"window": OWN}, OWN)]:
        found = make_plan(given, display, RenderOptions(**options), [])  # type: ignore[arg-type]
        assert isinstance(found, ColourPlan)
        assert found.voi == voi


def test_bits_and_padding_are_handed_on() -> None:
    found = plan(Display(padding=(3, 7)), bits=16)
    assert (found.padding, found.chain.bits) == ((3, 7), 16)
