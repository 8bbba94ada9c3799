"""The Python package dicom2jpg, on a whole folder; without its own processes: each peer has one core."""

from __future__ import annotations

import os

from benches.peers import Absent, Present, UnsupportedJobError

label = "dicom2jpg (Python)"


def available() -> Present | Absent:
    try:
        import dicom2jpg
    except ImportError:
        return Absent("pip install dicom2jpg (brings opencv-python, which wants libGL)")
    return Present(dicom2jpg.__version__)


def convert(source: str, target: str, format: str) -> None:
    import dicom2jpg

    name = dicom2jpg.dicom2png if format == "png" else dicom2jpg.dicom2jpg
    name(source, target_root=target, multiprocessing=False)
    if not any(names for _, _, names in os.walk(target)):
        raise UnsupportedJobError("nothing was written (it takes no multi-frame objects)")
