"""Presets, channels, regions of interest and flat trees together with other topics."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image, ImageSequence

import fastdcm
from fastdcm.errors import RenderError
from fastdcm.model import Window
from tests.builders import Element, encapsulated, lut_item, words
from tests.unit.presentation.states import (
    COLOR,
    PSEUDO_COLOR,
    annotation,
    drawn,
    graphic,
    reference,
    referenced,
    sequence,
    state,
)
from tests.unit.reader.test_reader_overlays import overlay

ROWS, COLUMNS, FRAMES = 8, 10, 3
#: Hounsfield units of -1000 to 1399 by the image's own rescale.
STORED = np.random.default_rng(1).integers(24, 2424, (FRAMES, ROWS, COLUMNS)).astype("<u2")
CHANNELS = "brain,40/400/linear_exact,lung"
MODALITY, CT = (
    Element(0x00080060, "CS", "CT"),
    [Element(0x00281052, "DS", "-1024"), Element(0x00281053, "DS", "1")],
)
PLANE = np.zeros((ROWS, COLUMNS), bool)
PLANE[2, 3:7] = True
ROTATED = [Element(0x00700042, "US", 90), Element(0x00700041, "CS", "N")]


def rescale(slope: str, intercept: str, unit: str) -> list[Element]:
    return [
        Element(0x00281052, "DS", intercept),
        Element(0x00281053, "DS", slope),
        Element(0x00281054, "LO", unit),
    ]


def ct(frames: int = 1, *extra: Element, **changes: Any) -> bytes:
    how = {"rows": ROWS, "columns": COLUMNS, "frames": frames, "bits": 16}
    pixels = STORED[:frames].tobytes()
    return referenced(pixels, **(how | {"extra": [MODALITY, *CT, *extra]} | changes))


def shown(values: Any, center: float, width: float) -> Any:
    """LINEAR (PS3.3 C.11.2.1.2.1), by its formula."""
    y = np.clip((values - (center - 0.5)) / (width - 1) + 0.5, 0, 1)
    return np.floor(y * 255 + 0.5).astype(np.uint8)


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def run(*extra: Element, **changes: Any) -> str:
        path = tmp_path / "state.dcm"
        path.write_bytes(state(*extra, **changes))
        return str(path)

    return run


# Presentation states


def test_a_preset_is_in_the_units_of_the_state(write: Any) -> None:
    """The state's rescale is in the place of the image's (PS3.4 N.2), the preset in that of its window."""
    window = [Element(0x00281050, "DS", "0"), Element(0x00281051, "DS", "9")]
    path = write(*rescale("2", "-3000", "HU"), sequence(0x00283110, window), *ROTATED)
    found = fastdcm.render(ct(), preset="lung", presentation_state=path)
    np.testing.assert_array_equal(found, np.rot90(shown(STORED[0] * 2.0 - 3000, -600, 1500), -1))


@pytest.mark.parametrize(
    ("elements", "message"),
    [
        (rescale("2", "-3000", "US"), r"Rescale Type \(0028,1054\) is US"),
        ([], "no Rescale Slope leads to them"),
        (
            [sequence(0x00283000, [*lut_item((2, 0, 16), words([0, 80])), Element(0x00283004, "LO", "OD")])],
            "is OD",
        ),
    ],
)
def test_a_state_that_does_not_lead_to_hounsfield_units(elements: Any, message: str, write: Any) -> None:
    with pytest.raises(RenderError, match=message):
        fastdcm.render(ct(), preset="lung", presentation_state=write(*elements))


def test_slices_that_differ_in_their_unit_alone(tmp_path: Path) -> None:
    """What is known of one file is not taken for the other's."""
    source = tmp_path / "in"
    source.mkdir()
    for number in range(40):
        unit = "US" if number % 2 else "HU"
        (source / f"{number:02}.dcm").write_bytes(ct(1, Element(0x00281054, "LO", unit)))
    report = fastdcm.convert(source, tmp_path / "out", jobs=1, preset="brain")
    assert (report.converted, report.failed) == (20, 20)


@pytest.mark.parametrize("bits", [8, 16])
def test_channels_by_a_state(bits: Any, write: Any) -> None:
    """Each is what the state makes of its window; shutters, turns and lines come after."""
    shutter = [
        Element(0x00181600, "CS", "RECTANGULAR"),
        *(
            Element(tag, "IS", edge)
            for tag, edge in zip(range(0x00181602, 0x0018160A, 2), (2, 8, 2, 7), strict=True)
        ),
        Element(0x00181622, "US", 0),
    ]
    line = drawn(annotation([graphic("POLYLINE", (0, 5, 10, 5))]))
    path = write(*rescale("1", "-1024", "HU"), *ROTATED, *shutter, *line, shape="INVERSE")
    with fastdcm.open(ct()) as opened:
        options: dict[str, Any] = {"presentation_state": path, "bits": bits}
        found = opened.render(channels=CHANNELS, **options)
        alone = [{"preset": "brain"}, {"window": Window(40, 400, "LINEAR_EXACT")}, {"preset": "lung"}]
        expected = [opened.render(**options, **one) for one in alone]
        assert opened.explain(channels=CHANNELS, presentation_state=path).count("state.dcm") >= 1
    np.testing.assert_array_equal(found, np.stack(expected, axis=-1))
    assert found.shape == (COLUMNS, ROWS, 3)
    assert (expected[0] != expected[1]).any()


def test_channels_by_a_state_for_colors(write: Any) -> None:
    """It leaves the grays of the image, with a notice; and its channels."""
    path = write(kind=COLOR, shape=None)
    with fastdcm.open(ct()) as opened:
        np.testing.assert_array_equal(
            opened.render(channels=CHANNELS, presentation_state=path), opened.render(channels=CHANNELS)
        )


def test_channels_are_refused_where_a_state_gives_colors(write: Any, tmp_path: Path) -> None:
    palette = [Element(0x00281101 + n, "US", [256, 0, 16]) for n in range(3)]
    palette += [Element(0x00281201 + n, "OW", np.arange(256, dtype="<u2").tobytes()) for n in range(3)]
    path = write(*palette, kind=PSEUDO_COLOR, shape=None)
    for options in ({"presentation_state": path}, {"presentation_states": tmp_path}):
        with pytest.raises(RenderError, match="gives colors to grays, and so do channels"):
            fastdcm.render(ct(), channels=CHANNELS, **options)
    write(*palette, kind=PSEUDO_COLOR, shape=None, images=[reference("9.9")])
    assert fastdcm.render(ct(), channels=CHANNELS, presentation_states=tmp_path).ndim == 3


def test_a_region_in_the_values_of_a_state(write: Any) -> None:
    """It counts the pixels of the image, which the state turns after."""
    path = write(*rescale("-2", "500", "US"), *ROTATED)
    values = STORED[0] * -2.0 + 500
    low, high = values[1:4, 2:7].min(), values[1:4, 2:7].max()
    expected = np.floor(np.clip((values - low) / (high - low), 0, 1) * 255 + 0.5)
    found = fastdcm.render(ct(), voi="roi:2,1,5,3", presentation_state=path)
    np.testing.assert_array_equal(found, np.rot90(expected, -1))


# Overlays, black regions, geometry, profiles


def test_channels_with_overlays_and_masks() -> None:
    data = ct(1, *overlay(PLANE))
    plain = fastdcm.render(data, channels=CHANNELS)
    white = np.where(PLANE[..., None], 255, plain)
    np.testing.assert_array_equal(fastdcm.render(data, channels=CHANNELS, overlays=True), white)
    green = np.where(PLANE[..., None], (0, 255, 0), plain)
    options = {"overlays": True, "overlay_color": "0,255,0", "masks": [(5, 0, 5, 8)], "rotate": 180}
    green[:, 5:] = 0
    found = fastdcm.render(data, channels=CHANNELS, **options)
    np.testing.assert_array_equal(found, green[::-1, ::-1])


@pytest.mark.parametrize("more", [{}, {"overlays": True}, {"size": 5}, {"rotate": 90}], ids=str)
@pytest.mark.parametrize("format", ["jpeg", "png", "tiff"])
def test_channels_carry_no_profile(format: str, more: dict[str, Any]) -> None:
    profile = imagecodecs.cms_profile("adobergb")
    icc = Element(0x00282000, "OB", profile + bytes(len(profile) % 2))
    with fastdcm.open(ct(1, icc, *overlay(PLANE))) as opened:
        with Image.open(io.BytesIO(opened.encode(0, format, channels=CHANNELS, **more))) as found:
            assert found.mode == "RGB"
            assert not found.info.get("icc_profile")
        asked = {"channels": CHANNELS, **more}
        np.testing.assert_array_equal(opened.render(icc="srgb", **asked), opened.render(**asked))
        assert not opened.notices


def test_a_baseline_frame_is_not_copied_by_a_state_for_others(tmp_path: Path) -> None:
    """Nor with a region; without either it would be."""
    stream = bytes(imagecodecs.jpeg8_encode((STORED[0] >> 4).astype(np.uint8)))
    how = {"rows": ROWS, "columns": COLUMNS, "syntax": "1.2.840.10008.1.2.4.50"}
    (tmp_path / "other.dcm").write_bytes(state(images=[reference("9.9")]))
    folder: dict[str, Any] = {"presentation_states": tmp_path}
    with fastdcm.open(referenced(encapsulated([stream]), **how)) as opened:
        assert stream[-200:] in opened.encode(0, **folder)
        assert imagecodecs.jpeg8_decode(opened.encode(0, channels="1/9,2/9,3/9", **folder)).ndim == 3
        assert stream[-200:] not in opened.encode(0, voi="roi:0,0,2,2", **folder)


# Movies, and trees without folders


def test_movies_of_a_flat_tree(tmp_path: Path) -> None:
    """All frames of each object in one file, all files in one folder; three windows a frame."""
    source = tmp_path / "in"
    for name in ("a/scan.dcm", "b/scan.dcm", "b/scan_0001.dcm"):
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(ct(FRAMES))
    report = fastdcm.convert(source, tmp_path / "out", format="gif", flat=True, jobs=2, channels=CHANNELS)
    assert (report.converted, report.failed, report.images) == (3, 0, 3)
    written = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*"))
    assert written == ["b-scan.gif", "scan.gif", "scan_0001.dcm.gif"]
    with fastdcm.open(ct(FRAMES)) as opened:
        expected = [opened.render(index, channels=CHANNELS) for index in range(FRAMES)]
    for name in written:
        with Image.open(tmp_path / "out" / name) as movie:
            frames = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(movie)]
        assert len(frames) == FRAMES
        for frame, pixels in zip(frames, expected, strict=True):
            # A GIF has 256 colours a frame, and these images have 80 pixels.
            np.testing.assert_array_equal(frame, pixels)


def test_a_flat_tree_with_a_folder_of_states(tmp_path: Path, write: Any) -> None:
    """The folder of states is looked through once for all, whatever the names of outputs are."""
    write(*rescale("1", "-1024", "HU"), *ROTATED)
    source = tmp_path / "in"
    for name in ("a/scan.dcm", "b/scan.dcm"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(ct())
    options: dict[str, Any] = {"presentation_states": tmp_path, "preset": "lung", "format": "png"}
    report = fastdcm.convert(source, tmp_path / "out", flat=True, jobs=2, **options)
    assert report.converted == 2
    for name in ("scan.png", "b-scan.png"):
        with Image.open(tmp_path / "out" / name) as found:
            expected = np.rot90(shown(STORED[0] - 1024.0, -600, 1500), -1)
            np.testing.assert_array_equal(np.asarray(found), expected)
