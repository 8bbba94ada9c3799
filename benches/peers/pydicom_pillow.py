"""pydicom and Pillow as people write it: dcmread, pixel_array, a window by hand in float, Image.save."""

from __future__ import annotations

import os
from typing import Any

from benches.peers import QUALITY, Absent, Present, files_of, frame_suffixes

label = "pydicom + Pillow"


def available() -> Present | Absent:
    try:
        import PIL.Image
        import pydicom
    except ImportError:
        return Absent("pip install pydicom pillow")
    return Present(f"{pydicom.__version__} + {PIL.__version__}")


def convert(source: str, target: str, format: str) -> None:
    import pydicom

    for path, stem in files_of(source):
        dataset = pydicom.dcmread(path)
        frames = int(dataset.get("NumberOfFrames", 1) or 1)
        array = dataset.pixel_array
        for index, suffix in enumerate(frame_suffixes(frames)):
            pixels = displayed(dataset, array[index] if frames > 1 else array)
            save(pixels, os.path.join(target, stem + suffix), format)


def displayed(dataset: Any, pixels: Any) -> Any:
    """The formula that tutorials have: rescale, clip to the window, stretch to 255."""
    import numpy as np

    if pixels.ndim == 3:
        if (
            "YBR" in dataset.PhotometricInterpretation
            and dataset.file_meta.TransferSyntaxUID.is_compressed is False
        ):
            from pydicom.pixels import convert_color_space

            return convert_color_space(pixels, dataset.PhotometricInterpretation, "RGB")
        return pixels
    values = pixels.astype(float) * float(dataset.get("RescaleSlope", 1)) + float(
        dataset.get("RescaleIntercept", 0)
    )
    center, width = dataset.get("WindowCenter"), dataset.get("WindowWidth")
    if center is None:
        low, high = values.min(), values.max()
    else:
        center, width = (float(value[0] if hasattr(value, "__len__") else value) for value in (center, width))
        low, high = center - width / 2, center + width / 2
    values = (np.clip(values, low, high) - low) / max(high - low, 1e-9) * 255
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        values = 255 - values
    return values.astype(np.uint8)


def save(pixels: Any, name: str, format: str) -> None:
    """By Pillow: JPEG of quality 90, PNG as it comes."""
    from PIL import Image

    if format == "png":
        Image.fromarray(pixels).save(name + ".png")
    else:
        Image.fromarray(pixels).save(name + ".jpg", quality=QUALITY)
