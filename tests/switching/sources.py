"""Real images of pydicom's package, some with an attribute more, on which the options show their effect.

``gray`` is an MR of 484 x 300 pixels and 12 bits, with two windows and an overlay.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, GrayscaleSoftcopyPresentationStateStorage

from tests.conftest import PYDICOM_FILES
from tests.profiles import wide


def _read(name: str) -> Dataset:
    return pydicom.dcmread(PYDICOM_FILES / name)


def gray() -> Dataset:
    """Two windows and an overlay."""
    return _read("examples_overlay.dcm")


def luts() -> Dataset:
    """Two VOI LUTs besides."""
    found, items = gray(), []
    for entries in (np.arange(4096) * 16, (np.sqrt(np.arange(4096) / 4095) * 65535).astype(int)):
        item = Dataset()
        item.LUTDescriptor, item.LUTData = [4096, 0, 16], entries.astype("<u2").tobytes()
        items.append(item)
    found.VOILUTSequence = items
    return found


def ct() -> Dataset:
    """Signed, with a rescale, without a window."""
    return _read("CT_small.dcm")


def inverse() -> Dataset:
    """MONOCHROME2 whose Presentation LUT Shape says the opposite."""
    found = gray()
    found.PresentationLUTShape = "INVERSE"
    return found


def frames() -> Dataset:
    """Three frames: as it is, mirrored, upside down."""
    found = gray()
    pixels = found.pixel_array
    found.NumberOfFrames = 3
    found.PixelData = np.stack([pixels, pixels[:, ::-1], pixels[::-1]]).tobytes()
    return found


def oblong() -> Dataset:
    """Pixels that are twice as high as wide."""
    found = gray()
    found.PixelSpacing = [0.6, 0.3]
    return found


def color() -> Dataset:
    """RGB."""
    return _read("examples_rgb_color.dcm")


def profile() -> Dataset:
    """RGB with the ICC profile of a wide space."""
    found = color()
    found.ICCProfile = wide() + bytes(len(wide()) % 2)
    return found


def state() -> Dataset:
    """A presentation state for `gray`: a window of its own, inverted."""
    image, found = gray(), Dataset()
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    found.SOPClassUID, found.SOPInstanceUID = GrayscaleSoftcopyPresentationStateStorage, "1.2.3.4"
    found.StudyInstanceUID, found.SeriesInstanceUID = image.StudyInstanceUID, "1.2.3.5"
    found.Modality, found.ContentLabel = "PR", "TEST"
    reference, series, window, area = Dataset(), Dataset(), Dataset(), Dataset()
    reference.ReferencedSOPClassUID = image.SOPClassUID
    reference.ReferencedSOPInstanceUID = image.SOPInstanceUID
    series.SeriesInstanceUID = image.SeriesInstanceUID
    series.ReferencedImageSequence = [reference]
    found.ReferencedSeriesSequence = [series]
    window.WindowCenter, window.WindowWidth = 300, 400
    found.SoftcopyVOILUTSequence = [window]
    area.DisplayedAreaTopLeftHandCorner = [1, 1]
    area.DisplayedAreaBottomRightHandCorner = [image.Columns, image.Rows]
    area.PresentationSizeMode, area.PresentationPixelAspectRatio = "SCALE TO FIT", [1, 1]
    found.DisplayedAreaSelectionSequence = [area]
    found.PresentationLUTShape = "INVERSE"
    return found


def cut() -> Dataset:
    """The first half of a JPEG's bytes."""
    found = _read("SC_rgb_jpeg_dcmtk.dcm")
    (frame,) = pydicom.encaps.generate_frames(found.PixelData, number_of_frames=1)
    found.PixelData = pydicom.encaps.encapsulate([frame[: len(frame) // 2]])
    return found


MAKERS: dict[str, Callable[[], Dataset]] = {
    maker.__name__: maker for maker in (gray, luts, ct, inverse, frames, oblong, color, profile, state, cut)
}


def made(name: str, folder: Path) -> Path:
    """``folder/name.dcm``, made where it is not there yet."""
    path = folder / f"{name}.dcm"
    if not path.exists():
        folder.mkdir(exist_ok=True)
        data_set = copy.deepcopy(MAKERS[name]())
        data_set.save_as(path, enforce_file_format=True)
    return path
