"""DICOM files as a data set of Hugging Face's `datasets`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastdcm.errors import OptionError
from fastdcm.training.frames import FrameDataset

if TYPE_CHECKING:
    from fastdcm.loading import Readables
    from fastdcm.training.frames import Labels

try:
    import datasets
except ImportError as error:
    raise ImportError("fastdcm.integrations.huggingface needs datasets: pip install datasets") from error


def dataset_of(paths: Readables, labels: Labels | None = None, **options: Any) -> datasets.Dataset:
    """Frames of DICOM objects as a `datasets.Dataset`, each decoded when its row is read.

    A row has ``path``, ``frame`` (from 1), ``item`` (the place in ``paths``, from 0, counted in frames),
    ``label`` with ``labels``, and ``image``, an array of shape (rows, columns[, 3]). Only the former are
    stored: rows can be shuffled, split, and filtered by ``input_columns`` for nothing; ``image`` is made by
    the data set's transform, from ``item``. The arguments are those of
    `fastdcm.training.frames.FrameDataset`; ``transform`` is called with each array.

    Raises `OptionError` where ``paths`` holds anything but paths, and what `FrameDataset` raises.
    """
    transform = options.pop("transform", None)
    named = FrameDataset(paths, labels, **options)
    origins = [named.origin(index) for index in range(len(named))]
    if any(origin.path is None for origin in origins):
        raise OptionError("a data set of Hugging Face is made of paths, not of bytes or files that are open")
    columns: dict[str, list[Any]] = {
        "path": [origin.path for origin in origins],
        "frame": [origin.frame for origin in origins],
        "item": list(range(len(origins))),
    }
    if labels is not None:
        columns["label"] = [named.label(index) for index in range(len(named))]
    return datasets.Dataset.from_dict(columns).with_transform(_Decoding(named, transform))


class _Decoding:
    """A transform of rows; an object, so that it can be pickled for other processes."""

    def __init__(self, frames: FrameDataset, transform: Any) -> None:
        self._frames, self._transform = frames, transform

    def __call__(self, rows: dict[str, list[Any]]) -> dict[str, list[Any]]:
        if "item" not in rows:  # other columns alone were asked for
            return rows
        arrays = [self._frames.read(item).array for item in rows["item"]]
        images = arrays if self._transform is None else [self._transform(array) for array in arrays]
        return {**rows, "image": images}
