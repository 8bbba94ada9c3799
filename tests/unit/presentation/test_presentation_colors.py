"""CIELab of PS3.3 C.10.7.1.1 against LittleCMS, which Pillow has."""

from __future__ import annotations

import random

import numpy as np
import pytest
from PIL import Image, ImageCms

from fastdcm.presentation.colors import gray_paint, is_gray, lab_from_srgb, lab_paint
from tests.unit.presentation.states import RED


def _as_lab(colors: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """8-bit sRGB as CIELab in 16-bit values, by LittleCMS in 8 bits."""
    transform = ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB", renderingIntent=1
    )
    source = Image.fromarray(np.array([colors], np.uint8))
    lab = np.asarray(ImageCms.applyTransform(source, transform)).astype(int)[0]
    # Pillow's a and b are two's complement of 8 bits.
    return [
        (round(lightness / 255 * 65535), ((a + 128) % 256) * 257, ((b + 128) % 256) * 257)
        for lightness, a, b in lab.tolist()
    ]


def test_colors_are_littlecms() -> None:
    source = random.Random(1)
    colors = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (128, 128, 128)]
    colors += [(source.randrange(256), source.randrange(256), source.randrange(256)) for _ in range(100)]
    for color, lab in zip(colors, _as_lab(colors), strict=True):
        ours = lab_from_srgb((color[0] * 257, color[1] * 257, color[2] * 257))
        # Half a step of 8 bits, and what LittleCMS rounds on its way.
        assert max(abs(a - b) for a, b in zip(ours, lab, strict=True)) <= 257 * 1.5
        back = [part * 255 for part in lab_paint(ours)]
        assert np.allclose(back, color, atol=0.3)


@pytest.mark.parametrize("value", [0, 1, 30000, 65535])
def test_gray(value: int) -> None:
    assert gray_paint(value) == (value / 65535,) * 3
    assert is_gray(gray_paint(value))


def test_known_values() -> None:
    assert lab_paint((0, 0x8080, 0x8080)) == pytest.approx((0, 0, 0), abs=1e-3)
    assert lab_paint((0xFFFF, 0x8080, 0x8080)) == pytest.approx((1, 1, 1), abs=1e-3)
    assert lab_paint((RED[0], RED[1], RED[2])) == pytest.approx((1, 0, 0), abs=5e-3)
    assert not is_gray(lab_paint((RED[0], RED[1], RED[2])))
    # What no display has is clipped.
    assert all(0 <= part <= 1 for part in lab_paint((0xFFFF, 0, 0xFFFF)))
