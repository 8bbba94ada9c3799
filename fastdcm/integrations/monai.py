"""DICOM files in MONAI's transforms, decoded by fastdcm.

``LoadImage(reader=FastdcmReader)`` gives what MONAI's own reader of DICOM gives: axes, affine, spacing and
all other metadata are its own, made from the header. Pixels are ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastdcm.api import open as open_image
from fastdcm.kernels import OUTLOOK
from fastdcm.options import ReadOptions

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

try:
    from monai.data.image_reader import PydicomReader
except ImportError as error:
    raise ImportError("fastdcm.integrations.monai needs MONAI: pip install monai") from error


class FastdcmReader(PydicomReader):
    """MONAI's `PydicomReader`, with pixels by fastdcm: files, folders of a series, and segmentations.

    Values are modality values where the file has Rescale Slope or Intercept (PS3.3 C.11.1), as float32, and
    stored values elsewhere; colour is RGB. ``threads`` and ``decoder`` are those of `fastdcm.open`, the other
    arguments those of `PydicomReader` (``channel_dim``, ``affine_lps_to_ras``, ``swap_ij``,
    ``prune_metadata``, ``label_dict``, ``fname_regex``). ``to_gpu`` is not there.

    Reading raises the errors of `fastdcm`, and for headers those of pydicom.
    """

    def __init__(self, *arguments: Any, threads: int = 1, decoder: Any = "auto", **options: Any) -> None:
        if options.get("to_gpu"):
            raise ValueError("FastdcmReader decodes on the CPU: leave out to_gpu")
        super().__init__(*arguments, **options)
        self._how = ReadOptions(threads=threads, decoder=decoder)
        OUTLOOK.lasting = True  # transforms are for many images

    def read(self, data: Sequence[str | os.PathLike[str]] | str | os.PathLike[str], **options: Any) -> Any:
        """The headers of files, as pydicom's data sets; their pixels are read by `get_data`."""
        return super().read(data, **{"stop_before_pixels": True, **options})

    def _get_array_data(self, img: Any, filename: Any) -> NDArray[Any]:
        """What `PydicomReader` makes of ``img.pixel_array``, for images and for segmentations."""
        with open_image(filename, threads=self._how.threads, decoder=self._how.decoder) as image:
            array = image.pixels(None) if len(image) > 1 else image.pixels(0)
        if not (hasattr(img, "RescaleSlope") or hasattr(img, "RescaleIntercept")):
            return array
        slope, intercept = getattr(img, "RescaleSlope", 1.0), getattr(img, "RescaleIntercept", 0.0)
        return array.astype(np.float32) * slope + intercept
