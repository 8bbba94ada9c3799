"""pydicom and Pillow as pydicom's documentation has it: iter_pixels, apply_rescale, apply_voi_lut.

Of palettes, apply_color_lut.
"""

from __future__ import annotations

import os
from typing import Any

from benches.peers import Absent, Present, files_of, frame_suffixes
from benches.peers.pydicom_pillow import available as pydicom_available
from benches.peers.pydicom_pillow import save

label = "pydicom + Pillow, by its documentation"


def available() -> Present | Absent:
    return pydicom_available()


def convert(source: str, target: str, format: str) -> None:
    from pydicom import dcmread
    from pydicom.pixels import iter_pixels

    for path, stem in files_of(source):
        dataset = dcmread(path)
        frames = int(dataset.get("NumberOfFrames", 1) or 1)
        for suffix, pixels in zip(frame_suffixes(frames), iter_pixels(dataset), strict=True):
            save(displayed(dataset, pixels), os.path.join(target, stem + suffix), format)


def displayed(dataset: Any, pixels: Any) -> Any:
    """The modality LUT, then the VOI LUT, whose result has the range of the modality values (PS3.3 C.11)."""
    import numpy as np
    from pydicom.pixels import apply_color_lut, apply_rescale, apply_voi_lut

    if pixels.ndim == 3:
        return pixels
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        colors = apply_color_lut(pixels, dataset)
        return colors if colors.dtype == np.uint8 else (colors >> 8).astype(np.uint8)
    values = apply_voi_lut(apply_rescale(pixels, dataset), dataset).astype(float)
    slope, intercept = float(dataset.get("RescaleSlope", 1)), float(dataset.get("RescaleIntercept", 0))
    bits = dataset.BitsStored
    signed = dataset.PixelRepresentation == 1
    ends = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    if "WindowCenter" in dataset:
        low, high = (end * slope + intercept for end in ends)
    else:
        low, high = values.min(), values.max()
    values = (values - low) / max(high - low, 1e-9) * 255
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        values = 255 - values
    return np.clip(values, 0, 255).astype(np.uint8)
