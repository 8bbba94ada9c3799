"""Running command lines, and reading the pictures that they write."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[Any]


def fastdcm(*arguments: str | Path, status: int = 0) -> subprocess.CompletedProcess[str]:
    """``fastdcm ARGUMENTS``, which must end with a status."""
    command = [sys.executable, "-m", "fastdcm", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False)
    assert done.returncode == status, done.stderr + done.stdout
    return done


def converted(path: Path, arguments: Sequence[str], output: Path) -> Path:
    """The only file that ``fastdcm convert PATH -o OUTPUT ARGUMENTS`` writes."""
    chosen = [] if {"-F", "--format"} & {*arguments} else ["-F", "png"]
    fastdcm("convert", path, "-o", output, "-j", "1", *chosen, *arguments)
    (found,) = output.iterdir()
    return found


def run(tool: str, *arguments: str | Path) -> str:
    """Another program, which must succeed; what it says."""
    done = subprocess.run(
        [tool, *map(str, arguments)],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout + done.stderr


def picture(path: Path) -> Array:
    """The pixels, as they are in the file: gray or RGB, 8 or 16 bits."""
    with Image.open(path) as image:
        image.load()
        if image.mode in ("P", "1", "RGBA"):
            image = image.convert("L" if image.mode == "1" else "RGB")
        pixels = np.asarray(image)
    return pixels


def apart(ours: Array, theirs: Array) -> float:
    """The largest difference in grays of 255; gray that is written as RGB counts as gray."""
    gray = [
        pixels[..., 0] if pixels.ndim == 3 and (pixels == pixels[..., :1]).all() else pixels
        for pixels in (ours, theirs)
    ]
    if gray[0].ndim != gray[1].ndim:
        gray = [pixels if pixels.ndim == 3 else np.stack([pixels] * 3, axis=-1) for pixels in gray]
    assert gray[0].shape == gray[1].shape
    scale = [255 / 65535 if pixels.dtype.itemsize > 1 else 1.0 for pixels in gray]
    return float(np.abs(gray[0] * scale[0] - gray[1] * scale[1]).max())
