"""GDCM by its Python binding (its commands write no windowed JPEG), a window by NumPy; Pillow writes."""

from __future__ import annotations

import os
from typing import Any

from benches.peers import Absent, Present, UnsupportedJobError, files_of, frame_suffixes
from benches.peers.pydicom_pillow import save

label = "GDCM + Pillow"


def available() -> Present | Absent:
    try:
        import gdcm
        import PIL.Image  # noqa: F401
    except ImportError:
        return Absent("pip install python-gdcm pillow")
    return Present(gdcm.Version.GetVersion())


def convert(source: str, target: str, format: str) -> None:
    import gdcm

    for path, stem in files_of(source):
        reader = gdcm.ImageReader()
        reader.SetFileName(path)
        if not reader.Read():
            raise UnsupportedJobError("ImageReader.Read() failed")
        image = reader.GetImage()
        frames = image.GetDimension(2) if image.GetNumberOfDimensions() == 3 else 1
        array = values_of(image, frames)
        for index, suffix in enumerate(frame_suffixes(frames)):
            save(
                displayed(image, reader.GetFile(), array[index]), os.path.join(target, stem + suffix), format
            )


def values_of(image: Any, frames: int) -> Any:
    """The stored values, (frames, rows, columns[, 3])."""
    import numpy as np

    form = image.GetPixelFormat()
    # GetBuffer gives the bytes as text; this is how GDCM's own examples get them back.
    data = image.GetBuffer().encode("utf-8", errors="surrogateescape")
    sign = "i" if form.GetPixelRepresentation() else "u"
    samples = form.GetSamplesPerPixel()
    size = (frames, image.GetDimension(1), image.GetDimension(0))
    array = np.frombuffer(data, f"<{sign}{form.GetBitsAllocated() // 8}")
    if samples == 1:
        return array.reshape(size)
    if image.GetPlanarConfiguration():
        return array.reshape(size[0], samples, *size[1:]).transpose(0, 2, 3, 1)
    return array.reshape(*size, samples)


def displayed(image: Any, file: Any, pixels: Any) -> Any:
    """The file's window, in float32."""
    import gdcm
    import numpy as np
    import PIL.Image

    if pixels.ndim == 3:
        if (
            image.GetPhotometricInterpretation().GetString().startswith("YBR_FULL")
        ):  # GDCM's filter takes no 422
            return np.asarray(PIL.Image.fromarray(pixels, "YCbCr").convert("RGB"))
        return pixels
    texts = gdcm.StringFilter()
    texts.SetFile(file)
    center, width = (
        texts.ToString(gdcm.Tag(0x0028, element)).split("\\")[0].strip() for element in (0x1050, 0x1051)
    )
    values = pixels.astype(np.float32) * image.GetSlope() + image.GetIntercept()
    if center and width:
        low, high = float(center) - float(width) / 2, float(center) + float(width) / 2
    else:
        low, high = float(values.min()), float(values.max())
    gray = ((np.clip(values, low, high) - low) * (255 / max(high - low, 1e-9))).astype(np.uint8)
    inverted = image.GetPhotometricInterpretation().GetType() == gdcm.PhotometricInterpretation.MONOCHROME1
    return 255 - gray if inverted else gray
