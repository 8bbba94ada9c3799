"""Modality values in each dtype: exact, rounded once, or refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fastdcm.errors import OptionError
from fastdcm.model import Lut
from fastdcm.rendering.chain import Rescale
from fastdcm.volumes.values import fill, volume_dtype

STORED = {
    "int16": np.array([[-32768, -1, 0], [1, 1000, 32767]], np.int16),
    "uint16": np.array([[0, 1, 2], [4095, 32768, 65535]], np.uint16),
    "uint8": np.array([[0, 1, 127], [128, 254, 255]], np.uint8),
    "int32": np.array([[-(2**31), -1, 0], [1, 2**24 + 1, 2**31 - 1]], np.int32),
}
RESCALES = [None, Rescale(1, -1024), Rescale(2, 0), Rescale(-3, 7), Rescale(0.1, -2.3), Rescale(1e-9, 1e9)]


def filled(stored: Any, modality: Any, dtype: str) -> Any:
    out = np.empty(stored.shape, dtype)
    fill(out, stored, modality)
    return out


@pytest.mark.parametrize("modality", RESCALES, ids=str)
@pytest.mark.parametrize("stored", STORED)
def test_floats_are_those_of_float64(stored: str, modality: Rescale | None) -> None:
    values = STORED[stored]
    slope, intercept = (1.0, 0.0) if modality is None else modality
    expected = [[float(value) * slope + intercept for value in row] for row in values.tolist()]
    np.testing.assert_array_equal(filled(values, modality, "float64"), expected)
    np.testing.assert_array_equal(filled(values, modality, "float32"), np.array(expected).astype(np.float32))


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "int64", "uint64"])
@pytest.mark.parametrize("modality", [rescale for rescale in RESCALES if not rescale or rescale[0] % 1 == 0])
@pytest.mark.parametrize("stored", STORED)
def test_integers_are_exact_or_refused(stored: str, modality: Rescale | None, dtype: str) -> None:
    values = STORED[stored]
    slope, intercept = (1, 0) if modality is None else map(int, modality)
    expected = [[value * slope + intercept for value in row] for row in values.tolist()]
    limits = np.iinfo(dtype)
    if all(limits.min <= value <= limits.max for row in expected for value in row):
        assert filled(values, modality, dtype).tolist() == expected
    else:
        with pytest.raises(OptionError, match=f"{dtype} cannot hold the values"):
            filled(values, modality, dtype)


def test_whole_numbers_of_16_bits_are_exact_in_float32() -> None:
    every = np.arange(-32768, 32768).astype(np.int16).reshape(256, 256)
    for slope, intercept in ((1, -1024), (255, 8192), (-511, 1)):
        values = filled(every, Rescale(slope, intercept), "float32")
        np.testing.assert_array_equal(values.astype(np.int64), every.astype(np.int64) * slope + intercept)


def test_integers_of_broken_rescales_are_refused() -> None:
    for modality in (Rescale(0.5, 0), Rescale(1, 0.5)):
        with pytest.raises(OptionError, match=r"Rescale Slope .* ask for float32"):
            filled(STORED["int16"], modality, "int32")
    with pytest.raises(OptionError, match="floats"):
        filled(np.ones((2, 2), np.float32), None, "int32")


def test_modality_lut_gives_its_entries() -> None:
    lut = Lut(-1, 16, np.array([5, 600, 65535], "<u2").tobytes())
    stored = np.array([[-9, -1, 0], [1, 2, 30000]], np.int16)
    for dtype in ("float32", "int32", "uint16"):
        assert filled(stored, lut, dtype).tolist() == [[5, 5, 600], [65535, 65535, 65535]]
    with pytest.raises(OptionError, match="5 to 65535"):
        filled(stored, lut, "int16")


@pytest.mark.parametrize("dtype", ["float16", "complex64", "bool", "U3", "nonsense"])
def test_dtypes_that_hold_no_values_are_refused(dtype: str) -> None:
    with pytest.raises(OptionError, match="dtype"):
        volume_dtype(dtype)
