"""ICC profiles of presentation states: they count instead of the image's (PS3.3 C.11.15, PS3.4 N.2.2.1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastdcm
from fastdcm.errors import RenderError
from tests.builders import Element, words
from tests.profiles import Array, as_srgb, other, wide
from tests.unit.codestream import streams
from tests.unit.presentation.states import (
    COLOR,
    GRAYSCALE,
    PSEUDO_COLOR,
    RED,
    annotation,
    drawn,
    graphic,
    layer,
    referenced,
    state,
)
from tests.unit.test_icc import BASELINE, coded, icc, profile_of

ROWS, COLUMNS = 12, 20
COLORS = np.random.default_rng(7).integers(0, 256, (ROWS, COLUMNS, 3), np.uint8)
GRAYS = np.arange(ROWS * COLUMNS, dtype=np.uint8).reshape(ROWS, COLUMNS)
#: What the palette gives for 256 grays; far from sRGB's gray axis.
RAMP = np.stack([np.arange(256), 255 - np.arange(256), np.arange(256) // 2], axis=1).astype(np.uint8)
PALETTE = [
    *(Element(0x00281101 + n, "US", (256, 0, 8)) for n in range(3)),
    *(Element(0x00281201 + n, "OW", words(RAMP[:, n].tolist())) for n in range(3)),
]


@pytest.fixture
def opened(tmp_path: Path) -> Any:
    """An image, and the path of a state of these elements."""

    def run(
        *extra: Element, kind: str = COLOR, profile: bytes | None = None, own: bytes | None = None
    ) -> tuple[fastdcm.Image, Path]:
        path = tmp_path / "a.pre"
        profiles = [] if profile is None else [icc(profile)]
        path.write_bytes(state(*extra, *profiles, kind=kind, shape=None))
        changes: dict[str, Any] = {
            "rows": ROWS,
            "columns": COLUMNS,
            "extra": [] if own is None else [icc(own)],
        }
        if kind == PSEUDO_COLOR:
            return fastdcm.open(referenced(GRAYS.tobytes(), **changes)), path
        return fastdcm.open(referenced(COLORS.tobytes(), samples=3, **changes)), path

    return run


def _away(found: Array, expected: Array) -> int:
    return int(np.abs(found.astype(int) - expected).max())


@pytest.mark.parametrize("own", [None, wide()], ids=["none of its own", "one of its own"])
@pytest.mark.parametrize("format", ["jpeg", "png", "tiff"])
def test_a_color_state_s_is_embedded_in_place_of_the_image_s(
    opened: Any, own: bytes | None, format: Any
) -> None:
    image, path = opened(profile=other(), own=own)
    assert profile_of(image.encode(0, format, presentation_state=path)) == other()
    assert profile_of(image.encode(0, format)) == own
    for how in ("srgb", "none"):
        assert profile_of(image.encode(0, format, presentation_state=path, icc=how)) is None
    for how in ("embed", "none"):
        assert np.array_equal(image.render(presentation_state=path, icc=how), COLORS)
    assert not image.notices


@pytest.mark.parametrize("own", [None, wide()], ids=["none of its own", "one of its own"])
def test_srgb_is_by_the_state_s(opened: Any, own: bytes | None) -> None:
    image, path = opened(profile=other(), own=own)
    found = image.render(presentation_state=path, icc="srgb")
    assert _away(found, as_srgb(COLORS, other())) <= 1
    assert _away(as_srgb(COLORS, other()), as_srgb(COLORS, wide())) > 20
    assert _away(found, COLORS) > 20


def test_a_state_without_one_leaves_the_image_s(opened: Any) -> None:
    """It must have one (C.11.15); of those that have none the image says what its colours are."""
    image, path = opened(own=wide())
    assert profile_of(image.encode(0, "png", presentation_state=path)) == wide()
    assert _away(image.render(presentation_state=path, icc="srgb"), as_srgb(COLORS, wide())) <= 1


def test_pseudo_color_has_the_state_s(opened: Any) -> None:
    image, path = opened(*PALETTE, kind=PSEUDO_COLOR, profile=other())
    colored = RAMP[GRAYS]
    assert np.array_equal(image.render(presentation_state=path), colored)
    assert profile_of(image.encode(0, "png", presentation_state=path)) == other()
    assert profile_of(image.encode(0, "png", presentation_state=path, icc="none")) is None
    found = image.render(presentation_state=path, icc="srgb")
    assert _away(found, as_srgb(colored, other())) <= 1
    assert _away(found, colored) > 20
    fine = image.render(presentation_state=path, icc="srgb", bits=16)
    assert (fine.dtype, _away(fine / 257, found) <= 2) == (np.uint16, True)
    assert not image.notices


def test_a_gray_image_s_profile_says_nothing_of_a_state_s_palette(opened: Any) -> None:
    image, path = opened(*PALETTE, kind=PSEUDO_COLOR, own=wide())
    assert profile_of(image.encode(0, "png", presentation_state=path)) is None
    assert np.array_equal(image.render(presentation_state=path, icc="srgb"), RAMP[GRAYS])


def test_grayscale_states_have_none(opened: Any) -> None:
    """Their Module is not one of theirs (A.33.1): the colours stay the image's, and so does their profile."""
    image, path = opened(kind=GRAYSCALE, profile=other(), own=wide())
    assert profile_of(image.encode(0, "png", presentation_state=path)) == wide()


@pytest.mark.parametrize("kind", [COLOR, GRAYSCALE])
def test_grays_that_are_drawn_on_in_color_have_none(tmp_path: Path, kind: str) -> None:
    red = layer("L", 1, Element(0x00700401, "US", RED))
    line = graphic("POLYLINE", [0.5, 0.5, 9.5, 0.5])
    path = tmp_path / "b.pre"
    path.write_bytes(state(*drawn(annotation([line]), layers=[red]), icc(other()), kind=kind, shape=None))
    with fastdcm.open(referenced(GRAYS.tobytes(), rows=ROWS, columns=COLUMNS)) as image:
        assert image.render(presentation_state=path).ndim == 3
        assert profile_of(image.encode(0, "png", presentation_state=path)) is None


@pytest.mark.parametrize("kind", [COLOR, PSEUDO_COLOR])
def test_what_is_drawn_is_srgb_whatever_the_profile(opened: Any, kind: str) -> None:
    """Colours of the image are converted before, so that drawings are not converted again."""
    red = layer("L", 1, Element(0x00700401, "US", RED))
    line = graphic("POLYLINE", [0.5, 3.5, 19.5, 3.5])
    palette = PALETTE if kind == PSEUDO_COLOR else []
    drawing = drawn(annotation([line]), layers=[red])
    image, path = opened(*palette, *drawing, kind=kind, profile=other())
    for how in ("embed", "srgb", "none"):
        found = image.render(presentation_state=path, icc=how)
        assert _away(found[3], np.array([255, 0, 0])) <= 2
    colors = RAMP[GRAYS] if palette else COLORS
    assert _away(found[4:], colors[4:]) == 0
    converted = image.render(presentation_state=path, icc="srgb")
    assert _away(converted[4:], as_srgb(colors, other())[4:]) <= 1


def test_a_jpeg_is_not_copied_with_its_own(tmp_path: Path) -> None:
    """A baseline stream is copied without a state; with one its profile is another."""
    rgb = streams.image(24, 31, samples=3)
    from imagecodecs import jpeg8_encode

    data = coded(jpeg8_encode(rgb), BASELINE, wide(), sop_instance="1.2.3")
    path = tmp_path / "a.pre"
    path.write_bytes(state(icc(other()), kind=COLOR, shape=None))
    with fastdcm.open(data) as image:
        assert profile_of(image.encode()) == wide()
        assert profile_of(image.encode(presentation_state=path)) == other()


@pytest.mark.parametrize("kind", [COLOR, PSEUDO_COLOR])
def test_a_damaged_one(opened: Any, kind: str) -> None:
    damaged = other()[:-100]
    image, path = opened(*(PALETTE if kind == PSEUDO_COLOR else []), kind=kind, profile=damaged, own=wide())
    assert profile_of(image.encode(0, "png", presentation_state=path)) is None
    assert [notice.code for notice in image.notices] == ["icc-profile"]
    assert "cut" in image.notices[0].message
    with pytest.raises(RenderError, match=r"cut.*--icc none"):
        image.render(presentation_state=path, icc="srgb")


def test_of_a_folder_only_images_that_are_referenced_get_it(opened: Any, tmp_path: Path) -> None:
    image, path = opened(profile=other(), own=wide())
    with fastdcm.open(
        referenced(
            COLORS.tobytes(), rows=ROWS, columns=COLUMNS, samples=3, extra=[icc(wide())], sop_instance="9.9"
        )
    ) as stranger:
        assert profile_of(image.encode(0, "png", presentation_states=path.parent)) == other()
        assert profile_of(stranger.encode(0, "png", presentation_states=path.parent)) == wide()


def test_an_odd_length_is_padded(opened: Any) -> None:
    odd = (len(other()) + 1).to_bytes(4, "big") + other()[4:] + b"\0"
    assert len(odd) % 2
    image, path = opened(profile=odd)
    assert profile_of(image.encode(0, "png", presentation_state=path)) == odd
