"""Small shards for the tests: PNG by Pillow, tars by Python."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def png(pixels: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


def add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


def write_shards(folder: Path, *, shards: int, each: int) -> list[str]:
    """Tars of 6 x 8 images, whose samples and ``number`` are those of the image, from 0."""
    paths = []
    for shard in range(shards):
        paths.append(str(folder / f"out-{shard:06}.tar"))
        with tarfile.open(paths[-1], "w") as tar:
            for number in range(shard * each, (shard + 1) * each):
                add(tar, f"study/{number:03}.png", png(np.full((6, 8), number, np.uint8)))
                add(tar, f"study/{number:03}.json", json.dumps({"number": number}).encode())
    return paths
