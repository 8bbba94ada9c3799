"""dicomsdl reads and windows (in C++), OpenCV writes: the fastest that Python had."""

from __future__ import annotations

import os
from typing import Any

from benches.peers import QUALITY, Absent, Present, UnsupportedJobError, files_of, frame_suffixes

label = "dicomsdl + OpenCV"


def available() -> Present | Absent:
    try:
        import cv2
        import dicomsdl
    except ImportError:
        return Absent("pip install dicomsdl opencv-python-headless")
    return Present(f"{dicomsdl.DICOMSDL_VERSION} + {cv2.__version__}")


def convert(source: str, target: str, format: str) -> None:
    import cv2
    import dicomsdl

    cv2.setNumThreads(1)
    end, settings = (".png", []) if format == "png" else (".jpg", [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    for path, stem in files_of(source):
        dataset = dicomsdl.open(path)
        info = dataset.getPixelDataInfo()
        for index, suffix in enumerate(frame_suffixes(info["NumberOfFrames"] or 1)):
            pixels = displayed(info, dataset.pixelData(index, storedvalue=True))
            if not cv2.imwrite(os.path.join(target, stem + suffix + end), pixels, settings):
                raise UnsupportedJobError("imwrite failed")


def displayed(info: dict[str, Any], pixels: Any) -> Any:
    """The window by dicomsdl's own function, as its to_pil_image has it."""
    import cv2
    import numpy as np
    from dicomsdl.util import convert_to_uint8

    if pixels.ndim == 3:
        if pixels.shape[0] == 3:
            pixels = np.ascontiguousarray(pixels.transpose(1, 2, 0))
        return cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    slope, intercept, center, width = (
        value[0] if isinstance(value := info[name], list) else value
        for name in ("RescaleSlope", "RescaleIntercept", "WindowCenter", "WindowWidth")
    )
    if center is None or width is None:
        low, high = float(pixels.min()), float(pixels.max())
    else:
        ends = (center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2)
        low, high = ((end - (intercept or 0.0)) / (slope or 1.0) for end in ends)
    gray = np.empty(pixels.shape, np.uint8)
    if pixels.dtype.kind == "u":
        # What is unsigned and below the window comes out white (0.109.4), so it goes in as signed.
        fits = pixels.itemsize == 2 and info["BitsStored"] < 16
        pixels = pixels.view(np.int16) if fits else pixels.astype(np.int32)
    convert_to_uint8(pixels, gray, low, high)
    return cv2.bitwise_not(gray) if info["PhotometricInterpretation"] == "MONOCHROME1" else gray
