"""YBR to RGB for all values there are; the equations are checked in tests/standard."""

from __future__ import annotations

import numpy as np
import pytest

from fastdcm.kernels import Payoff
from fastdcm.model import Palette
from fastdcm.rendering import colour
from fastdcm.rendering.colour import palette_table, to_rgb
from tests.builders import words


def all_chroma(luma: int) -> np.ndarray:
    cb, cr = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8), indexing="ij")
    return np.stack([np.full_like(cb, luma), cb, cr], axis=-1)


def formula(ybr: np.ndarray) -> np.ndarray:
    """BT.601 in integers and so exact, rounded half up (C.7.6.3.1.2)."""
    y, cb, cr = (ybr[..., channel].astype(np.int64) for channel in range(3))
    cb, cr = cb - 128, cr - 128
    red, blue = y + rounded(1402 * cr, 1000), y + rounded(1772 * cb, 1000)
    # 0.114 * 1.772 / 0.587 and 0.299 * 1.402 / 0.587
    green = y + rounded(-202_008 * cb - 419_198 * cr, 587_000)
    return np.clip(np.stack([red, green, blue], -1), 0, 255).astype(np.uint8)


def rounded(numerator: np.ndarray, denominator: int) -> np.ndarray:
    """floor(n / d + 1/2)."""
    found: np.ndarray = (2 * numerator + denominator) // (2 * denominator)
    return found


@pytest.mark.parametrize("kernels", [False, True], ids=["numpy", "kernels"])
def test_all_chroma(kernels: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every Cb and Cr with lumas over the range: the tables of what chroma adds are exact."""
    payoff = Payoff(0)
    if not kernels:
        monkeypatch.setattr(payoff, "reached", lambda pixels: False)
    for luma in range(0, 256, 15):
        ybr = all_chroma(luma)
        unlike = np.argwhere(to_rgb(ybr, "YBR_FULL", 8, payoff) != formula(ybr)).tolist()
        # One green of 65536 lies exactly between two integers; float64 takes the lower.
        assert unlike in ([], [[178, 78, 1]]), luma


def test_chroma_tables() -> None:
    """What is added is an integer that does not depend on luma: floor(y + a + 1/2) = y + floor(a + 1/2)."""
    red, green, blue = colour._chroma_tables()
    centred = np.arange(256) - 128
    assert np.array_equal(red, rounded(1402 * centred, 1000))
    assert np.array_equal(blue, rounded(1772 * centred, 1000))
    assert green.shape == (65536,)
    assert green[128 * 256 + 128] == red[128] == blue[128] == 0
    # 0.344136 and 0.714136, as the standard rounds them
    assert green[0] == round(0.344136 * 128 + 0.714136 * 128)


@pytest.mark.parametrize("photometric", ["YBR_FULL", "YBR_PARTIAL_422", "RGB"])
@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_the_input_is_left_alone(photometric: str, kind: str) -> None:
    array = np.full((2, 2, 3), 77, kind)
    found = to_rgb(array, photometric, 8 * array.itemsize, Payoff())
    assert (array == 77).all()
    assert (found.dtype, found.shape) == (array.dtype, array.shape)


@pytest.mark.parametrize("bits", [1, 4, 7])
def test_partial_range_of_few_bits(bits: int) -> None:
    """Nonsense that a header may say; an image comes out, no exception."""
    array = np.zeros((1, 2, 3), np.uint8)
    assert to_rgb(array, "YBR_PARTIAL_422", bits, Payoff()).max() < 1 << bits


@pytest.mark.parametrize("size", [256, 65536])
@pytest.mark.parametrize("signed", [False, True])
def test_palette_table(size: int, signed: bool) -> None:
    palette = Palette(-3, 16, words(range(256, 306)), words(range(300, 350)), words(range(50)))
    table = palette_table(palette, 16, size, signed)
    values = np.arange(size)
    values = np.where(signed & (values >= size // 2), values - size, values)
    index = np.clip(values + 3, 0, 49)
    assert np.array_equal(table, np.stack([256 + index, 300 + index, index], -1))
