"""Geometry and black regions of whole objects: which options reach which frame, and what is not copied."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import fastdcm
from fastdcm.errors import BurnedInError, OptionError, RenderError, StrictError
from fastdcm.options import GeometryOptions, RenderOptions
from fastdcm.reader import alike
from fastdcm.reader import source as source_module
from tests.builders import Element, encapsulated, image, words
from tests.payoffs import Fixed
from tests.unit.codestream import streams

Array = NDArray[Any]
BASELINE = "1.2.840.10008.1.2.4.50"
ROWS, COLUMNS = 24, 40
GRAY = (np.arange(ROWS * COLUMNS) % 200 + 20).astype(np.uint8).reshape(ROWS, COLUMNS)
SPACING = 0x00280030


def of(pixels: Array = GRAY, **changes: Any) -> bytes:
    return image(pixels.tobytes(), **({"rows": ROWS, "columns": COLUMNS} | changes))


def render(data: bytes | Path, index: int = 0, **options: Any) -> Array:
    with fastdcm.open(data) as opened:
        return opened.render(index, **options)


def baseline(**changes: Any) -> bytes:
    stream = imagecodecs.jpeg8_encode(streams.image(ROWS, COLUMNS))
    return image(encapsulated([stream]), BASELINE, **({"rows": ROWS, "columns": COLUMNS} | changes))


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({"size": 20}, (12, 20)),
        ({"size": (6, 20)}, (6, 10)),
        ({"size": "20x6"}, (6, 10)),
        ({"scale": 2}, (48, 80)),
        ({"crop": (1, 2, 10, 5)}, (5, 10)),
        ({"crop": "1,2,10,5", "rotate": 90}, (10, 5)),
        ({"geometry": GeometryOptions(rotate=270)}, (40, 24)),
    ],
    ids=str,
)
def test_options_of_the_api(options: dict[str, Any], shape: tuple[int, int]) -> None:
    assert render(of(), **options).shape == shape
    with fastdcm.open(of()) as opened, Image.open(io.BytesIO(opened.encode(format="png", **options))) as file:
        assert file.size == shape[::-1]


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_mask_is_black_whatever_black_is(photometric: str, bits: Any) -> None:
    found = render(of(photometric=photometric), masks=[(1, 2, 10, 5)], bits=bits)
    plain = render(of(photometric=photometric), bits=bits)
    assert (plain[2:7, 1:11] > 0).all()
    expected = plain.copy()
    expected[2:7, 1:11] = 0
    np.testing.assert_array_equal(found, expected)


def test_a_mask_of_a_palette_is_black() -> None:
    """Its index 0 is white."""
    tables = [Element(0x00281201 + n, "OW", words(v * 257 for v in range(255, -1, -1))) for n in range(3)]
    described = [Element(0x00281101 + n, "US", [256, 0, 16]) for n in range(3)]
    data = of(photometric="PALETTE COLOR", extra=[*described, *tables])
    found = render(data, masks=[(0, 0, COLUMNS, 3)])
    assert (found[:3] == 0).all()
    assert (found[3:] == 255 - GRAY[3:, :, None]).all()


def test_masks_before_the_rest() -> None:
    """In the source's pixels, and without a trace of what they hide in the neighbours' means."""
    white = np.full((ROWS, COLUMNS), 255, np.uint8)
    found = render(of(white), masks=[(0, 0, 20, 24)], crop=(10, 0, 20, 24))
    np.testing.assert_array_equal(found, np.repeat([[0] * 10 + [255] * 10], 24, 0))
    hidden = GRAY.copy()
    hidden[4:9, 4:9] = 0
    np.testing.assert_array_equal(
        render(of(), masks=[(4, 4, 5, 5)], size=15, rotate=270), render(of(hidden), size=15, rotate=270)
    )


def test_a_mask_outside_is_told() -> None:
    with fastdcm.open(of()) as opened:
        np.testing.assert_array_equal(opened.render(masks=["40,0,5,5", "0,0,1,1"])[0, 1:], GRAY[0, 1:])
        (notice,) = opened.notices
    assert (notice.code, notice.frame) == ("mask", 1)
    assert "40,0,5,5 lies outside of the image, which is 40 x 24" in notice.message
    with fastdcm.open(of(), strict=True) as opened, pytest.raises(StrictError, match="40,0,5,5"):
        opened.render(masks=[(40, 0, 5, 5)])


def us_regions(*corners: int) -> Element:
    tags = (0x00186018, 0x0018601A, 0x0018601C, 0x0018601E)
    item = [Element(tag, "UL", corner) for tag, corner in zip(tags, corners, strict=True)]
    return Element(0x00186011, "SQ", [item])


def test_us_regions_are_kept_and_masked() -> None:
    data = of(extra=[us_regions(5, 6, 14, 11)], frames=2, pixels=np.stack([GRAY, GRAY + 1]))
    for index in range(2):
        expected = np.zeros_like(GRAY)
        expected[6:12, 5:15] = (GRAY + index)[6:12, 5:15]
        expected[8, 8] = 0
        found = render(data, index, keep_us_regions=True, masks=[(8, 8, 1, 1)])
        np.testing.assert_array_equal(found, expected)


def test_no_us_regions() -> None:
    with fastdcm.open(of()) as opened, pytest.raises(RenderError, match=r"\(0018,6011\)") as caught:
        opened.render(keep_us_regions=True)
    assert caught.value.frame == 1


def test_single_bits_stay_two() -> None:
    bits = np.random.default_rng(0).integers(0, 2, (ROWS, COLUMNS), dtype=np.uint8)
    data = image(np.packbits(bits, bitorder="little").tobytes(), rows=ROWS, columns=COLUMNS, bits=1)
    assert set(np.unique(render(data, size=17))) == {0, 255}
    assert set(np.unique(render(data, scale=1.3))) == {0, 255}
    assert len(np.unique(render(data, size=17, resample="area"))) > 2


def test_16_bits_and_colour() -> None:
    colour = np.random.default_rng(0).integers(0, 256, (ROWS, COLUMNS, 3), dtype=np.uint8)
    data = of(colour, samples=3)
    for bits in (8, 16):
        means = render(data, bits=bits).reshape(12, 2, 20, 2, 3).sum((1, 3), dtype=np.int64)
        np.testing.assert_array_equal(render(data, bits=bits, size=20), (means + 2) // 4)


def test_aspect_of_a_series() -> None:
    """Slices are recognised by what rendering needs; their spacing is each one's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alike, "_PAYOFF", Fixed(True))
        patch.setattr(alike, "_known", {})
        shapes = []
        for spacing in ("1\\1", "2\\1", "1\\2", "2\\1"):
            extra = [Element(SPACING, "DS", spacing)]
            data = of(GRAY.astype(np.uint16), bits=16, sop_instance="1.2", extra=extra)
            shapes.append(render(data, aspect=True).shape)
        assert len(alike._known) == 1
    assert shapes == [(24, 40), (48, 40), (24, 80), (48, 40)]


def test_burned_in_of_a_series() -> None:
    """It is part of what slices are compared by: none gets its neighbour's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alike, "_PAYOFF", Fixed(True))
        patch.setattr(alike, "_known", {})
        told = []
        for value in ("NO", "YES", "NO", "YES", None, "NO"):
            extra = [] if value is None else [Element(0x00280301, "CS", value)]
            data = of(GRAY.astype(np.uint16), bits=16, sop_instance="1.2", extra=extra)
            with fastdcm.open(data) as opened:
                opened.render()
                told.append((opened.header.burned_in_annotation, [n.code for n in opened.notices]))
        assert len(alike._known) == 2
    no, yes = ("NO", []), ("YES", ["burned-in"])
    assert told == [no, yes, no, yes, ("", []), no]


@pytest.mark.parametrize("value", ["YES", "YES ", "yes"])
def test_burned_in_is_refused(value: str) -> None:
    data = of(extra=[Element(0x00280301, "CS", value)])
    with fastdcm.open(data) as opened:
        assert [notice.code for notice in opened.notices] == ["burned-in"]
    with pytest.raises(BurnedInError, match="Burned In Annotation is YES"):
        fastdcm.open(data, refuse_burned_in=True)
    for harmless in ("NO", ""):
        with fastdcm.open(of(extra=[Element(0x00280301, "CS", harmless)]), refuse_burned_in=True) as opened:
            assert not opened.notices


def test_a_refused_file_fails_once(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    frames = np.stack([GRAY] * 3)
    (folder / "a.dcm").write_bytes(of(frames, frames=3, extra=[Element(0x00280301, "CS", "YES")]))
    (folder / "b.dcm").write_bytes(of())
    report = fastdcm.convert(folder, tmp_path / "out", refuse_burned_in=True)
    assert [type(failure.error) for failure in report.failures] == [BurnedInError]
    assert [path.name for path in (tmp_path / "out").rglob("*.*")] == ["b.jpg"]
    report = fastdcm.convert(folder, tmp_path / "out", existing="overwrite")
    assert (len(report.failures), report.images) == (0, 4)


@pytest.mark.parametrize(
    ("options", "copied"),
    [
        ({}, True),
        ({"size": 40}, True),
        ({"aspect": True}, True),
        ({"crop": (0, 0, COLUMNS, ROWS)}, True),
        ({"size": 39}, False),
        ({"rotate": 180}, False),
        ({"flip": "v"}, False),
        ({"crop": (0, 0, COLUMNS, ROWS - 1)}, False),
        ({"masks": [(0, 0, 1, 1)]}, False),
        ({"masks": [(100, 0, 1, 1)]}, False),
        ({"keep_us_regions": True}, False),
    ],
    ids=str,
)
def test_what_changes_is_not_copied(options: dict[str, Any], copied: bool) -> None:
    data = baseline(extra=[us_regions(0, 0, 20, 20)])
    with fastdcm.open(data) as opened:
        scan = bytes(opened._frames.read(0)[0]).partition(b"\xff\xda")[2][:100]
        encoded = opened.encode(**options)
        assert (scan in encoded) is copied
        shown = opened.render(**options)
    with Image.open(io.BytesIO(encoded)) as file:
        assert file.size == shown.shape[::-1]
        assert np.abs(np.asarray(file).astype(int) - shown).max() < 40


def test_an_aspect_that_changes_is_not_copied() -> None:
    with fastdcm.open(baseline(extra=[Element(SPACING, "DS", "2\\1")])) as opened:
        assert Image.open(io.BytesIO(opened.encode(aspect=True))).size == (COLUMNS, 2 * ROWS)
        assert Image.open(io.BytesIO(opened.encode())).size == (COLUMNS, ROWS)


def test_large_native_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are shown as they are read."""
    monkeypatch.setattr(source_module, "WHOLE_FILE_SIZE", 100)
    path = tmp_path / "large.dcm"
    path.write_bytes(of(GRAY.astype(np.uint16), bits=16, center=120, width=256))
    asked = {"masks": [(0, 0, 9, 9)], "size": 20, "rotate": 90}
    assert fastdcm.open(path)._source.whole is None
    np.testing.assert_array_equal(render(path, **asked), render(path.read_bytes(), **asked))


def test_limit_of_what_is_enlarged() -> None:
    with fastdcm.open(of(), max_pixels=2000) as opened, pytest.raises(RenderError, match="limit of 2000"):
        opened.render(scale=2)


def test_the_source_is_not_written_to() -> None:
    """8-bit images are shown out of the file's own memory."""
    data = bytearray(of())
    before = bytes(data)
    with fastdcm.open(memoryview(data)) as opened:
        opened.render(masks=[(0, 0, 20, 20)])
        opened.render(rotate=180)[:] = 1
        opened.render(crop=(0, 0, COLUMNS, 2))[:] = 1
        opened.render()[:] = 1
    with fastdcm.open(data) as opened:
        opened.render()[:] = 1
        assert not opened.pixels().flags.writeable
    assert data == before


def test_is_plain() -> None:
    assert RenderOptions().is_plain
    assert RenderOptions(bits=16, voi="minmax").is_plain
    assert not RenderOptions(geometry=GeometryOptions(rotate=90)).is_plain


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"size": "512x"}, "is not LONG or WIDTHxHEIGHT"),
        ({"size": "5.5"}, "is not LONG or WIDTHxHEIGHT"),
        ({"size": "-5"}, "is not LONG or WIDTHxHEIGHT"),
        ({"size": 5.5}, "neither a whole number"),
        ({"size": (1, 2, 3)}, "neither a whole number"),
        ({"size": 0}, "at least 1"),
        ({"size": (5, 0)}, "at least 1"),
        ({"scale": 0}, "scale must be above 0"),
        ({"scale": float("nan")}, "scale must be above 0"),
        ({"scale": float("inf")}, "scale must be above 0"),
        ({"scale": "2"}, "wrong kind"),
        ({"size": 5, "scale": 2}, "exclude each other"),
        ({"enlarge": True}, "give size, too"),
        ({"resample": "cubic"}, "is not one of area, lanczos, linear, nearest"),
        ({"rotate": 45}, "rotate must be 90, 180 or 270"),
        ({"flip": "x"}, "flip must be h"),
        ({"crop": "1,2,3"}, "is not X,Y,WIDTH,HEIGHT"),
        ({"crop": "1,2,3,b"}, "must be whole numbers"),
        ({"crop": (1, 2, 3.5, 4)}, "must be whole numbers"),
        ({"crop": (1, 2, 0, 4)}, "must be at least 1"),
        ({"crop": (-1, 2, 3, 4)}, "outside of every image"),
        ({"crop": 5}, r"is not \(x, y, width, height\)"),
        ({"masks": 5}, "are no regions"),
        ({"masks": ["1,2,3"]}, "is not X,Y,WIDTH,HEIGHT"),
        ({"masks": [(1, 2, 3, 4), 5]}, r"is not \(x, y, width, height\)"),
        ({"geometry": GeometryOptions(), "size": 5}, "size is a field of geometry"),
        ({"geometry": 5}, "unknown option 'geometry'; there are .* size,"),
    ],
    ids=str,
)
def test_nonsense(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(OptionError, match=reason):
        render(of(), **options)


def test_one_mask_or_several() -> None:
    for masks in ("0,0,1,1", (0, 0, 1, 1), [(0, 0, 1, 1)], ["0,0,1,1"], [np.array([0, 0, 1, 1])]):
        found = render(of(), masks=masks)
        assert (found[0, 0], found[0, 1]) == (0, GRAY[0, 1])
