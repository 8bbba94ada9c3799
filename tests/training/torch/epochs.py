"""``python -m tests.training.torch.epochs [FOLDER] [EPOCHS]``: a data set, over and over, in a `DataLoader`.

With no workers, two forked and two spawned: a line an epoch with its images a second, memory of this process
and its workers, the DICOM files that they have open, and whether images are those of the first epoch. Then
what memory did after the second epoch, up to which buffers find their sizes and kernels are loaded: where
they are not compiled yet, as `fastdcm warmup` does, that comes later. The exit status is 1 where memory grew
by more than a twentieth, where files are open, or where images are others.

Memory is what is in no file: anonymous and shared pages, each divided by the processes that have it. Pages of
libraries are left out. Linux counts those as private to a process while no other one maps them: 230 MB of
torch's come and go as other processes import torch, and end. Garbage is collected in full as workers begin,
and here after each epoch: that writes to every object, so that forked processes get pages of their own, some
45 MB each, once, whenever it comes.
"""

from __future__ import annotations

import gc
import hashlib
import os
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from torch.utils.data import DataLoader

from fastdcm.torch import DicomDataset, collate
from tests.conftest import CORPUS

#: By which part memory may be more after the last epoch than after the second one: what the C library has
#: free at the end of its heap is 1 to 4 % of it, from one epoch to the next.
MOST_GROWTH = 0.05


class Epoch(NamedTuple):
    """Of an epoch: seconds, images, bytes of memory after it, DICOM files still open, a hash of all."""

    seconds: float
    images: int
    memory: int
    files: int
    digest: str


def digests(loader: DataLoader[Any]) -> list[str]:
    """A hash of each batch."""
    found = []
    for batch in loader:
        tensors = batch if isinstance(batch, (list, tuple)) else [batch]
        found.append(hashlib.sha256(b"".join(tensor.numpy().tobytes() for tensor in tensors)).hexdigest())
    return found


def one(loader: DataLoader[Any]) -> Epoch:
    """An epoch of a loader with ``persistent_workers``, or without any."""
    found, images, start = hashlib.sha256(), 0, time.perf_counter()
    batches = iter(loader)
    for batch in batches:
        if batch is not None:
            found.update(batch.numpy())
            images += len(batch)
    seconds = time.perf_counter() - start
    gc.collect()
    workers = [worker.pid for worker in getattr(batches, "_workers", [])]
    processes = [os.getpid(), *workers]
    memory, files = sum(map(own_bytes, processes)), sum(map(dicom_files, processes))
    return Epoch(seconds, images, memory, files, found.hexdigest())


def collect(_worker: int) -> None:
    """For a worker to begin with: it copies what it inherited now, and not in some later epoch."""
    gc.collect()


def own_bytes(process: int) -> int:
    """Memory of a process that is no file's; of what it shares with others, its part."""
    total = 0
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        if line.startswith(("Pss_Anon:", "Pss_Shmem:")):
            total += 1024 * int(line.split()[1])
    return total


def dicom_files(process: int) -> int:
    """How many files of data sets a process has open."""
    links = Path(f"/proc/{process}/fd")
    names = []
    for link in links.iterdir():
        try:
            names.append(os.readlink(link))
        except FileNotFoundError:  # the listing's own
            continue
    return sum(name.endswith(".dcm") or str(CORPUS) in name for name in names)


def told(epochs: list[Epoch]) -> str:
    """What memory did after the second epoch; of two epochs or fewer, nothing."""
    if len(epochs) < 3:
        return "too few epochs to tell of memory"
    return (
        f"memory after epoch 2 {epochs[1].memory / 1e6:.1f} MB, after epoch {len(epochs)} "
        f"{epochs[-1].memory / 1e6:.1f} MB ({growth(epochs):+.1%}), at most "
        f"{max(epoch.memory for epoch in epochs[1:]) / 1e6:.1f} MB"
    )


def growth(epochs: list[Epoch]) -> float:
    """By which part memory grew from the second epoch to the last one."""
    return epochs[-1].memory / epochs[1].memory - 1 if len(epochs) > 2 else 0.0


def main() -> int:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else CORPUS / "files"
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    options: dict[str, Any] = {"size": (256, 256), "channels": 1, "fit": "pad", "on_error": "skip"}
    first, wrong = "", False
    for name, workers in (("no workers", 0), ("fork", 2), ("spawn", 2)):
        data = DicomDataset(folder, **options)
        loader = DataLoader(
            data,
            batch_size=16,
            num_workers=workers,
            multiprocessing_context=name if workers else None,
            persistent_workers=workers > 0,
            collate_fn=collate,
            worker_init_fn=collect,
        )
        print(f"{name}: {len(data)} frames", flush=True)
        epochs: list[Epoch] = []
        for number in range(1, count + 1):
            epoch = one(loader)
            epochs.append(epoch)
            first = first or epoch.digest
            wrong |= epoch.digest != first or epoch.files > 0
            print(
                f"  epoch {number:>2}: {epoch.images / epoch.seconds:>7.1f} images/s, "
                f"{epoch.memory / 1e6:>7.1f} MB, {epoch.files} files open, "
                f"{'equal' if epoch.digest == first else 'OTHER IMAGES'}",
                flush=True,
            )
        print(f"  {told(epochs)}", flush=True)
        wrong |= growth(epochs) > MOST_GROWTH
        del loader
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
