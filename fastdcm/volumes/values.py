"""Modality values of a slice in the dtype of its volume (PS3.3 C.11.1), exactly or not at all."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastdcm.errors import OptionError
from fastdcm.model import Lut
from fastdcm.rendering.chain import Rescale
from fastdcm.rendering.lut import modality_values

Array = NDArray[Any]
#: Whole numbers up to here are float32 without a loss.
_EXACT = 1 << 24


def volume_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """The dtype of a volume that is asked for. Raises `OptionError` for one that holds no modality values."""
    try:
        result = np.dtype(dtype)
    except TypeError as error:
        raise OptionError(f"dtype {dtype!r} is none of NumPy's") from error
    if result.kind not in "iu" and result not in (np.float32, np.float64):
        raise OptionError(f"dtype {result} cannot hold modality values: float32, float64 and integers can")
    return result.newbyteorder("=")


def fill(out: Array, stored: Array, modality: Rescale | Lut | None) -> None:
    """Write the modality values of a slice into ``out``, of the same shape.

    In float64 they are slope x stored + intercept as IEEE computes it, in float32 that rounded once; integers
    are exact. Raises `OptionError` where the values are no whole numbers, or too large for the dtype.
    """
    if out.dtype.kind == "f":
        _fill_floats(out, stored, modality)
        return
    if stored.dtype.kind == "f" or not _is_whole(modality):
        what = "the stored values are floats" if stored.dtype.kind == "f" else _words(modality)
        raise OptionError(f"dtype {out.dtype} holds whole numbers, {what}; ask for float32 or float64")
    if isinstance(modality, Lut):
        values = modality_values(stored, modality)
        slope, intercept, source = 1, 0, values.astype(np.int64)
    else:
        slope, intercept = (1, 0) if modality is None else (int(modality.slope), int(modality.intercept))
        source = stored
    ends = sorted(slope * int(end) + intercept for end in (source.min(), source.max()))
    limits = np.iinfo(out.dtype)
    if ends[0] < limits.min or ends[1] > limits.max:
        raise OptionError(
            f"dtype {out.dtype} cannot hold the values {ends[0]} to {ends[1]}; ask for float32 or a wider one"
        )
    # The arithmetic of integers wraps, and what comes out of it is in their range: so it is exact.
    np.copyto(out, source, casting="unsafe")
    if slope != 1:
        out *= _wrapped(slope, out.dtype)
    if intercept:
        out += _wrapped(intercept, out.dtype)


def _wrapped(number: int, dtype: np.dtype[Any]) -> Any:
    return np.array(number % (1 << 64), np.uint64).astype(dtype)[()]


def _fill_floats(out: Array, stored: Array, modality: Rescale | Lut | None) -> None:
    if modality is None:
        out[...] = stored
    elif isinstance(modality, Lut) or not _is_exact_in_float32(out, stored, modality):
        out[...] = modality_values(stored, modality)
    else:  # the same numbers, with half of the memory
        np.multiply(stored, np.float32(modality.slope), out=out)
        if modality.intercept:
            out += np.float32(modality.intercept)


def _is_exact_in_float32(out: Array, stored: Array, modality: Rescale) -> bool:
    if out.dtype != np.float32 or stored.dtype.kind == "f" or stored.itemsize > 2 or not _is_whole(modality):
        return False
    limits = np.iinfo(stored.dtype)
    largest = abs(modality.slope) * max(-limits.min, limits.max)
    return largest + abs(modality.intercept) <= _EXACT


def _is_whole(modality: Rescale | Lut | None) -> bool:
    return not isinstance(modality, Rescale) or (
        float(modality.slope).is_integer() and float(modality.intercept).is_integer()
    )


def _words(modality: Rescale | Lut | None) -> str:
    assert isinstance(modality, Rescale)
    return f"and Rescale Slope {modality.slope:g}, Intercept {modality.intercept:g} do not lead to such"
