"""``python -m tests.training.torch.epochs [FOLDER] [EPOCHS]``: a data set, over and over, in a `DataLoader`.

With no workers, two forked and two spawned: a line an epoch with its images a second, memory of this process
and its workers, the DICOM files that they have open, and whether images are those of the first epoch.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from torch.utils.data import DataLoader

from fastdcm.torch import DicomDataset, collate
from tests.conftest import CORPUS


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
    workers = [worker.pid for worker in getattr(batches, "_workers", [])]
    processes = [os.getpid(), *workers]
    memory, files = sum(map(private_bytes, processes)), sum(map(dicom_files, processes))
    return Epoch(seconds, images, memory, files, found.hexdigest())


def private_bytes(process: int) -> int:
    """What a process has in memory for itself; what it shares with its parent is not counted twice."""
    total = 0
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        if line.startswith(("Private_Clean:", "Private_Dirty:")):
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


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else CORPUS / "files"
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    options: dict[str, Any] = {"size": (256, 256), "channels": 1, "fit": "pad", "on_error": "skip"}
    firsts = {}
    for name, workers in (("no workers", 0), ("fork", 2), ("spawn", 2)):
        data = DicomDataset(folder, **options)
        loader = DataLoader(
            data,
            batch_size=16,
            num_workers=workers,
            multiprocessing_context=name if workers else None,
            persistent_workers=workers > 0,
            collate_fn=collate,
        )
        print(f"{name}: {len(data)} frames", flush=True)
        for number in range(1, count + 1):
            epoch = one(loader)
            same = epoch.digest == firsts.setdefault("first", epoch.digest)
            print(
                f"  epoch {number:>2}: {epoch.images / epoch.seconds:>7.1f} images/s, "
                f"{epoch.memory / 1e6:>7.1f} MB, {epoch.files} files open, "
                f"{'equal' if same else 'OTHER IMAGES'}",
                flush=True,
            )
        del loader


if __name__ == "__main__":
    main()
