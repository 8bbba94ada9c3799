"""``python -m benches.measure.deviations FOLDER OURS``: how the first image of each subfolder differs
from ours.

In grey levels of the decoded files: the mean difference, the largest one, and the share of samples that
differ by more than two, which is what different JPEG encoders make of the same pixels.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import PIL.Image
from numpy.typing import NDArray

Array = NDArray[Any]


def images_of(folder: Path) -> list[Path]:
    """The image files below a folder, in the order of their names."""
    ends = {".jpg", ".jpeg", ".png"}
    found = (path for path in folder.rglob("*") if path.suffix.lower() in ends and path.stat().st_size)
    return sorted(found, key=lambda path: (len(path.name), path.name))


def decode(path: Path) -> Array:
    """The pixels of a PNG or JPEG."""
    if path.suffix == ".png":
        with PIL.Image.open(path) as image:
            return np.asarray(image)
    pixels: Array = imagecodecs.jpeg8_decode(path.read_bytes())
    return pixels


def deviation(ours: Array, theirs: Array) -> dict[str, Any]:
    """Mean and largest difference, share above two levels; grey that was written as RGB counts as grey."""
    if theirs.ndim == 3 and ours.ndim == 2 and (theirs == theirs[..., :1]).all():
        theirs = theirs[..., 0]
    if ours.shape != theirs.shape:
        return {
            "words": f"{' x '.join(map(str, theirs.shape))} instead of {' x '.join(map(str, ours.shape))}"
        }
    difference = np.abs(ours.astype(np.int16) - theirs.astype(np.int16))
    return {
        "mean": float(difference.mean()),
        "most": int(difference.max()),
        "share": float((difference > 2).mean()),
    }


def main(folder: Path, ours: str) -> dict[str, Any]:
    """By peer: how many images there are, and how the first of them differs."""
    found = {place.name: images_of(place) for place in folder.iterdir()}
    reference = decode(found[ours][0])
    return {
        name: {
            "images": len(paths),
            "bytes": sum(path.stat().st_size for path in paths),
            **(deviation(reference, decode(paths[0])) if paths else {}),
        }
        for name, paths in found.items()
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), sys.argv[2])))
