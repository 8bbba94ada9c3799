"""What independent programs read out of files that were written."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[Any]
Peer = Callable[[str], str]


def by_pillow(data: bytes) -> Array:
    with Image.open(io.BytesIO(data)) as found:
        return np.asarray(found)


def by_ffmpeg(data: bytes, extension: str, pixel_format: str, folder: Path, peer: Peer) -> Array:
    """All frames, (frames, rows, columns[, 3]), as FFmpeg converts them to a pixel format."""
    path = folder / f"x{extension}"
    path.write_bytes(data)
    size = run([peer("ffprobe"), *QUIET, "-show_entries", "stream=width,height", "-of", "csv=p=0", str(path)])
    columns, rows = map(int, size.decode().strip().strip(",").split(","))
    raw = ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", pixel_format, "-"]
    samples = run([peer("ffmpeg"), *QUIET, "-i", str(path), *raw])
    kind, channels = {"gray": ("u1", ()), "rgb24": ("u1", (3,)), "rgb48le": ("<u2", (3,))}[pixel_format]
    return np.frombuffer(samples, kind).reshape(-1, rows, columns, *channels)


QUIET = ("-v", "error")


def by_command(data: bytes, extension: str, command: list[str], folder: Path, *, colour: bool) -> Array:
    """As a command converts a file to PGM or PPM; IN and OUT among its words are their names."""
    source, target = folder / f"in{extension}", folder / ("out.ppm" if colour else "out.pgm")
    source.write_bytes(data)
    run([{"IN": str(source), "OUT": str(target)}.get(word, word) for word in command])
    return pnm(target.read_bytes())


def run(command: list[str]) -> bytes:
    return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout


def pnm(data: bytes) -> Array:
    """P5 and P6 (netpbm's manual pages): three numbers, one white space, samples with the high byte first."""
    words: list[bytes] = []
    position = 0
    while len(words) < 4:
        line, position = data[position : (end := data.index(b"\n", position))], end + 1
        words += [] if line.startswith(b"#") else line.split()
    columns, rows, most = map(int, words[1:4])
    kind = ">u2" if most > 255 else "u1"
    samples = np.frombuffer(data, kind, offset=position).astype(f"u{np.dtype(kind).itemsize}")
    return samples.reshape((rows, columns, 3) if words[0] == b"P6" else (rows, columns))


def noise_distance(found: Array, expected: Array) -> float:
    """The distance of the largest value from the noise, in dB (PSNR)."""
    most = 65535 if expected.dtype.itemsize > 1 else 255
    error = float(np.mean((found.astype(float) - expected) ** 2))
    return float("inf") if error == 0 else float(10 * np.log10(most * most / error))
