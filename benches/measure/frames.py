"""``python -m benches.measure.frames FOLDER``: how much of an object of many frames is read for one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.builders import encapsulated, image, offsets

#: Rows and columns of a frame of which one of many is read.
SIDE = 256


def native(path: Path, frames: int, side: int) -> int:
    """A native object of 16 bits; the bytes before its first frame."""
    pixels = bytes(2 * side * side * frames)
    data = image(pixels, bits=16, rows=side, columns=side, frames=frames, center=40, width=400)
    path.write_bytes(data)
    return len(data) - len(pixels)


def compressed(path: Path, frames: int) -> tuple[int, int]:
    """A JPEG object with a Basic Offset Table: the bytes before its first frame, and those of a frame."""
    import imagecodecs
    import numpy as np

    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE), np.uint8)
    stream = bytes(imagecodecs.jpeg8_encode(noise, 90))
    stream += b"\0" * (len(stream) % 2)
    fragments = [[stream]] * frames
    value = encapsulated([stream] * frames, table=offsets(fragments))
    data = image(value, "1.2.840.10008.1.2.4.50", rows=SIDE, columns=SIDE, frames=frames)
    path.write_bytes(data)
    return len(data) - frames * (8 + len(stream)) - 8, 8 + len(stream)


def bytes_read(path: Path, index: int) -> int:
    """What is read of a file to render one frame."""
    import fastdcm

    with fastdcm.open(path) as opened:
        opened.render(index)
        return opened.bytes_read


def measure(folder: Path, frames: int = 500) -> list[dict[str, Any]]:
    """By syntax: the bytes read for the frame in the middle, and the least that hold it."""
    path = folder / "one.dcm"
    head = native(path, frames, SIDE)
    found = [{"syntax": "native", "read": bytes_read(path, frames // 2), "least": head + 2 * SIDE * SIDE}]
    head, frame = compressed(path, frames)
    found.append({"syntax": "JPEG baseline", "read": bytes_read(path, frames // 2), "least": head + frame})
    path.unlink()
    return found


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]))))
