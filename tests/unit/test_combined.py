"""Options of several topics at a time: overlays, states, black regions, geometry, colours, movies."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageSequence

import fastdcm
from fastdcm.errors import EncodeError
from fastdcm.options import split_options
from fastdcm.reader import source as source_module
from fastdcm.rendering.resample import resampled
from tests.builders import Element, encapsulated
from tests.profiles import as_srgb, wide
from tests.unit.codecs.written import Peer, by_ffmpeg, by_pillow
from tests.unit.codestream import streams
from tests.unit.presentation.states import (
    PSEUDO_COLOR,
    RED,
    annotation,
    area,
    drawn,
    graphic,
    layer,
    reference,
    referenced,
    sequence,
    state,
)
from tests.unit.reader.test_reader_overlays import overlay

Array = NDArray[Any]
ROWS, COLUMNS, FRAMES = 24, 40, 3
CINE = (np.arange(FRAMES * ROWS * COLUMNS) * 7 % 200 + 20).astype(np.uint8).reshape(FRAMES, ROWS, COLUMNS)
GRAY = CINE[0]
COLOUR = streams.image(ROWS, COLUMNS, samples=3)
#: One pixel that is no other one's after any turn, and a line.
PLANE = np.zeros((ROWS, COLUMNS), bool)
PLANE[3, 5] = PLANE[10, 8:30] = True
ROTATED = [Element(0x00700042, "US", 90), Element(0x00700041, "CS", "N")]
BASELINE = "1.2.840.10008.1.2.4.50"


def of(pixels: Array, *extra: Element, **changes: Any) -> bytes:
    """An object of one frame, or of three; with a time for each."""
    colour = pixels.shape[-1] == 3
    frames = len(pixels) if pixels.ndim == 3 and not colour else 1
    elements = [*extra, Element(0x00181063, "DS", 100)]
    how = {"rows": ROWS, "columns": COLUMNS, "frames": frames, "samples": 3 if colour else 1}
    return referenced(pixels.tobytes(), **(how | {"extra": elements} | changes))


def burned(pixels: Array) -> Array:
    """A gray frame with `PLANE` in white."""
    return np.where(PLANE, np.uint8(255), pixels)


def render(data: bytes, index: int = 0, **options: Any) -> Array:
    with fastdcm.open(data) as opened:
        return opened.render(index, **options)


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """A presentation state's file of these elements."""

    def run(*extra: Element, **changes: Any) -> str:
        path = tmp_path / "state.dcm"
        path.write_bytes(state(*extra, **changes))
        return str(path)

    return run


# Movies


@pytest.mark.parametrize(
    "options",
    [
        {"size": 20},
        {"scale": 1.5},
        {"crop": (1, 2, 7, 5), "rotate": 90},
        {"flip": "h", "masks": [(0, 0, 9, 9)]},
        {"overlays": True},
        {"overlays": True, "overlay_color": "red", "size": 20, "rotate": 270},
    ],
    ids=str,
)
def test_a_gif_has_the_frames_that_are_rendered(options: dict[str, Any]) -> None:
    with fastdcm.open(of(CINE, *overlay(PLANE))) as opened:
        data = opened.encode(None, "gif", **options)
        expected = [opened.render(index, **options) for index in range(FRAMES)]
    with Image.open(io.BytesIO(data)) as found:
        shown = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(found)]
        assert found.size == expected[0].shape[1::-1]
    assert len(shown) == FRAMES
    for frame, pixels in zip(shown, expected, strict=True):
        np.testing.assert_array_equal(frame, pixels if pixels.ndim == 3 else np.stack([pixels] * 3, axis=2))


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({"crop": (1, 2, 31, 21)}, (21, 31)),
        ({"size": 33}, (20, 33)),
        ({"rotate": 90}, (40, 24)),
        ({"overlays": True, "crop": (1, 0, 39, 24), "rotate": 90}, (39, 24)),
    ],
    ids=str,
)
def test_an_mp4_of_frames_with_odd_sides(
    options: dict[str, Any], shape: tuple[int, int], tmp_path: Path, peer: Peer
) -> None:
    """Players want even ones: the last row or column comes twice."""
    smooth = np.stack([streams.image(ROWS, COLUMNS) // 2 + 20 * number for number in range(FRAMES)])
    with fastdcm.open(of(smooth, *overlay(PLANE))) as opened:
        data = opened.encode(None, "mp4", quality=100, **options)
        expected = [opened.render(index, **options) for index in range(FRAMES)]
    assert expected[0].shape == shape
    found = by_ffmpeg(data, ".mp4", "gray", tmp_path, peer).astype(int)
    assert found.shape == (FRAMES, *(side + side % 2 for side in shape))
    for frame, pixels in zip(found, expected, strict=True):
        padded = np.pad(pixels, [(0, side % 2) for side in shape], "edge")
        assert np.abs(frame - padded).mean() < 3
        # Nothing is turned or mirrored otherwise.
        assert np.corrcoef(frame.ravel(), padded.ravel())[0, 1] > 0.98


@pytest.mark.parametrize("format", ["gif", "mp4"])
def test_a_movie_whose_frames_a_state_shows_in_several_sizes_is_refused(format: str, write: Any) -> None:
    areas = [area((1, 1), (20 - number, 10), images=[reference("1.2.3", number)]) for number in (1, 2, 3)]
    path = write(sequence(0x0070005A, *areas))
    with fastdcm.open(of(CINE)) as opened:
        with pytest.raises(EncodeError, match="have one size, and this one is 10 x 18") as caught:
            opened.encode(None, format, presentation_state=path)
        assert caught.value.frame == 2
        # They get one by the geometry that comes after the state.
        assert opened.encode(None, format, presentation_state=path, crop=(0, 0, 16, 10))


def test_a_movie_by_a_state(write: Any) -> None:
    path = write(*ROTATED, shape="INVERSE")
    with fastdcm.open(of(CINE)) as opened:
        data = opened.encode(None, "gif", presentation_state=path, size=(20, 20))
    with Image.open(io.BytesIO(data)) as found:
        shown = [np.asarray(frame.convert("L")) for frame in ImageSequence.Iterator(found)]
    for frame, pixels in zip(shown, CINE, strict=True):
        np.testing.assert_array_equal(frame, resampled(np.rot90(255 - pixels, -1), 20, 12, None))


def test_movies_of_a_run(tmp_path: Path) -> None:
    """The same by a worker."""
    source = tmp_path / "in"
    source.mkdir()
    for name in "ab":
        (source / f"{name}.dcm").write_bytes(of(CINE, *overlay(PLANE)))
    report = fastdcm.convert(
        source, tmp_path / "out", format="gif", jobs=2, overlays=True, rotate=90, size=20
    )
    assert (report.converted, report.failed) == (2, 0)
    for name in "ab":
        with Image.open(tmp_path / "out" / f"{name}.gif") as found:
            shown = [np.asarray(frame.convert("L")) for frame in ImageSequence.Iterator(found)]
        for frame, pixels in zip(shown, CINE, strict=True):
            np.testing.assert_array_equal(frame, resampled(np.rot90(burned(pixels), -1), 20, 12, None))


# Order


def test_overlays_are_turned_and_resized_with_the_image() -> None:
    data = of(GRAY, *overlay(PLANE))
    np.testing.assert_array_equal(render(data, overlays=True, rotate=90), np.rot90(burned(GRAY), -1))
    np.testing.assert_array_equal(render(data, overlays=True, flip="h"), burned(GRAY)[:, ::-1])
    np.testing.assert_array_equal(render(data, overlays=True, crop=(5, 3, 12, 10)), burned(GRAY)[3:13, 5:17])
    np.testing.assert_array_equal(render(data, overlays=True, size=20), resampled(burned(GRAY), 12, 20, None))


def test_masks_hide_overlays() -> None:
    found = render(of(GRAY, *overlay(PLANE)), overlays=True, masks=[(0, 0, 20, 24)], flip="v")
    expected = burned(GRAY)
    expected[:, :20] = 0
    np.testing.assert_array_equal(found, expected[::-1])


def test_deep_overlays_in_another_size() -> None:
    deep = GRAY.astype(np.uint16) * 257
    data = of(deep, *overlay(PLANE), bits=16, center=32768, width=65536)
    with fastdcm.open(data) as opened:
        found = by_pillow(opened.encode(0, "png", bits=16, overlays=True, scale=2, resample="nearest"))
        plain = opened.render(0, bits=16)
    expected = np.where(PLANE, np.uint16(65535), plain)
    np.testing.assert_array_equal(found, expected.repeat(2, 0).repeat(2, 1))


def test_geometry_after_a_state(write: Any) -> None:
    """Regions are of what the state shows; black regions are of the image, and do not hide what is drawn."""
    line = graphic("POLYLINE", (0, 5, 40, 5))
    path = write(*ROTATED, *drawn(annotation([line])))
    data = of(GRAY)
    whole = render(data, presentation_state=path)
    assert whole.shape == (COLUMNS, ROWS)
    found = render(data, presentation_state=path, crop=(2, 4, 20, 30), rotate=90, size=15)
    np.testing.assert_array_equal(found, resampled(np.rot90(whole[4:34, 2:22], -1), 10, 15, None))
    hidden = render(data, presentation_state=path, masks=[(0, 0, COLUMNS, ROWS)])
    assert (hidden == 255).sum() == COLUMNS
    assert (hidden > 0).sum() < 3 * COLUMNS


@pytest.mark.parametrize(
    ("elements", "shape"),
    [
        ((), (ROWS * 2, COLUMNS)),
        (ROTATED, (COLUMNS, ROWS * 2)),
        # An area is shown in square pixels already, whose shape is the state's to say.
        ([sequence(0x0070005A, area((1, 1), (40, 24)))], (ROWS, COLUMNS)),
    ],
    ids=["none", "rotated", "area"],
)
def test_square_pixels_with_a_state(elements: Any, shape: tuple[int, int], write: Any) -> None:
    data = of(GRAY, Element(0x00280030, "DS", "2\\1"))
    path = write(*elements)
    assert render(data, aspect=True).shape == (ROWS * 2, COLUMNS)
    assert render(data, presentation_state=path, aspect=True).shape == shape
    other = write(*elements, images=[reference("9.9")])
    folder = str(Path(other).parent)
    assert render(data, presentation_states=folder, aspect=True).shape == (ROWS * 2, COLUMNS)


@pytest.mark.parametrize("bits", [8, 16])
def test_frames_that_are_shown_as_they_are_read(
    bits: Any, write: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes after it is the same."""
    options = {"bits": bits, "overlays": True, "masks": [(0, 0, 9, 9)], "crop": (2, 2, 20, 20), "rotate": 180}
    deep = GRAY.astype(np.uint16) * 257
    data = of(deep, *overlay(PLANE), bits=16, center=32768, width=65536)
    by_state = {"presentation_state": write(*ROTATED), "window": (30000, 50000)}
    expected = [render(data, **options), render(data, **options, **by_state)]
    path = tmp_path / "large.dcm"
    path.write_bytes(data)
    monkeypatch.setattr(source_module, "WHOLE_FILE_SIZE", 100)
    monkeypatch.setattr("fastdcm.rendered.execute", None)
    with fastdcm.open(path) as opened:
        np.testing.assert_array_equal(opened.render(**options), expected[0])
        np.testing.assert_array_equal(opened.render(**options, **by_state), expected[1])


# Colours


def profile_of(data: bytes) -> bytes | None:
    with Image.open(io.BytesIO(data)) as found:
        return found.info.get("icc_profile")


ICC = Element(0x00282000, "OB", wide())


def test_srgb_in_another_size() -> None:
    data = of(COLOUR, ICC)
    expected = resampled(as_srgb(COLOUR, wide()), 12, 20, None).astype(int)
    assert np.abs(render(data, icc="srgb", size=20) - expected).max() <= 1
    turned = np.rot90(render(data, icc="srgb"), -1)
    np.testing.assert_array_equal(render(data, icc="srgb", rotate=90), turned)
    with fastdcm.open(data) as opened:
        small = opened.encode(0, "png", size=20)
        assert profile_of(small) == wide()
        np.testing.assert_array_equal(by_pillow(small), resampled(COLOUR, 12, 20, None))
        assert profile_of(opened.encode(0, "png", size=20, icc="srgb")) is None
        assert not opened.notices


def test_what_is_drawn_is_srgb_already(write: Any) -> None:
    data = of(COLOUR, ICC, *overlay(PLANE))
    red = {"overlays": True, "overlay_color": "red"}
    found = render(data, icc="srgb", **red, masks=[(0, 20, 40, 4)])
    assert (found[PLANE] == (255, 0, 0)).all()
    assert (found[20:] == 0).all()
    converted = render(data, icc="srgb")
    assert (converted != COLOUR).any()
    np.testing.assert_array_equal(found[:20][~PLANE[:20]], converted[:20][~PLANE[:20]])


def test_colours_that_are_not_the_image_s_have_no_profile_of_it(write: Any) -> None:
    """Gray images that have one, with a profile all the same."""
    entries = np.arange(256, dtype="<u2") * 80
    palette = [Element(0x00281101 + n, "US", [256, 0, 16]) for n in range(3)]
    palette += [Element(0x00281201 + n, "OW", (entries * (n + 1)).tobytes()) for n in range(3)]
    red = layer("L", 1, Element(0x00700401, "US", RED))
    lines = drawn(annotation([graphic("POLYLINE", (0, 5, 40, 5))]), layers=[red])
    with fastdcm.open(of(GRAY, ICC, *overlay(PLANE))) as opened:
        encoded = [opened.encode(0, "png", overlays=True, overlay_color="red")]
        path = write(*palette, kind=PSEUDO_COLOR, shape=None)
        encoded.append(opened.encode(0, "png", presentation_state=path))
        encoded.append(opened.encode(0, "png", presentation_state=write(*lines)))
        opened.encode(None, "gif", overlays=True, overlay_color="red")
        assert not opened.notices
    for data in encoded:
        assert by_pillow(data).ndim == 3
        assert profile_of(data) is None
    with fastdcm.open(of(COLOUR, ICC, *overlay(PLANE))) as opened:
        assert profile_of(opened.encode(0, "png", overlays=True)) == wide()


# JPEG frames


def baseline(*extra: Element, **changes: Any) -> bytes:
    stream = bytes(imagecodecs.jpeg8_encode(streams.image(ROWS, COLUMNS)))
    how = {"rows": ROWS, "columns": COLUMNS, "extra": list(extra)} | changes
    return referenced(encapsulated([stream]), syntax=BASELINE, **how)


@pytest.mark.parametrize(
    ("options", "copied"),
    [
        ({"overlays": True}, False),
        ({"overlay_groups": "6000"}, False),
        ({"overlay_groups": "6002"}, True),
        ({"presentation_state": "one"}, False),
        ({"presentation_states": "folder"}, False),
        ({"presentation_states": "others"}, True),
        ({"presentation_states": "others", "rotate": 90}, False),
        ({"presentation_states": "others", "overlays": True}, False),
    ],
    ids=str,
)
def test_what_is_drawn_onto_is_not_copied(options: dict[str, Any], copied: bool, tmp_path: Path) -> None:
    paths = {"one": tmp_path / "one.dcm", "folder": tmp_path, "others": tmp_path / "others"}
    paths["others"].mkdir()
    (paths["others"] / "other.dcm").write_bytes(state(images=[reference("9.9")]))
    paths["one"].write_bytes(state(shape="INVERSE"))
    asked = {name: paths.get(value, value) for name, value in options.items()}
    with fastdcm.open(baseline(*overlay(PLANE))) as opened:
        encoded = opened.encode_frame(0, *split_options(asked))
        assert encoded.passed_through is copied
        shown = opened.render(**asked)
    assert np.abs(by_pillow(encoded.data).astype(int) - shown).mean() < 8


def test_without_overlays_a_frame_is_copied() -> None:
    with fastdcm.open(baseline()) as opened:
        assert opened.encode_frame(0, *split_options({"overlays": True})).passed_through
