"""DICOM images to JPEG and PNG.

The public names load on first use: ``import fastdcm`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastdcm.api import convert, open, read, render
    from fastdcm.arrays.batch import Batch
    from fastdcm.batch.report import Report
    from fastdcm.errors import (
        ArchiveError,
        BurnedInError,
        CodestreamError,
        CollisionError,
        DecodeError,
        DicomError,
        EncodeError,
        FastdcmError,
        NoPixelDataError,
        NotDicomError,
        OptionError,
        OutputError,
        RenderError,
        SourceError,
        StrictError,
        TargetError,
        TruncatedError,
        UnsupportedError,
        VolumeError,
        WebError,
        WorkerCrashError,
        WorkerError,
        WorkerTimeoutError,
    )
    from fastdcm.loading import iter_batches, load
    from fastdcm.model import Header, Notice, Window
    from fastdcm.pipeline import Image
    from fastdcm.rendering.mapping import Mapping
    from fastdcm.volumes.masks import Masks
    from fastdcm.volumes.series import load_series
    from fastdcm.volumes.volume import Volume

__version__ = "0.1.0"

__all__ = [
    "ArchiveError",
    "Batch",
    "BurnedInError",
    "CodestreamError",
    "CollisionError",
    "DecodeError",
    "DicomError",
    "EncodeError",
    "FastdcmError",
    "Header",
    "Image",
    "Mapping",
    "Masks",
    "NoPixelDataError",
    "NotDicomError",
    "Notice",
    "OptionError",
    "OutputError",
    "RenderError",
    "Report",
    "SourceError",
    "StrictError",
    "TargetError",
    "TruncatedError",
    "UnsupportedError",
    "Volume",
    "VolumeError",
    "WebError",
    "Window",
    "WorkerCrashError",
    "WorkerError",
    "WorkerTimeoutError",
    "convert",
    "iter_batches",
    "load",
    "load_series",
    "open",
    "read",
    "render",
]

#: Where a public name lives; every other one is an error of `fastdcm.errors`.
_HOMES = {
    "Batch": "fastdcm.arrays.batch",
    "Header": "fastdcm.model",
    "Image": "fastdcm.pipeline",
    "Mapping": "fastdcm.rendering.mapping",
    "Masks": "fastdcm.volumes.masks",
    "Notice": "fastdcm.model",
    "Report": "fastdcm.batch.report",
    "Volume": "fastdcm.volumes.volume",
    "Window": "fastdcm.model",
    "convert": "fastdcm.api",
    "iter_batches": "fastdcm.loading",
    "load": "fastdcm.loading",
    "load_series": "fastdcm.volumes.series",
    "open": "fastdcm.api",
    "read": "fastdcm.api",
    "render": "fastdcm.api",
}


if not TYPE_CHECKING:  # a type checker would take every misspelt name for an object

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module 'fastdcm' has no attribute {name!r}")
        value = getattr(import_module(_HOMES.get(name, "fastdcm.errors")), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
