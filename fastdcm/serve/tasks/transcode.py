"""An object in Explicit VR Little Endian, which everybody reads (PS3.18 8.7.3.5.2), by pydicom's writer."""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import Any

from fastdcm.errors import DicomError, OptionError
from fastdcm.serve.tasks import Folder
from fastdcm.serve.tasks.frames import native_bytes

_EXPLICIT_LE = "1.2.840.10008.1.2.1"
_OFFSET_TABLES = (0x7FE00001, 0x7FE00002)


def transcode(folder: Folder, path: str) -> bytes:
    """The whole object as a file; colours that had to be decoded are RGB, by pixel.

    Raises `OptionError` where it has more bytes than one answer may hold.
    """
    image = folder.image(path)
    header = image.header
    rows, columns = image.shape
    size = rows * columns * header.samples_per_pixel * ((header.bits_allocated + 7) // 8) * len(image)
    if size > folder.max_bytes:
        raise OptionError(f"decoded it has {size} bytes; ask for it as it is stored (transfer-syntax=*)")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is odd in the file stays as it is
        dataset = image.dataset(pixels=not image.encapsulated)
        if image.encapsulated:
            pixels = b"".join(native_bytes(image, index) for index in range(len(image)))
            dataset.PixelData = pixels + b"\0" * (len(pixels) % 2)
            dataset["PixelData"].VR = "OB" if header.bits_allocated <= 8 else "OW"
            if header.samples_per_pixel > 1:
                dataset.PhotometricInterpretation, dataset.PlanarConfiguration = "RGB", 0
            for tag in _OFFSET_TABLES:
                if tag in dataset:
                    del dataset[tag]
        meta: Any = dataset.file_meta
        meta.TransferSyntaxUID = _EXPLICIT_LE
        file = BytesIO()
        try:
            dataset.save_as(file, implicit_vr=False, little_endian=True)
        except Exception as error:  # pydicom raises what its parts raise
            words = str(error).partition("\n")[0]
            raise DicomError(f"pydicom cannot write it: {words}") from error
    return file.getvalue()
