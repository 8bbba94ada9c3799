"""Slices, enhanced objects and segmentations as pydicom writes them, for tests of volumes."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import pack_bits
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

Array = NDArray[Any]
CT, ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1"
SEG, LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"
#: Directions of an oblique stack: turned about two axes, so that no direction is an axis of the patient.
ROW = np.array([0.8, 0.6, 0.0])
COLUMN = np.array([-0.48, 0.64, -0.6])
NORMAL = np.cross(ROW, COLUMN)
ORIGIN = np.array([-20.0, 31.5, 400.25])
#: Between slices, rows, columns.
SPACING = (2.5, 0.75, 0.5)
ROWS, COLUMNS = 4, 6


def uid(name: str) -> str:
    """A UID that is the same for the same name."""
    return str(generate_uid(entropy_srcs=[name]))


def position(index: float) -> list[float]:
    """Image Position (Patient) of a slice."""
    return [round(float(value), 6) for value in ORIGIN + NORMAL * SPACING[0] * index]


def orientation() -> list[float]:
    return [float(value) for value in (*ROW, *COLUMN)]


def pixels(index: int) -> Array:
    """Stored values, other ones in each slice."""
    generator = np.random.default_rng(index)
    return generator.integers(-1000, 3000, (ROWS, COLUMNS), dtype=np.int16)


def _object(sop_class: str, name: str) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = sop_class
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = uid(name)
    dataset.Modality = "CT"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = uid("study"), uid("series")
    dataset.FrameOfReferenceUID = uid("frame of reference")
    dataset.Rows, dataset.Columns = ROWS, COLUMNS
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 1
    return dataset


def ct(index: float, **changes: Any) -> Dataset:
    """A CT slice; a value of None removes an attribute."""
    dataset = _object(CT, f"slice {index}")
    dataset.ImagePositionPatient, dataset.ImageOrientationPatient = position(index), orientation()
    dataset.PixelSpacing, dataset.SliceThickness = list(SPACING[1:]), "2.5"
    dataset.RescaleSlope, dataset.RescaleIntercept = "2", "-1024"
    dataset.PixelData = pixels(int(index)).tobytes()
    for name, value in changes.items():
        if value is None:
            delattr(dataset, name)
        else:
            setattr(dataset, name, value)
    return dataset


def item(**values: Any) -> Dataset:
    """A data set with these attributes."""
    dataset = Dataset()
    for name, value in values.items():
        setattr(dataset, name, value)
    return dataset


def enhanced(indexes: Sequence[int], **changes: Any) -> Dataset:
    """An enhanced CT object whose frames are these slices; a rescale of its own for each frame."""
    dataset = _object(ENHANCED_CT, "enhanced")
    dataset.NumberOfFrames = len(indexes)
    dataset.SharedFunctionalGroupsSequence = [item(**shared_groups())]
    dataset.PerFrameFunctionalGroupsSequence = [
        item(
            PlanePositionSequence=[item(ImagePositionPatient=position(index))],
            PixelValueTransformationSequence=[
                item(RescaleSlope=str(index + 1), RescaleIntercept="-5", RescaleType="HU")
            ],
            FrameContentSequence=[item(TemporalPositionIndex=number + 1)],
        )
        for number, index in enumerate(indexes)
    ]
    dataset.PixelData = b"".join(pixels(index).tobytes() for index in indexes)
    for name, value in changes.items():
        setattr(dataset, name, value)
    return dataset


def shared_groups() -> dict[str, Any]:
    return {
        "PlaneOrientationSequence": [item(ImageOrientationPatient=orientation())],
        "PixelMeasuresSequence": [item(PixelSpacing=list(SPACING[1:]), SliceThickness="2.5")],
    }


def segment(number: int, label: str = "Liver") -> Dataset:
    def code(value: str, meaning: str) -> Dataset:
        return item(CodeValue=value, CodingSchemeDesignator="SCT", CodeMeaning=meaning)

    return item(
        SegmentNumber=number,
        SegmentLabel=label,
        SegmentAlgorithmType="AUTOMATIC",
        SegmentAlgorithmName="test",
        SegmentedPropertyCategoryCodeSequence=[code("123037004", "Anatomical Structure")],
        SegmentedPropertyTypeCodeSequence=[code("10200004", "Liver")],
    )


def source_image(index: float) -> Items:
    """Derivation Image Sequence that names a slice."""
    image = item(ReferencedSOPClassUID=CT, ReferencedSOPInstanceUID=uid(f"slice {index}"))
    return Items([item(SourceImageSequence=[image])])


def frame(number: int | None, index: float | None, source: float | None = None) -> Dataset:
    """The functional groups of a frame: of which segment, at which slice, from which image."""
    groups = Dataset()
    if number is not None:
        groups.SegmentIdentificationSequence = [item(ReferencedSegmentNumber=number)]
    if index is not None:
        groups.PlanePositionSequence = [item(ImagePositionPatient=position(index))]
    if source is not None:
        groups.DerivationImageSequence = source_image(source)
    return groups


def segmentation(
    kind: str, segments: Sequence[Dataset], frames: Sequence[Dataset], values: Array, **changes: Any
) -> Dataset:
    """A Segmentation of any type; ``values`` are (frames, rows, columns)."""
    dataset = _object(LABEL_MAP if kind == "LABELMAP" else SEG, "segmentation")
    dataset.Modality, dataset.SeriesInstanceUID = "SEG", uid("segmentation series")
    dataset.SegmentationType = kind
    dataset.SegmentSequence = list(segments)
    dataset.NumberOfFrames = len(frames)
    bits = 1 if kind == "BINARY" else 8
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit, dataset.PixelRepresentation = bits - 1, 0
    if kind == "FRACTIONAL":
        dataset.SegmentationFractionalType, dataset.MaximumFractionalValue = "PROBABILITY", 200
    dataset.SharedFunctionalGroupsSequence = [item(**shared_groups())]
    dataset.PerFrameFunctionalGroupsSequence = list(frames)
    dataset.PixelData = pack_bits(values.ravel()) if bits == 1 else values.astype(np.uint8).tobytes()
    for name, value in changes.items():
        setattr(dataset, name, value)
    return dataset


def written(dataset: Dataset) -> bytes:
    """The bytes of its file."""
    file = BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def write(folder: Path, name: str, dataset: Dataset) -> str:
    path = folder / name
    path.write_bytes(written(dataset))
    return str(path)
