"""Frames of many objects in one array, or in batches of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdcm.arrays.batch import Batch, Form, empty
from fastdcm.arrays.foresight import Foresight
from fastdcm.arrays.pieces import Found, pieces_of
from fastdcm.arrays.run import Done, first_read, run
from fastdcm.arrays.wanted import Wanted
from fastdcm.errors import OptionError
from fastdcm.system import usable_cores

Array = NDArray[Any]


def load_all(found: Iterable[Found], wanted: Wanted, *, threads: int, out: Array | None) -> Batch:
    """All frames of a run in one batch, whose array is the beginning of ``out``, where there is one."""
    pieces = list(pieces_of(found, wanted))
    left, size, foresight = iter(pieces), len(pieces), Foresight(len(pieces))
    with foresight.told():
        done = first_read(left, wanted, foresight)
        form = form_of(done, wanted)
        if out is not None:
            _check(out, size, form)
        array = empty((size, *form.shape), form.dtype) if out is None else out[:size]
        if not pieces:
            nothing = np.zeros(0, np.intp)
            return Batch(array, nothing, nothing.astype(bool), (), (), ())
        threads = min(threads, size)
        # To its end: then no thread is left.
        (batch,) = run(
            left, done, wanted, foresight, form, size=size, threads=threads, read_ahead=0, out=array
        )
    return batch


def all_batches(
    found: Iterable[Found], wanted: Wanted, *, size: int, threads: int, read_ahead: int, drop_last: bool
) -> Iterator[Batch]:
    """The frames of a run in batches of ``size``; with ``drop_last`` without one of fewer frames."""
    pieces = pieces_of(found, wanted)
    foresight = Foresight(len(found) if isinstance(found, list) and wanted.first_only else 0)
    with foresight.told():
        done = first_read(pieces, wanted, foresight)
        if not done:
            return
        form = form_of(done, wanted)
        with closing(
            run(pieces, done, wanted, foresight, form, size=size, threads=threads, read_ahead=read_ahead)
        ) as batches:
            for batch in batches:
                left_out = len(batch.errors) if wanted.on_error == "skip" else 0
                if drop_last and len(batch.array) + left_out < size:
                    return
                yield batch
                del batch  # its memory is used again


def threads_of(threads: Any) -> int:
    """So many as were asked for, or as there are cores."""
    return usable_cores() if threads is None else whole_number("threads", threads, 1)


def whole_number(name: str, number: Any, least: int) -> int:
    """An argument that has to be a whole number of at least this."""
    if not isinstance(number, int) or number < least:
        raise OptionError(f"{name} must be a whole number of at least {least}, not {number!r}")
    return number


def form_of(done: list[Done], wanted: Wanted) -> Form:
    """The form of rows, by the first frame that could be read; where there is none, by what was asked for."""
    name = wanted.usual_dtype
    if done and (array := done[-1].array) is not None:
        return Form(array.shape, array.dtype if name is None else np.dtype(name))
    size = wanted.render.geometry.size
    shape = (0, 0) if size is None else (size, size) if isinstance(size, int) else size
    return Form((*shape, 3) if wanted.samples == 3 else shape, np.dtype(name or "uint8"))


def _check(out: Array, count: int, form: Form) -> None:
    if not out.flags.writeable:
        raise OptionError("out is read-only")
    if len(out.shape) < 3 or out.shape[1:] != form.shape or out.shape[0] < count:
        needed = (count, *form.shape)
        raise OptionError(f"out has the shape {out.shape}, but {needed} are needed (or more rows)")
