"""Frames of many objects as arrays: `load` all of them in one, `iter_batches` batch by batch.

Composition, as `fastdcm.api`: arguments become options, folders the files in them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

from fastdcm.arrays.load import all_batches, load_all, threads_of, whole_number
from fastdcm.arrays.pieces import Found
from fastdcm.arrays.wanted import OnError, Values, wanted_of
from fastdcm.batch.discovery import Task, discover
from fastdcm.batch.targets import Targets, Tree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fastdcm.arrays.batch import Batch
    from fastdcm.reader.source import Readable

    Readables = Readable | Sequence[Readable]


@overload
def load(
    paths: Readables, size: Any = None, *, on_error: Literal["raise"] = "raise", **options: Any
) -> NDArray[Any]: ...


@overload
def load(
    paths: Readables, size: Any = None, *, on_error: Literal["skip", "mask"], **options: Any
) -> Batch: ...


def load(
    paths: Readables,
    size: Any = None,
    *,
    window: Any = None,
    values: Values = "display",
    dtype: Any = None,
    channels: Any = None,
    fit: str = "pad",
    frames: str = "first",
    threads: int | None = None,
    out: NDArray[Any] | None = None,
    on_error: OnError = "raise",
    **options: Any,
) -> NDArray[Any] | Batch:
    """Frames of many objects in one array, (frames, rows, columns) or (frames, rows, columns, 3).

    ``paths`` are files, folders (with all files below that are DICOM objects with pixels, in the order of
    ``convert``), or bytes; frames come in their order. ``frames`` is "first" of each object, "all", "3",
    "2-5" or "1,7,9". Without a ``size`` all have to have one shape; with one, (rows, columns) or a number
    for a square, ``fit`` is "pad" (into the middle, the rest is black), "crop" (what is too much at the
    sides is cut away) or "stretch". ``channels`` is 1 or 3 samples a pixel, of grays and colours alike (the
    luma of colours; grays three times), or three windows, which become red, green and blue of grays.

    ``values="display"`` gives uint8 (the default), uint16 (0 to 65535) or floats (0 to 1, of 16 bits);
    "modality" the values of the modality LUT (PS3.3 C.11.1), for CT Hounsfield units, as float32;
    "stored" those of the file, in the first frame's type. ``dtype`` is another type: a frame whose values
    it cannot hold is an error. ``window`` and ``options`` are those of `Image.render`, `open` and
    `fastdcm.options.Limits`.

    ``threads`` of this process share the frames, None as many as there are usable cores; the result is the
    same for any number. It is written to ``out``, where that is given: an array of this shape, or with more
    rows. ``on_error="raise"`` raises the first frame's error that failed; "skip" leaves such frames out, and
    "mask" leaves zeros in their place: the result is a `Batch` then, which tells of errors, and where each
    row comes from.

    Raises `OptionError`, and with ``on_error="raise"`` all errors of `FastdcmError`'s tree.
    """
    given = options | {"size": size, "window": window, "fit": fit, "channels": channels}
    asked = wanted_of(given, values=values, dtype=dtype, frames=frames, on_error=on_error, out=out)
    batch = load_all(found_objects(paths), asked, threads=threads_of(threads), out=out)
    return batch.array if on_error == "raise" else batch


def iter_batches(
    paths: Readables,
    batch_size: int,
    size: Any = None,
    *,
    window: Any = None,
    values: Values = "display",
    dtype: Any = None,
    channels: Any = None,
    fit: str = "pad",
    frames: str = "first",
    threads: int | None = None,
    read_ahead: int = 2,
    drop_last: bool = False,
    on_error: OnError = "raise",
    **options: Any,
) -> Iterator[Batch]:
    """The frames of `load` in batches, each a `Batch` of ``batch_size`` frames, the last one of what is left.

    ``threads`` fill ``read_ahead`` batches while the caller works at one, and no more. With 0 they work only
    while the caller waits, and its own thread is one of them: ``threads=1, read_ahead=0`` starts none. Memory
    of batches that nobody holds any more is used again. ``drop_last`` leaves out a last one of fewer frames.
    With ``on_error="skip"`` batches have fewer rows where frames failed.

    Whoever breaks off leaves nothing behind: when the iterator is closed or goes out of use, its threads
    have ended. The other arguments are those of `load`.
    """
    given = options | {"size": size, "window": window, "fit": fit, "channels": channels}
    asked = wanted_of(given, values=values, dtype=dtype, frames=frames, on_error=on_error)
    return all_batches(
        found_objects(paths),
        asked,
        size=whole_number("batch_size", batch_size, 1),
        threads=threads_of(threads),
        read_ahead=whole_number("read_ahead", read_ahead, 0),
        drop_last=drop_last,
    )


def found_objects(paths: Any) -> list[Found] | Iterator[Found]:
    """The objects of paths as `load` takes them, one after another; a list where all are named."""
    one = isinstance(paths, (str, os.PathLike, bytes, bytearray, memoryview)) or hasattr(paths, "read")
    several: Iterable[Any] = [paths] if one else paths
    given = [os.fspath(path) if isinstance(path, os.PathLike) else path for path in several]
    if any(isinstance(path, str) and os.path.isdir(path) for path in given):
        return _walked(given)
    return [Found(path) for path in given]


def _walked(paths: list[Any]) -> Iterator[Found]:
    for path in paths:
        if not isinstance(path, str) or not os.path.isdir(path):
            yield Found(path)
            continue
        for item in discover(Targets(trees=(Tree(path, ""),))):
            if isinstance(item, Task):
                yield Found(item.source, named=False)
            for failure in () if isinstance(item, Task) else item.failures:
                yield Found(path, error=failure.error)
