"""Colour of video: the matrix and range of the stream, else those of the standard, exact to the unit."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

if importlib.util.find_spec("av") is None:
    pytest.skip("PyAV is not installed", allow_module_level=True)

from tests.unit.codecs.videos import (
    KINDS,
    Array,
    Kind,
    codes,
    opened,
    reference,
    triples,
)

#: What red and blue weigh in luma (Rec. ITU-T H.273 table 4), in ten-thousandths.
MATRICES = {"bt709": (2126, 722), "smpte170m": (2990, 1140), "bt2020nc": (2627, 593)}
BT601 = MATRICES["smpte170m"]


def expected_rgb(ybr: Array, red: int, blue: int, bits: int, *, full: bool) -> Array:
    """R, G, B from 0 to the largest value by Rec. ITU-T H.273 8.3, in integers, rounded half up."""
    top, unit, green = 2**bits - 1, 2 ** (bits - 8), 10_000 - red - blue
    y, cb, cr = np.moveaxis(ybr.astype(np.int64), -1, 0)
    cb, cr = cb - 128 * unit, cr - 128 * unit
    if full:
        scale = 1
    else:
        # 219 units of luma, or 224 of chroma, are ``top`` steps of the output.
        scale = 219 * 224 * unit
        y, cb, cr = (y - 16 * unit) * 224 * top, cb * 219 * top, cr * 219 * top
    from_cb, from_cr = 2 * (10_000 - blue) * cb, 2 * (10_000 - red) * cr
    over = 10_000 * green * scale
    sums = (
        (10_000 * y + from_cr) * green,
        10_000 * green * y - red * from_cr - blue * from_cb,
        (10_000 * y + from_cb) * green,
    )
    found: Array = np.clip(np.stack([(2 * sum_ + over) // (2 * over) for sum_ in sums], -1), 0, top)
    return found


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("name", ["h264 ts", "h264 mp4", "hevc mp4", "hevc 10"])
def test_colour_is_what_the_stream_says(name: str, matrix: str, full: bool) -> None:
    codec, silent = ("x265", ":log-level=none") if name.startswith("hevc") else ("x264", "")
    range_ = (":range=full" if codec == "x265" else ":fullrange=on") if full else ""
    params = f"bframes=2:colormatrix={matrix}{range_}{silent}"
    kind = KINDS[name]._replace(frames=4, options=((f"{codec}-params", params),))
    img = opened(kind)
    for index in (0, 3):
        coded = triples(reference(kind)[index])
        expected = expected_rgb(coded, *MATRICES[matrix], kind.bits, full=full)
        found = img.pixels(index)
        assert found.dtype == coded.dtype
        assert np.array_equal(found, expected)
        assert np.array_equal(img.pixels(index, raw=True), coded)
    if kind.bits == 8:
        assert np.array_equal(img.render(3), expected)


@pytest.mark.parametrize("name", ["mpeg2", "h264 ts", "hevc mp4"])
def test_colour_where_the_stream_says_nothing(name: str) -> None:
    """YBR_PARTIAL_420: BT.601 in its partial range (PS3.3 C.7.6.3.1.2)."""
    kind = KINDS[name]
    coded = triples(reference(kind)[5])
    assert np.array_equal(opened(kind).pixels(5), expected_rgb(coded, *BT601, 8, full=False))


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES)
def test_colour_of_every_luma_and_red_or_blue_difference(matrix: tuple[int, int], full: bool) -> None:
    from fastdcm.codecs.decoders.video_samples import Picture, rgb

    luma, other = (axis.astype(np.uint8) for axis in np.mgrid[:256, :256])
    for cb, cr in ((other, other[:, ::-1].copy()), (np.roll(other, 77, 1), other)):
        picture = Picture(luma, (cb, cr), 1, 1, 8, full, matrix[0] / 1e4, matrix[1] / 1e4)
        expected = expected_rgb(np.stack([luma, cb, cr], -1), *matrix, 8, full=full)
        assert np.array_equal(rgb(picture), expected)


def test_odd_sizes() -> None:
    """The chroma of the last row and column is that of a pixel alone."""
    kind = Kind("mpeg2video", "", "100", rows=45, columns=61, frames=3)
    img = opened(kind)
    for index in range(3):
        coded = triples(reference(kind)[index])
        assert coded.shape == (45, 61, 3)
        assert np.array_equal(img.pixels(index, raw=True), coded)
        assert np.array_equal(img.pixels(index), expected_rgb(coded, *BT601, 8, full=False))


def test_one_sample_is_luma() -> None:
    kind = KINDS["mpeg2"]
    img = opened(kind, samples=1)
    assert np.array_equal(img.pixels(4), reference(kind)[4][0])
    assert np.array_equal(img.render(4), reference(kind)[4][0])
    assert codes(img) == []
