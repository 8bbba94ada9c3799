"""Lines: the integers of the table, whatever the window, and a line for the windows that files have."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from fastdcm.kernels.display import line, masked_line
from fastdcm.model import Lut, VoiFunction, Window
from fastdcm.rendering import lut
from fastdcm.rendering.chain import Chain, Range, Rescale
from fastdcm.rendering.line import line_of

WORDS = np.arange(1 << 16, dtype=np.uint16)
DEPTHS = [(10, False), (12, False), (12, True), (14, True), (16, False), (16, True)]


def drawn(chain: Chain, bits: int, signed: bool) -> np.ndarray | None:
    """What the kernel makes of every word; None without a line."""
    found = line_of(chain, bits, signed)
    if found is None:
        return None
    values = WORDS.view(np.int16) if signed else WORDS
    if bits == 16:
        return run(line, values, np.float32(found.scale), np.float32(found.offset))
    numbers = np.int32(found.mask), np.int32(found.half), np.float32(found.scale), np.float32(found.offset)
    return run(masked_line, WORDS, *numbers)


def run(kernel: Any, words: np.ndarray, *numbers: Any) -> np.ndarray:
    """The kernel on all words; the same as its own source in Python."""
    out, plain = np.empty(words.size, np.uint8), np.empty(words.size, np.uint8)
    kernel(words, *numbers, out)
    some = words[::97].copy()
    kernel.py_func(some, *numbers, plain)
    assert np.array_equal(plain[: some.size], out[::97])
    return out


def some_chain(chance: random.Random) -> Chain:
    center = chance.choice([40, -600, 50.5, 300, chance.uniform(-1000, 3000)])
    width = chance.choice([400, 1500, 2, 80, 4096, chance.uniform(1.5, 5000)])
    modality = chance.choice([None, Rescale(1.0, -1024.0), Rescale(2.0, 0.0), Rescale(-0.37, 3.3)])
    functions: list[VoiFunction] = ["LINEAR", "LINEAR_EXACT"]
    voi = chance.choice([Window(center, width, chance.choice(functions)), Range(center, center + width)])
    return Chain(modality, voi, None, chance.random() < 0.3, 8)


@pytest.mark.parametrize(("bits", "signed"), DEPTHS)
def test_as_the_table(bits: int, signed: bool) -> None:
    """For every word, what is above its bits included."""
    chance = random.Random(bits)
    lines = 0
    for _ in range(60):
        chain = some_chain(chance)
        found = drawn(chain, bits, signed)
        if found is not None:
            lines += 1
            assert np.array_equal(found, lut.table(chain, bits, signed, 1 << 16)), chain
    assert lines > 40


def test_bytes_as_the_table() -> None:
    """Samples of 8 bits, each value."""
    chance = random.Random(8)
    lines = 0
    for _ in range(60):
        chain = some_chain(chance)
        found = line_of(chain, 8, False)
        if found is not None:
            lines += 1
            numbers = np.float32(found.scale), np.float32(found.offset)
            shown = run(line, np.arange(256, dtype=np.uint8), *numbers)
            assert np.array_equal(shown, lut.table(chain, 8, False, 256)), chain
    assert lines > 40


@pytest.mark.parametrize(("bits", "signed"), DEPTHS)
@pytest.mark.parametrize(
    "window", [(40, 400), (-600, 1500), (50, 80), (300, 1500), (2048, 4096), (127.5, 255)]
)
@pytest.mark.parametrize("invert", [False, True])
def test_windows_of_files_have_a_line(
    window: tuple[float, float], bits: int, signed: bool, invert: bool
) -> None:
    chain = Chain(Rescale(1.0, -1024.0), Window(*window), None, invert, 8)
    assert line_of(chain, bits, signed) is not None


@pytest.mark.parametrize(
    "chain",
    [
        Chain(None, Window(40, 400, "SIGMOID")),
        Chain(None, Window(40, 1)),
        Chain(None, Range(5, 5)),
        Chain(None, Lut(0, 8, bytes(range(8)))),
        Chain(Lut(0, 8, bytes(range(8))), Range(0, 255)),
        Chain(None, Range(0, 4095), Lut(0, 8, bytes(range(8)))),
        Chain(None, Range(0, 4095), bits=16),
        Chain(Rescale(1e300, 0.0), Range(0, 1e-300)),
        Chain(Rescale(1e100, 0.0), Range(0, 1)),
        Chain(None, Range(0, 1e39)),
    ],
)
def test_no_line(chain: Chain) -> None:
    """Curves, steps, LUTs, and what float32 cannot hold or NumPy's float64 cannot divide."""
    found = drawn(chain, 12, False)
    assert found is None or np.array_equal(found, lut.table(chain, 12, False, 1 << 16))
