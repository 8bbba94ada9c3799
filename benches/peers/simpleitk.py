"""SimpleITK: ImageFileReader, IntensityWindowing, WriteImage, one thread.

Its JPEGs are progressive, and it has no option for that.
"""

from __future__ import annotations

import os
from typing import Any

from benches.peers import QUALITY, Absent, Present, files_of, frame_suffixes

label = "SimpleITK"


def available() -> Present | Absent:
    try:
        import SimpleITK
    except ImportError:
        return Absent("pip install SimpleITK")
    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
    return Present(SimpleITK.Version().VersionString())


def convert(source: str, target: str, format: str) -> None:
    import SimpleITK

    for path, stem in files_of(source):
        reader = SimpleITK.ImageFileReader()
        reader.SetFileName(path)
        reader.SetImageIO("GDCMImageIO")  # which spares it to ask every other format first
        image = reader.Execute()  # modality values: ITK rescales
        frames = image.GetSize()[2] if image.GetDimension() == 3 else 1
        colour = image.GetNumberOfComponentsPerPixel() > 1
        gray = image if colour else displayed(reader, image)
        for index, suffix in enumerate(frame_suffixes(frames)):
            # gray[:, :, index] does the same, and takes three times as long.
            size, start = (*image.GetSize()[:2], 0), (0, 0, index)
            frame = SimpleITK.Extract(gray, size, start) if image.GetDimension() == 3 else gray
            if format == "png":
                SimpleITK.WriteImage(frame, os.path.join(target, stem + suffix + ".png"))
            else:
                SimpleITK.WriteImage(frame, os.path.join(target, stem + suffix + ".jpg"), True, QUALITY)


def displayed(reader: Any, image: Any) -> Any:
    """8 bits by the file's window. ITK turns MONOCHROME1 around (largest stored value minus value)."""
    import SimpleITK

    def number(tag: str) -> float | None:
        return float(reader.GetMetaData(tag).split("\\")[0]) if reader.HasMetaDataKey(tag) else None

    center, width = number("0028|1050"), number("0028|1051")
    if center is None or width is None:
        extremes = SimpleITK.MinimumMaximumImageFilter()
        extremes.Execute(image)
        low, high = extremes.GetMinimum(), extremes.GetMaximum()
    else:
        low, high = center - width / 2, center + width / 2
    if reader.GetMetaData("0028|0004").strip() == "MONOCHROME1" and center is not None:
        top = ((1 << int(number("0028|0101") or 16)) - 1) * (number("0028|1053") or 1.0)
        turn = top + 2 * (number("0028|1052") or 0.0)
        low, high = turn - high, turn - low
        image = SimpleITK.Cast(image, SimpleITK.sitkFloat32)  # the filter's limits have the image's type
    return SimpleITK.Cast(SimpleITK.IntensityWindowing(image, low, high, 0, 255), SimpleITK.sitkUInt8)
