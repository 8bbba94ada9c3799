"""Where the pixels of the cases come from: real images, with their real headers.

Each kind of image is taken from the corpus where there is one, else from what the pydicom package ships, and
mirrored at its edges to the size that such images have. A variant is the same image flipped.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray

import fastdcm
from tests.conftest import CORPUS, PYDICOM_FILES

Array = NDArray[Any]

#: Flips of rows and columns: as many different files are made of an image.
FLIPS = [(1, 1), (-1, 1), (1, -1), (-1, -1)]


@dataclass(frozen=True)
class Kind:
    """A kind of image: files of the corpus and of pydicom's, the first that is there is taken; its size."""

    name: str
    corpus: str
    shipped: str
    rows: int
    columns: int


KINDS = {
    "CT": Kind(
        "CT",
        "cornerstone3D.h0d8b1__CTImage.dcm_DeflatedExplicitVRLittleEndianTransferSyntax_1.2.840.10008.1.2.1.99.dcm",
        "J2K_pixelrep_mismatch.dcm",
        512,
        512,
    ),
    "MR": Kind("MR", "pydicom-data__MR2_J2KR.dcm", "examples_overlay.dcm", 1024, 1024),
    "CR": Kind("CR", "dicom-test-files__RG3_UNC", "examples_overlay.dcm", 1760, 1760),
    "DX": Kind("DX", "pylibjpeg-data__966_fixed.dcm", "examples_overlay.dcm", 2560, 2048),
    "MG": Kind("MG", "fo-dicom__GH133.dcm", "examples_overlay.dcm", 4608, 3072),
    "US": Kind("US", "cornerstone3D__US-YBR_FULL_422-EVRLE.dcm", "examples_jpeg2k.dcm", 600, 800),
    # A gray image that was displayed and captured: its 8 bits are what is to be seen.
    "SC": Kind("SC", "dicom-test-files__RG3_UNC", "examples_overlay.dcm", 1760, 1760),
    "XA": Kind("XA", "fo-dicom__HasFragmentSequence.dcm", "examples_overlay.dcm", 512, 512),
}


@dataclass(frozen=True)
class Original:
    """Stored values, (rows, columns) or (rows, columns, 3), the header they came with, and from where."""

    header: pydicom.Dataset
    pixels: Array
    source: str

    def variant(self, number: int) -> Array:
        """The pixels, flipped as `FLIPS` says."""
        down, right = FLIPS[number]
        return np.ascontiguousarray(self.pixels[::down, ::right])


def original(kind: str) -> Original:
    """The image of a kind, in the kind's size; a new header each time."""
    made = _original(kind)
    return Original(copy.deepcopy(made.header), made.pixels, made.source)


@cache
def _original(name: str) -> Original:
    kind = KINDS[name]
    path = CORPUS / "files" / kind.corpus
    if not path.is_file():
        path = PYDICOM_FILES / kind.shipped
    pixels = fastdcm.render(path) if name == "SC" else fastdcm.read(path)
    spare = (max(0, kind.rows - pixels.shape[0]), max(0, kind.columns - pixels.shape[1]))
    if any(spare):
        pixels = np.pad(pixels, [(0, spare[0]), (0, spare[1]), (0, 0)][: pixels.ndim], mode="symmetric")
    pixels = np.ascontiguousarray(pixels[: kind.rows, : kind.columns])
    header = _header(path, kind, pixels)
    words = path.name + (f", mirrored to {kind.rows} x {kind.columns}" if any(spare) else "")
    return Original(header, pixels, words)


def _header(path: Path, kind: Kind, pixels: Array) -> pydicom.Dataset:
    header = pydicom.dcmread(path, stop_before_pixels=True)
    header.Modality = kind.name
    header.Rows, header.Columns = pixels.shape[:2]
    header.pop("NumberOfFrames", None)
    header.pop("LossyImageCompression", None)
    if pixels.ndim == 3:
        header.PhotometricInterpretation, header.PlanarConfiguration = "RGB", 0
        return header
    for group in range(
        0x6000, 0x601E, 2
    ):  # overlays, which are of the original's size, and which peers burn in
        for element in [element for element in header if element.tag.group == group]:
            del header[element.tag]
    for keyword in ("VOILUTSequence", "ModalityLUTSequence", "PresentationLUTShape", "PixelAspectRatio"):
        header.pop(keyword, None)
    if kind.name == "SC":
        _set_captured(header)
    elif "RescaleSlope" not in header:
        header.RescaleSlope, header.RescaleIntercept = 1, 0
    _set_window(header, pixels)
    return header


def _set_captured(header: pydicom.Dataset) -> None:
    """What display values of 8 bits are, and the window that shows them as they are (PS3.3 C.11.2.1.2.1)."""
    header.PhotometricInterpretation, header.PixelRepresentation = "MONOCHROME2", 0
    header.BitsAllocated, header.BitsStored, header.HighBit = 8, 8, 7
    header.RescaleSlope, header.RescaleIntercept = 1, 0
    header.WindowCenter, header.WindowWidth = 128, 256
    header.pop("PixelPaddingValue", None)


def _set_window(header: pydicom.Dataset, pixels: Array) -> None:
    """One window, that everybody understands in the same way: the file's first, or 99 % of the values."""
    center, width = header.get("WindowCenter"), header.get("WindowWidth")
    if header.Modality == "CT":
        center, width = 40, 400
    elif center is None or width is None:
        low, high = (float(np.percentile(pixels, percent)) for percent in (0.5, 99.5))
        slope, intercept = float(header.RescaleSlope), float(header.RescaleIntercept)
        center, width = round((low + high) / 2 * slope + intercept), max(2, round((high - low) * slope))
    first = [
        value[0] if isinstance(value, pydicom.multival.MultiValue) else value for value in (center, width)
    ]
    header.WindowCenter, header.WindowWidth = first
    header.pop("WindowCenterWidthExplanation", None)
    header.pop("VOILUTFunction", None)
