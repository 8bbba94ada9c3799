"""The Python package dicom2jpg, on a whole folder; without its own processes: each peer has one core.

Its JPEGs have quality 90. It names them by the header, so files that are the same twice give one image.
"""

from __future__ import annotations

import contextlib
import io

from benches.peers import Absent, Present, UnsupportedJobError

label = "dicom2jpg (Python)"


def available() -> Present | Absent:
    try:
        import dicom2jpg
    except ImportError:
        return Absent(
            "pip install --no-deps dicom2jpg, and opencv-python-headless (its own opencv-python wants libGL)"
        )
    return Present(dicom2jpg.__version__)


def convert(source: str, target: str, format: str) -> None:
    import dicom2jpg

    name = dicom2jpg.dicom2png if format == "png" else dicom2jpg.dicom2jpg
    with contextlib.redirect_stdout(io.StringIO()) as said:
        name(source, target_root=target, multiprocessing=False)
    if said.getvalue():  # it raises nothing for what it leaves out
        raise UnsupportedJobError(said.getvalue().strip().splitlines()[-1])
