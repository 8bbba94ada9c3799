"""The presentation states of the corpus, with the renderings that their makers expected of them (.res).

These are drawings of 1999 to 2002, made by hand beside the states, not by a renderer. What each has beyond
its state, and so cannot be met, is said here:

- The last row of each is a ramp from 0 to 255, as in the images. Neither a shutter nor a LUT of a state
  leaves it like that.
- Their lines and letters are smoothed. Which font, and how lines are drawn, the standard leaves open
  (PS3.3 C.10.5.1.1, C.10.5.1.2); where text at an anchor point is put, too.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray

import fastdcm

pytestmark = pytest.mark.filterwarnings("ignore")

Pixels = NDArray[Any]
Pair = Callable[[str], tuple[Pixels, Pixels]]
PREFIX = "pydicom.he7aaa__"
#: The image of a state, where it has not the state's name.
IMAGES = {"ovly_p01": "dcm4che__ovly_p01.dcm"}


@pytest.fixture
def pair(corpus: Path, record_property: Callable[[str, object], None]) -> Pair:
    """Ours and the expected rendering, (511, columns) without the ramp; their difference is recorded."""

    def make(name: str) -> tuple[Pixels, Pixels]:
        ours = _ours(corpus, name)
        theirs = pydicom.dcmread(corpus / "files" / f"{PREFIX}{name}.res").pixel_array.astype(int)
        assert np.array_equal(theirs[-1], np.arange(512) // 2)
        if name == "cplx_p01":
            # The area is (768, 388) to (1280, 900), pixels counted from 1: 513 of them (C.10.4). The drawing
            # begins one pixel further on, and has 512.
            assert ours.shape == (513, 513)
            ours = ours[1:, 1:]
        ours, theirs = ours[:-1], theirs[:-1]
        off = np.abs(ours - theirs)
        record_property(
            name, f"max {off.max()}, mean {off.mean():.3f}, {np.count_nonzero(off)} of {off.size}"
        )
        return ours, theirs

    return make


def _image(corpus: Path, name: str) -> Path:
    return corpus / "files" / IMAGES.get(name, f"{PREFIX}{name}.dcm")


def _ours(corpus: Path, name: str) -> Pixels:
    with fastdcm.open(_image(corpus, name)) as image:
        shown = image.render(presentation_state=corpus / "files" / f"{PREFIX}{name}.pre").astype(int)
        assert not image.notices
        return shown


def _near(mask: Pixels, by: int = 1) -> Pixels:
    """What is in a mask, or so many pixels away."""
    found = np.zeros_like(mask)
    for down in range(-by, by + 1):
        for right in range(-by, by + 1):
            found |= np.roll(mask, (down, right), (0, 1))
    return found


def _away(row: float, column: float, shape: tuple[int, ...]) -> Pixels:
    """How far each pixel is from one that is counted from 1."""
    rows, columns = np.ogrid[1 : shape[0] + 1, 1 : shape[1] + 1]
    return np.hypot(rows - row, columns - column)


def test_three_scrambled_luts(pair: Pair) -> None:
    ours, theirs = pair("xlut_p03")
    assert np.array_equal(ours, theirs)


def test_six_overlays(pair: Pair, corpus: Path) -> None:
    """Two in bits of Pixel Data, two beside it, two of the state."""
    ours, theirs = pair("ovly_p01")
    image = fastdcm.render(_image(corpus, "ovly_p01"), voi="none").astype(int)[:-1]
    overlays = ours != image
    assert overlays.sum() == 532 + 537 + 603 + 606 + 2 * 680
    assert (ours[overlays] == 255).all()
    # The same letters, smoothed; in one bit a few strokes of them were lost.
    assert theirs[overlays].min() > 128
    lost = (theirs != image) & ~_near(overlays)
    assert lost.sum() == 68


def test_circular_shutter(pair: Pair, corpus: Path) -> None:
    ours, theirs = pair("dish_p01")
    away = _away(256, 256, ours.shape)
    assert not ours[away > 128].any()
    different = ours != theirs
    assert not different[away > 128].any()
    # Between the image's own disk, of radius 127, and the shutter of 128 the image's white is seen; and its
    # words are not where the drawing has them, which no state could do.
    ring = (away > 127) & (away <= 128)
    image = pydicom.dcmread(_image(corpus, "dish_p01")).pixel_array
    assert np.array_equal(ours[ring], image[:-1][ring])
    rows, columns = np.nonzero(different & ~ring)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (209, 287, 229, 273)


def test_circle(pair: Pair) -> None:
    ours, theirs = pair("gran_p09")
    assert set(np.unique(ours)) == {0, 255}
    assert not (ours.astype(bool) & ~_near(theirs > 0)).any()
    assert not ((theirs > 0) & ~_near(ours > 0, 2)).any()
    # Pixels (256.0, 256.0) and (384.0, 256.0): a circle of radius 128 around the corner of four pixels.
    assert np.abs(_away(256.5, 256.5, ours.shape)[ours > 0] - 128).max() < 1


def test_text_at_an_anchor_point(pair: Pair) -> None:
    ours, theirs = pair("tean_p09")
    for shown in (ours, theirs):
        assert 200 < np.count_nonzero(shown > 128) < 1000
    rows, columns = np.nonzero(ours)
    assert rows.min() < 256 < rows.max()
    assert columns.min() < 384 < columns.max()


def test_all_together(pair: Pair) -> None:
    """Shutter, area, rotation, flip, graphics and text in units of the image and of the area."""
    ours, theirs = pair("cplx_p01")
    # The circle (row 644, column 1024) of radius 128, in this area and turned.
    away = _away(1024 - 768, 644 - 388, ours.shape)
    edge = np.abs(away - 128) < 2
    drawn = np.zeros(ours.shape, bool)
    for upper, lower, left, right in [(126, 147, 126, 386), (381, 403, 126, 394)]:
        drawn[upper:lower, left:right] = True  # texts, around which the drawing has boxes that no state draws
    for upper, lower, left, right in [(189, 210, 61, 451), (301, 323, 61, 451)]:
        drawn[upper:lower, left:right] = True  # rectangles, by the drawing up to two pixels away
    different = ours != theirs
    assert not (different & ~drawn & ~edge).any()
    assert (ours[~drawn & (away < 126)] != 0).sum() > 20000
    for upper in (192, 303):
        assert (ours[upper, 64:448] == 255).all()
        assert (ours[upper + 15 : upper + 18, 64:448] == 255).all(axis=1).any()


STATES = [
    "cplx_p01", "disa_p03", "dish_p01", "gran_p09", "mlut_p07", "mlut_p09", "mlut_p19",
    "ovly_p01", "plut_p01", "spat_p13", "tean_p09", "vlut_p01", "vlut_p09", "xlut_p03",
]  # fmt: skip


def test_all_states_are_found_in_their_folder(corpus: Path) -> None:
    """By the UIDs that they reference, among all other files."""
    for name in STATES:
        with fastdcm.open(_image(corpus, name)) as image:
            rule = image.explain(presentation_states=corpus / "files")
            assert rule.startswith(f"presentation state {PREFIX}{name}.pre ({name.upper()}); ")
            found = image.render(presentation_states=str(corpus / "files"))
        assert np.array_equal(found, _ours(corpus, name))


def test_magnified_to_a_half(corpus: Path) -> None:
    stored = pydicom.dcmread(_image(corpus, "disa_p03")).pixel_array.astype(float)
    means = stored.reshape(512, 2, 512, 2).mean(axis=(1, 3))
    assert np.abs(_ours(corpus, "disa_p03") - means).max() <= 0.5


def test_turned_and_flipped(corpus: Path) -> None:
    """Rotated by 90 degrees, then flipped: transposed; of that pixels (1, 513) to (512, 1024)."""
    stored = pydicom.dcmread(_image(corpus, "spat_p13")).pixel_array
    assert np.array_equal(_ours(corpus, "spat_p13"), stored[512:, :512].T)


def test_overlays_are_those_that_pydicom_reads(corpus: Path, pydicom_files: Path) -> None:
    """Overlays with data of their own; pydicom does not read those in bits of Pixel Data."""
    files = [corpus / "files" / name for name in (IMAGES["ovly_p01"], "weasis-dicom-tools__overlay.dcm")]
    planes = 0
    for path in [*files, pydicom_files / "examples_overlay.dcm"]:
        data_set = pydicom.dcmread(path)
        with fastdcm.open(path) as image:
            darkened = image.render(window=(1e6, 2))
            assert not darkened.any()
            for group in range(0x6000, 0x6020, 2):
                if (group, 0x3000) in data_set:
                    shown = image.render(window=(1e6, 2), overlay_groups=[group])
                    assert np.array_equal(shown == 255, data_set.overlay_array(group) != 0)
                    planes += 1
    assert planes == 5
