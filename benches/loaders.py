"""Ways to load many files into arrays: ``python -m benches.loaders NAME``, one process for each.

A line of JSON in, ``{"case": ..., "paths": [...], "size": 512}``, a line out, ``{"seconds": ..., "mean":
...}``: the mean grey tells that all have done the same. The first run of a case is not timed: it starts
workers, or compiles, for which ours need but `UNTIMED` files. Others read in two worker processes of a torch
`DataLoader`, which is what people do with them, and what is fastest: most hold the interpreter lock.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

WORKERS = 2
BATCH = 8
#: Files of a first run that is to compile, and to load what is needed.
UNTIMED = 64


def _window(values: Any, center: float, width: float, *, invert: bool) -> Any:
    """PS3.3 C.11.2.1.2.1 as people write it with NumPy: uint8."""
    import numpy as np

    low = center - 0.5 - (width - 1) / 2
    shown = np.clip((values - np.float32(low)) * np.float32(255 / max(width - 1, 1e-3)), 0, 255)
    return (255 - shown if invert else shown).astype(np.uint8)


def _first(value: Any) -> float:
    return float(value[0] if hasattr(value, "__len__") and not isinstance(value, str) else value)


def pydicom_opencv(path: str, size: int) -> Any:
    import cv2
    import numpy as np
    import pydicom

    dataset = pydicom.dcmread(path)
    values = dataset.pixel_array.astype(np.float32)
    slope, intercept = float(dataset.get("RescaleSlope", 1)), float(dataset.get("RescaleIntercept", 0))
    if (slope, intercept) != (1, 0):
        values = values * np.float32(slope) + np.float32(intercept)
    invert = dataset.PhotometricInterpretation == "MONOCHROME1"
    shown = _window(values, _first(dataset.WindowCenter), _first(dataset.WindowWidth), invert=invert)
    return cv2.resize(shown, (size, size), interpolation=cv2.INTER_AREA)


def dicomsdl_opencv(path: str, size: int) -> Any:
    import cv2
    import dicomsdl

    from benches.peers.dicomsdl_opencv import displayed

    dataset = dicomsdl.open(path)
    shown = displayed(dataset.getPixelDataInfo(), dataset.pixelData(0, storedvalue=True))
    return cv2.resize(shown, (size, size), interpolation=cv2.INTER_AREA)


def simpleitk(path: str, size: int) -> Any:
    import cv2
    import SimpleITK

    from benches.peers.simpleitk import displayed

    reader = SimpleITK.ImageFileReader()
    reader.SetFileName(path)
    reader.SetImageIO("GDCMImageIO")
    image = displayed(reader, reader.Execute())  # the view does not keep it
    shown = SimpleITK.GetArrayViewFromImage(image).squeeze()
    return cv2.resize(shown, (size, size), interpolation=cv2.INTER_AREA)


class Monai:
    """LoadImage by PydicomReader, the window, and Resize by areas, as its documentation composes them."""

    def __init__(self) -> None:
        from monai.data import PydicomReader
        from monai.transforms import Compose, EnsureChannelFirst, LoadImage, Resize

        self._reader, self._load, self._compose = PydicomReader, LoadImage, Compose
        self._first, self._resize = EnsureChannelFirst, Resize
        self._by_size: dict[int, Any] = {}
        self._window: dict[str, Any] = {}

    def __call__(self, path: str, size: int) -> Any:
        from monai.transforms import ScaleIntensityRange

        if size not in self._by_size:
            load = self._load(reader=self._reader(swap_ij=False), image_only=True)
            self._by_size[size] = load, self._first(), self._resize((size, size), mode="area")
        load, first, resize = self._by_size[size]
        image = load(path)
        # Values are tags' or text: pydicom's JSON of them is in the meta data.
        low, high = _range_of(path, self._window)
        scale = ScaleIntensityRange(low, high, 0, 255, clip=True)
        return resize(scale(first(image))).as_tensor()[0]


def _range_of(path: str, known: dict[str, Any]) -> Any:
    """The window's range of modality values, read once a file: what is timed is the loading."""
    import pydicom

    real = str(os.stat(path).st_ino)
    if real not in known:
        dataset = pydicom.dcmread(path, stop_before_pixels=True)
        center, width = _first(dataset.WindowCenter), _first(dataset.WindowWidth)
        low, high = center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2
        known[real] = (high, low) if dataset.PhotometricInterpretation == "MONOCHROME1" else (low, high)
    return known[real]


class Files:
    """A map-style data set of torch."""

    def __init__(self, paths: list[str], read: Callable[[str, int], Any], size: int) -> None:
        self._paths, self._read, self._size = paths, read, size

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> Any:
        return self._read(self._paths[index], self._size)


def _alone(worker: int) -> None:
    """A worker has one thread, as there are as many of them as cores."""
    import torch

    torch.set_num_threads(1)
    for name, call in (("cv2", "setNumThreads"), ("SimpleITK", "")):
        with contextlib.suppress(ImportError):
            module = __import__(name)
            if call:
                getattr(module, call)(1)
            else:
                module.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
                module.ProcessObject.SetGlobalWarningDisplay(False)


def in_loader(read: Callable[[str, int], Any], paths: list[str], size: int) -> Callable[[], float]:
    """An epoch of a DataLoader, whose workers stay; the mean of its images."""
    from torch.utils.data import DataLoader

    loader = DataLoader(
        Files(paths, read, size),  # type: ignore[arg-type]
        batch_size=BATCH,
        num_workers=WORKERS,
        persistent_workers=True,
        worker_init_fn=_alone,
    )

    def epoch() -> float:
        # A grey of each batch: that of all would take time that is none of loading.
        return sum(float(batch[0].float().mean()) for batch in loader) / -(-len(paths) // BATCH)

    return epoch


def ours(paths: list[str], size: int) -> Callable[[], float]:
    import numpy as np

    import fastdcm

    out = np.empty((len(paths), size, size), np.uint8)
    out.fill(1)  # whose pages are fetched before

    def epoch() -> float:
        fastdcm.load(paths, (size, size), fit="stretch", threads=WORKERS, out=out)
        return float(np.mean([row.mean() for row in out[::BATCH]]))

    return epoch


def ours_in_batches(paths: list[str], size: int) -> Callable[[], float]:
    import fastdcm

    def epoch() -> float:
        batches = fastdcm.iter_batches(paths, BATCH, (size, size), fit="stretch", threads=WORKERS)
        return sum(float(batch.array[0].mean()) for batch in batches) / -(-len(paths) // BATCH)

    return epoch


def floor(paths: list[str], size: int) -> Callable[[], float]:
    """The library's decoder, a window and the area filter by bare calls, of bytes in memory, two threads."""
    from benches.measure.bare import BareFrame

    frames = {os.stat(path).st_ino: path for path in paths}
    known = {inode: BareFrame(path, (size, size)) for inode, path in frames.items()}
    jobs = [known[os.stat(path).st_ino] for path in paths]

    def share(number: int) -> None:
        for job in jobs[number::WORKERS]:
            job.picture()

    def epoch() -> float:
        threads = [Thread(target=share, args=(number,)) for number in range(WORKERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(float(job.picture().mean()) for job in jobs[::BATCH]) / -(-len(jobs) // BATCH)

    return epoch


Loader = Callable[[list[str], int], Callable[[], float]]
LOADERS: dict[str, tuple[tuple[str, ...], Loader]] = {
    "fastdcm.load": (("fastdcm",), ours),
    "iter_batches": (("fastdcm",), ours_in_batches),
    "bare decoder": (("imagecodecs",), floor),
    "pydicom + OpenCV": (("torch", "pydicom", "cv2"), partial(in_loader, pydicom_opencv)),
    "MONAI": (("torch", "monai"), lambda paths, size: in_loader(Monai(), paths, size)),
    "SimpleITK": (("torch", "SimpleITK", "cv2"), partial(in_loader, simpleitk)),
    "dicomsdl + OpenCV": (("torch", "dicomsdl", "cv2"), partial(in_loader, dicomsdl_opencv)),
}
#: Those that we are compared with.
PEERS = ("pydicom + OpenCV", "MONAI", "SimpleITK", "dicomsdl + OpenCV")


def _serve(name: str) -> None:
    needed, loader = LOADERS[name]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(**fields: Any) -> None:
        answers.write(json.dumps(fields) + "\n")
        answers.flush()

    for module in needed:
        try:
            __import__(module)
        except ImportError:
            answer(absent=f"no {module}")
            return
    answer(ready=True)
    ready: tuple[str, Callable[[], float]] | None = None
    for line in io.TextIOWrapper(sys.stdin.buffer):
        job = json.loads(line)
        try:
            if ready is None or ready[0] != job["case"]:
                if name not in PEERS:
                    loader(job["paths"][:UNTIMED], job["size"])()
                ready = job["case"], loader(job["paths"], job["size"])
                if name in PEERS:
                    ready[1]()
            start = time.perf_counter()
            mean = ready[1]()
            answer(seconds=time.perf_counter() - start, mean=mean)
        except Exception as error:  # whatever a peer raises is its result
            # Of one from a worker the last line tells.
            answer(failed=f"{type(error).__name__}: {str(error).strip().rpartition(chr(10))[2]}"[:200])
            ready = None


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    _serve(sys.argv[1])
