"""DICOM frames as data sets of PyTorch; the extra ``torch`` brings it.

`DicomDataset` reads objects, frame by frame; `ShardDataset` reads tars of images that ``convert --shards``
has written, or another writer of WebDataset's format. Both go into `torch.utils.data.DataLoader` as they are,
with any number of workers, forked or spawned, and with ``pin_memory``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastdcm.training.frames import FrameDataset
from fastdcm.training.shards import ShardReader, Share

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

try:
    import torch
    from torch.utils.data import Dataset, IterableDataset, default_collate, get_worker_info
except ImportError as error:
    raise ImportError("fastdcm.torch needs PyTorch: pip install torch") from error

__all__ = ["DicomDataset", "ShardDataset", "collate", "tensor_of"]


def tensor_of(array: NDArray[Any]) -> torch.Tensor:
    """An array (rows, columns[, 3]) as a tensor (channels, rows, columns) in the same memory."""
    tensor = torch.from_numpy(array)
    return tensor.unsqueeze(0) if tensor.ndim == 2 else tensor.permute(2, 0, 1)


def collate(items: Sequence[Any]) -> Any:
    """`torch.utils.data.default_collate` without the items that failed (None); None where all of them did.

    For ``DataLoader(..., collate_fn=fastdcm.torch.collate)`` and data sets with ``on_error="skip"``.
    """
    there = [item for item in items if item is not None]
    return default_collate(there) if there else None


class DicomDataset(FrameDataset, Dataset[Any]):
    """Frames of DICOM objects as tensors, map style: `fastdcm.training.frames.FrameDataset` with tensors.

    An item is ``image``, or ``(image, label)`` with ``labels``; the image is a tensor (channels, rows,
    columns) with 1 or 3 channels, in the memory of the array that was decoded. Transforms get that tensor.
    """

    def _array(self, array: NDArray[Any]) -> torch.Tensor:
        return tensor_of(array)


class ShardDataset(IterableDataset[Any]):
    """Images of shards as tensors, in order or shuffled: `fastdcm.training.shards.ShardReader` with tensors.

    An item is ``transform(image, metadata)``, or those two: a tensor (channels, rows, columns), and what the
    member NAME.json says, {} where there is none. Workers of a `DataLoader`, and ranks of
    `torch.distributed` where it is initialized, read shards of their own. `set_epoch` before each epoch has
    shards and images come in another order.
    """

    def __init__(self, shards: Any, **options: Any) -> None:
        super().__init__()
        self._reader = ShardReader(shards, convert=tensor_of, **options)

    def __iter__(self) -> Iterator[Any]:
        return self._reader.read(_share())

    def set_epoch(self, epoch: int) -> None:
        """Which epoch comes, from 0; with persistent workers it must be set before the loader is asked."""
        self._reader.epoch = epoch


def _share() -> Share:
    """Which part of the shards is this process'."""
    worker = get_worker_info()
    number, workers = (0, 1) if worker is None else (worker.id, worker.num_workers)
    rank, ranks = 0, 1
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        rank, ranks = torch.distributed.get_rank(), torch.distributed.get_world_size()
    return Share(rank * workers + number, ranks * workers)
