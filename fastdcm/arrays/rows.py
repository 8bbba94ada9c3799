"""A frame's values into a row of an array: samples a pixel, and types that must be able to hold them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdcm.arrays.wanted import Samples, Values
from fastdcm.errors import RenderError

Array = NDArray[Any]
#: Luma of ITU-R BT.601, in 65536ths as Pillow's mode L has them.
_LUMA = np.array([19595, 38470, 7471], np.uint32)


def with_samples(array: Array, samples: Samples, values: Values) -> Array:
    """(rows, columns) with ``samples=1``, (rows, columns, 3) with 3: gray three times; the luma of colours.

    Luma is that of ITU-R BT.601 (as Pillow's ``convert("L")``), of display values. Raises `RenderError`.
    """
    if samples == 3 and array.ndim == 2:
        return np.broadcast_to(array[..., None], (*array.shape, 3))
    if samples == 1 and array.ndim == 3:
        if values != "display":
            raise RenderError(f"colour has no single {values} value a pixel; ask for values='display'")
        luma: Array = ((array @ _LUMA + np.uint32(0x8000)) >> np.uint32(16)).astype(array.dtype)
        return luma
    return array


def put(row: Array, array: Array, values: Values, whole: Callable[[], bool]) -> None:
    """Values of a frame into a row of an array; raises `RenderError` where the row cannot have or hold them.

    Display values become 0..1 in floats. ``whole`` tells whether modality values are whole numbers before
    they are resampled: then integers get them rounded, floor(y + 0.5).
    """
    if array.shape != row.shape:
        raise RenderError(_shapes(array.shape, row.shape))
    if array.dtype == row.dtype:
        np.copyto(row, array)
    elif values == "display":
        np.divide(array, row.dtype.type(np.iinfo(array.dtype).max), out=row)
    elif np.can_cast(array.dtype, row.dtype):
        np.copyto(row, array)
    elif array.dtype.kind == "f" and row.dtype.kind == "f":
        _narrowed(row, array)
    else:
        _checked(row, array, whole)


def _narrowed(row: Array, array: Array) -> None:
    with np.errstate(over="ignore"):
        np.copyto(row, array, casting="same_kind")
    if not np.isfinite(row).all() and np.isfinite(array[~np.isfinite(row)]).any():
        raise RenderError(f"values up to {np.abs(array[np.isfinite(array)]).max():g} {_too_much(row)}")


def _checked(row: Array, array: Array, whole: Callable[[], bool]) -> None:
    """Integers or floats into integers, or integers into floats, where these are exact."""
    if row.dtype.kind == "f":
        most = 2 ** (np.finfo(row.dtype).nmant + 1)
        least: int = -most
    else:
        least, most = np.iinfo(row.dtype).min, np.iinfo(row.dtype).max
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise RenderError(f"NaN or infinite values {_too_much(row)}; use a float dtype")
        rounded = np.floor(array + 0.5)
        if not np.array_equal(rounded, array) and not whole():
            raise RenderError(f"fractions {_too_much(row)}; use a float dtype")
        array = rounded
    low, high = array.min(), array.max()
    if low < least or high > most:
        raise RenderError(f"values from {low:g} to {high:g} {_too_much(row)}")
    np.copyto(row, array, casting="unsafe")


def _too_much(row: Array) -> str:
    return f"do not fit into {row.dtype}"


def _shapes(own: tuple[int, ...], others: tuple[int, ...]) -> str:
    if own[:2] == others[:2] or len(own) != len(others):
        kinds = {2: "gray", 3: "colour"}
        return (
            f"the frame is {kinds[len(own)]}, but the array's are {kinds[len(others)]}: give channels=1 or "
            "channels=3, or load them apart"
        )
    return (
        f"the frame is {own[1]} x {own[0]}, but the array's are {others[1]} x {others[0]}: give "
        "size=(rows, columns)"
    )
