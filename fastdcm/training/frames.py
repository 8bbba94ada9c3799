"""A data set of frames, map style, in NumPy alone."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.arrays.batch import Origin
from fastdcm.arrays.pieces import Piece, Reader
from fastdcm.arrays.wanted import wanted_of
from fastdcm.errors import FastdcmError, OptionError
from fastdcm.kernels import OUTLOOK
from fastdcm.loading import found_objects
from fastdcm.rendering.mapping import Mapping
from fastdcm.training.items import Items

if TYPE_CHECKING:
    from fastdcm.loading import Readables

Labels = Sequence[Any] | NDArray[Any] | Callable[[Origin], Any]


class Frame(NamedTuple):
    """A frame of a data set.

    ``array`` has the shape (rows, columns[, 3]); ``origin`` tells the object's path and the frame, from 1;
    ``mapping`` how its pixels lie in the source's (`fastdcm.Mapping`), None where a presentation state
    places them.
    """

    array: NDArray[Any]
    origin: Origin
    mapping: Mapping | None


class FrameDataset:
    """Frames of DICOM objects by index, each decoded when it is asked for; with labels, if there are any.

    ``len()`` is the number of frames. An item is ``array``, or ``(array, label)`` with ``labels``. The array,
    (rows, columns[, 3]), is the caller's own, and writeable; `read` gives it with its mapping.

    ``paths`` are as in `fastdcm.load`: files, bytes, or folders with all DICOM objects below them. ``labels``
    has one for each object (its frames share it), or is a function of `fastdcm.arrays.batch.Origin`.
    ``transform`` is called with each array, ``target_transform`` with each label, ``transforms`` with both
    (array, label), and gives both. ``size``, ``window``, ``values``, ``dtype``, ``channels``, ``fit``,
    ``frames`` and ``options`` are those of `fastdcm.load`. With ``on_error="skip"`` a frame that fails is
    None; else its error is raised, one of `FastdcmError`'s tree.

    An instance can be pickled, forked, and used by several threads: each opens files for itself. None stays
    open, but for the last one of a thread where objects have more frames than one.

    Raises `OptionError`; unless they are skipped, errors of headers where ``frames`` is not "first", and of
    folders.
    """

    def __init__(
        self,
        paths: Readables,
        labels: Labels | None = None,
        *,
        size: Any = None,
        window: Any = None,
        values: Literal["display", "modality", "stored"] = "display",
        dtype: Any = None,
        channels: Any = None,
        fit: str = "pad",
        frames: str = "first",
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        transforms: Callable[[Any, Any], Any] | None = None,
        on_error: Literal["raise", "skip"] = "raise",
        **options: Any,
    ) -> None:
        if on_error not in ("raise", "skip"):
            raise OptionError(f"on_error of a data set must be 'raise' or 'skip', not {on_error!r}")
        if transforms is not None and (transform or target_transform or labels is None):
            raise OptionError("transforms takes array and label: give labels, and no other transform")
        given = options | {"size": size, "window": window, "fit": fit, "channels": channels}
        self._asked = wanted_of(given, values=values, dtype=dtype, frames=frames, on_error="raise")
        self._items = Items(found_objects(paths), self._asked, keep=on_error == "skip")
        self._labels = labels
        if labels is not None and not callable(labels) and len(labels) != self._items.objects:
            raise OptionError(f"there are {len(labels)} labels for {self._items.objects} objects")
        self._transform, self._target_transform, self._transforms = transform, target_transform, transforms
        self._skip = on_error == "skip"
        self._own: _Own | None = None

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> Any:
        index = self._check(index)
        try:
            array = self._array(self.read(index).array)
        except FastdcmError:
            if self._skip:
                return None
            raise
        if self._labels is None:
            return array if self._transform is None else self._transform(array)
        label = self.label(index)
        if self._transforms is not None:
            return self._transforms(array, label)
        return (
            array if self._transform is None else self._transform(array),
            label if self._target_transform is None else self._target_transform(label),
        )

    def __repr__(self) -> str:
        return f"<{type(self).__module__}.{type(self).__name__} of {len(self)} frames>"

    def read(self, index: int) -> Frame:
        """A frame before any transform. Raises errors of `FastdcmError`'s tree, those to be skipped, too."""
        item = self._items[self._check(index)]
        piece = Piece(item.source, item.frame)
        reader = self._reader()
        try:
            array, mapping = reader.read(piece)
            dtype = array.dtype if self._asked.usual_dtype is None else np.dtype(self._asked.usual_dtype)
            if array.dtype != dtype or not array.flags.writeable:
                row = np.empty(array.shape, dtype)
                reader.put(row, piece, array)
                array = row
        finally:
            if self._asked.first_only:
                reader.close()
        return Frame(array, self.origin(index), mapping)

    def origin(self, index: int) -> Origin:
        """Where a frame comes from: the path of its object (None for bytes), and its number there, from 1."""
        item = self._items[self._check(index)]
        return Origin(item.source if isinstance(item.source, str) else None, item.frame)

    def label(self, index: int) -> Any:
        """The label of a frame, as it was given."""
        labels = self._labels
        if labels is None:
            raise OptionError("the data set has no labels")
        if callable(labels):
            return labels(self.origin(index))
        label = labels[self._items[self._check(index)].object]
        # Numbers of arrays as those of Python, of which batches become tensors of int64 and float.
        return label.item() if isinstance(label, np.generic) else label

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_own": None}

    def _array(self, array: NDArray[Any]) -> Any:
        """The array as items have it, before it is transformed."""
        return array

    def _check(self, index: int) -> int:
        # IndexError ends a `for` over a data set.
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} of a data set of {len(self)} frames")
        return index + len(self) if index < 0 else index

    def _reader(self) -> Reader:
        """This thread's reader. One of the process that this one was forked from is not used."""
        own = self._own
        if own is None or own.process != os.getpid():
            OUTLOOK.lasting = True  # epochs are to come
            own = self._own = _Own(os.getpid())
        if (reader := getattr(own, "reader", None)) is None:
            reader = own.reader = Reader(self._asked)
        return reader


class _Own(threading.local):
    """What each thread has for itself."""

    reader: Reader | None

    def __init__(self, process: int) -> None:
        self.process = process
        self.reader = None
