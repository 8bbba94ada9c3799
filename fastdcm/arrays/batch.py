"""A batch of frames, and the memory of those that nobody holds any more."""

from __future__ import annotations

import math
import mmap
import weakref
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.errors import FastdcmError, OptionError
from fastdcm.rendering.mapping import Mapping

Array = NDArray[Any]


class Origin(NamedTuple):
    """Where a row comes from: the ``path`` of the object (None for bytes), its ``frame`` from 1."""

    path: str | None
    frame: int


class Batch(NamedTuple):
    """Frames of several objects.

    ``array`` has the shape (rows of the batch, rows, columns[, 3]). Of each of its rows, ``origins`` tells
    the object and the frame, ``positions`` which frame of the whole run it is, from 0 (so that
    ``labels[batch.positions]`` are its labels), ``mappings`` how its pixels lie in the source's
    (`fastdcm.Mapping`), and ``mask`` whether there is a frame: where not, it is all zeros, and its mapping is
    None, as is that of frames whose pixels a presentation state places. ``errors`` are those of the frames
    that failed, in their order.
    """

    array: Array
    positions: NDArray[np.intp]
    mask: NDArray[np.bool_]
    origins: tuple[Origin, ...]
    mappings: tuple[Mapping | None, ...]
    errors: tuple[FastdcmError, ...]


class Form(NamedTuple):
    """The shape of a row, and its type."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


class Room:
    """Arrays of one size for batches. Memory is used again when its array and all views of that are gone.

    Pages of fresh memory cost as much as decoding small images into them.
    """

    def __init__(self, most: int) -> None:
        self._free: list[mmap.mmap] = []
        self._most = most

    def array(self, count: int, form: Form) -> Array:
        """An array (count, ...) with anything in it."""
        shape = (count, *form.shape)
        size = math.prod(shape) * form.dtype.itemsize
        free = self._free
        try:
            memory = free.pop() if free else mmap.mmap(-1, max(1, size))
        except (OSError, OverflowError, ValueError) as error:
            raise _too_large(size) from error
        # A view keeps the array that owns the memory; or the last one, where it is no array that does.
        lent: Array = np.ndarray(shape, form.dtype, memory)
        weakref.finalize(lent, _give_back, free, memory, self._most).atexit = False
        return lent


def _give_back(free: list[mmap.mmap], memory: mmap.mmap, most: int) -> None:
    if len(free) < most:
        free.append(memory)


def empty(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """`numpy.empty`, where it fits into memory."""
    try:
        return np.empty(shape, dtype)
    except (MemoryError, ValueError) as error:
        raise _too_large(math.prod(shape) * dtype.itemsize) from error


def _too_large(size: int) -> OptionError:
    return OptionError(
        f"an array of {size / 1e9:.1f} GB does not fit into memory: give a smaller size, or use iter_batches "
        "with smaller batches"
    )
