"""Our own encoder of gray images writes the bytes that libjpeg-turbo writes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdcm.codecs.encoders import baseline, jpeg, turbojpeg
from fastdcm.codecs.encoders.jpeg import encode_bundled
from fastdcm.kernels import jpeg_layout
from tests.checked import printed_with_checks
from tests.payoffs import Fixed
from tests.unit.codecs.decoding import Array


def own(pixels: Array, quality: int) -> bytes:
    return baseline.encode(pixels, quality, encode_bundled)


def same(pixels: Array, quality: int) -> bool:
    """Whether both give the same bytes; a difference of images would print them."""
    return own(pixels, quality) == encode_bundled(pixels, quality, "420")


def picture(rows: int, columns: int) -> Array:
    """Smooth, with an edge, noise on a part, and flat elsewhere."""
    y, x = np.indices((rows, columns))
    values = 120 + 90 * np.sin(x / 31) * np.cos(y / 23) + 40 * (x > 2 * y)
    values[: rows // 2] += np.random.default_rng(1).normal(0, 9, (rows // 2, columns))
    values[-rows // 4 :, : columns // 3] = 30
    return np.clip(values, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("quality", range(1, 101))
def test_every_quality(quality: int) -> None:
    assert same(picture(120, 200), quality)


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        (1, 1),
        (1, 300),
        (300, 1),
        (7, 9),
        (8, 8),
        (9, 7),
        (16, 512),
        (17, 513),
        (8, 519),
        (33, 1031),
        (64, 520),
    ],
)
def test_sizes_that_are_no_whole_blocks(rows: int, columns: int) -> None:
    assert same(picture(rows, columns), 90)


@given(
    rows=st.integers(1, 40),
    columns=st.integers(1, 90),
    quality=st.integers(1, 100),
    kind=st.sampled_from(["noise", "extremes", "sparse", "steps", "flat"]),
    seed=st.integers(0, 1 << 32),
)
def test_whatever_is_in_it(rows: int, columns: int, quality: int, kind: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    shape = rows, columns
    pixels = {
        "noise": lambda: random.integers(0, 256, shape),
        "extremes": lambda: 255 * random.integers(0, 2, shape),
        "sparse": lambda: 200 * (random.random(shape) < 0.02),
        "steps": lambda: np.repeat(random.integers(0, 256, (rows, 1)), columns, axis=1),
        "flat": lambda: np.full(shape, random.integers(0, 256)),
    }[kind]()
    assert same(pixels.astype(np.uint8), quality)


@pytest.mark.parametrize("quality", [1, 50, 90, 100])
def test_largest_and_loneliest_coefficients(quality: int) -> None:
    """Each function of the DCT, as large as it can be and inverse; alone, behind runs of zeros."""
    y, x = np.indices((8, 8))
    blocks = []
    for v in range(8):
        for u in range(8):
            function = np.cos((2 * y + 1) * v * np.pi / 16) * np.cos((2 * x + 1) * u * np.pi / 16)
            blocks += [255 * (function > 0), 255 * (function <= 0), np.round(128 + 60 * function)]
    pixels = np.concatenate(blocks, axis=1).astype(np.uint8)
    assert same(pixels, quality)
    assert same(np.ascontiguousarray(pixels.T), quality)


def test_noise_that_needs_more_room_than_there_mostly_is() -> None:
    pixels = 255 * np.random.default_rng(2).integers(0, 2, (600, 600)).astype(np.uint8)
    assert len(own(pixels, 100)) > pixels.size
    assert same(pixels, 100)


def test_arrays_that_do_not_lie_in_order() -> None:
    pixels = picture(100, 300)[::2, ::3]
    assert same(pixels, 90)


def test_quotients_are_exact() -> None:
    """For all results that the DCT can have, and all steps, against integers."""
    sizes = np.arange(1 << 14)
    for quality in range(1, 101):
        coding = baseline.coding_of(encode_bundled(np.zeros((8, 8), np.uint8), quality, "420"))
        for half, factor, shift in np.unique(coding.quotients.reshape(64, 3, -1)[..., 0].astype(int), axis=0):
            step = 2 * half
            found = ((sizes + half) * factor >> 16) * shift >> 16
            assert np.array_equal(found, (sizes + half) // step), (quality, step)


#: Compiled with checks of bounds, and without what is of processors with AVX2 alone.
CHECKED = """
machine_code.has = lambda feature: False
from fastdcm.codecs.encoders import baseline
from fastdcm.codecs.encoders.jpeg import encode_bundled

random = np.random.default_rng(5)
for rows, columns in ((1, 1), (9, 130), (33, 519), (120, 200)):
    for quality in (1, 60, 90, 100):
        for pixels in (
            random.integers(0, 256, (rows, columns)),
            255 * random.integers(0, 2, (rows, columns)),
            200 * (random.random((rows, columns)) < 0.02),
        ):
            pixels = pixels.astype(np.uint8)
            print(baseline.encode(pixels, quality, encode_bundled) == encode_bundled(pixels, quality, "420"))
"""


def test_nothing_is_written_outside_and_other_processors_get_the_same() -> None:
    assert set(printed_with_checks(CHECKED).split()) == {"True"}


def test_zigzag_is_that_of_the_standard() -> None:
    first = [0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48]
    assert jpeg_layout.ZIGZAG[: len(first)].tolist() == first  # figure 5
    assert sorted(jpeg_layout.ZIGZAG.tolist()) == list(range(64))
    assert jpeg_layout.ZIGZAG[-3:].tolist() == [62 - 8 + 1, 62, 63]


def test_threads_do_not_share_what_they_work_in() -> None:
    pictures = [np.roll(picture(256, 512), 17 * number, axis=1) for number in range(8)]
    expected = [encode_bundled(each, 90, "420") for each in pictures]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            assert list(pool.map(lambda each: own(each, 90), pictures)) == expected


@pytest.mark.parametrize("system", [False, True])
def test_it_is_used_for_gray_images_where_it_pays(monkeypatch: pytest.MonkeyPatch, system: bool) -> None:
    if system and turbojpeg.system_library() is None:
        pytest.skip("no libjpeg-turbo of the system")
    calls: list[tuple[int, ...]] = []
    encode = baseline.encode

    def counted(pixels: Array, quality: int, library: baseline.Library) -> bytes:
        calls.append(pixels.shape)
        return encode(pixels, quality, library)

    monkeypatch.setattr(baseline, "encode", counted)
    monkeypatch.setattr(baseline, "is_faster", lambda: True)
    monkeypatch.setattr(jpeg, "uses_system_library", lambda: system)
    monkeypatch.setattr(jpeg, "_PAYOFF", Fixed(True))
    large, small = picture(200, 300), picture(50, 50)
    colour = np.stack([large] * 3, axis=-1)
    for pixels in (large, small, colour):
        assert jpeg.encode(pixels, 85, "444") == encode_bundled(pixels, 85, "444")
    assert calls == [(200, 300)]
    monkeypatch.setattr(jpeg, "_PAYOFF", Fixed(False))
    jpeg.encode(large, 85, "444")
    assert len(calls) == 1
