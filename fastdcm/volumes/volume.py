"""What a series is once it is loaded: voxels, and where they are in the patient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastdcm.reader.source import Readable
from fastdcm.volumes.stack import directions

if TYPE_CHECKING:
    from fastdcm.volumes.masks import Masks

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Slice:
    """Where a slice of a volume comes from: the path of its file (None for bytes), the index of its frame
    from 0, its SOP Instance UID, and the Image Position (Patient) in mm."""

    path: str | None
    index: int
    sop_instance_uid: str
    position: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Volume:
    """Slices of one series in order along their normal; made by `fastdcm.load_series`.

    ``array`` has the shape (slices, rows, columns) and holds modality values (PS3.3 C.11.1). ``spacing`` is
    the distance in mm between slices, between rows, and between columns: in the order of the axes. ``origin``
    is the centre of the voxel (0, 0, 0) in mm, in the coordinates of the patient as DICOM has them (x to the
    left, y to the back, z to the head: LPS). ``orientation`` are six direction cosines, along a row and along
    a column, as in Image Orientation (Patient) (C.7.6.2.1.1); slices follow in the direction of their cross
    product. ``slices`` say where each one comes from. ``left_out`` are files of a folder that are no images,
    with the reason. ``tolerance`` is the part of the distance between slices by which each may be off its
    place.
    """

    array: NDArray[Any]
    spacing: tuple[float, float, float]
    origin: tuple[float, float, float]
    orientation: tuple[float, ...]
    slices: tuple[Slice, ...]
    modality: str = ""
    series_instance_uid: str = ""
    frame_of_reference_uid: str = ""
    left_out: Mapping[str, str] = field(default_factory=dict)
    tolerance: float = 0.01

    def __repr__(self) -> str:
        slices, rows, columns = self.array.shape
        spacing = " x ".join(f"{value:g}" for value in self.spacing)
        return (
            f"<fastdcm.Volume {self.modality or 'DICOM'} {slices} x {rows} x {columns} {self.array.dtype}, "
            f"{spacing} mm>"
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Slices, rows, columns."""
        slices, rows, columns = self.array.shape
        return slices, rows, columns

    @property
    def paths(self) -> tuple[str | None, ...]:
        """The path of each slice's file; None for bytes."""
        return tuple(one.path for one in self.slices)

    @property
    def affine(self) -> Floats:
        """The matrix (4, 4), float64, from voxel indexes to mm in the patient (LPS).

        ``affine @ (slice, row, column, 1)`` is (x, y, z, 1) of a voxel's centre, as C.7.6.2.1.1 has it for a
        slice. For tools that count in RAS (NIfTI) the first two rows change their signs.
        """
        row, column, normal = directions(self.orientation)
        matrix = np.eye(4)
        for axis, direction in enumerate((normal, column, row)):
            matrix[:3, axis] = direction * self.spacing[axis]
        matrix[:3, 3] = self.origin
        return matrix

    def to_patient(self, indexes: ArrayLike) -> Floats:
        """Points (..., 3) of (slice, row, column), whole numbers at voxel centres, as mm (x, y, z)."""
        affine = self.affine
        points: Floats = np.asarray(indexes, np.float64) @ affine[:3, :3].T + affine[:3, 3]
        return points

    def to_index(self, points: ArrayLike) -> Floats:
        """The reverse of `to_patient`: (slice, row, column) of points (..., 3) in mm, not rounded."""
        affine = self.affine
        away = np.asarray(points, np.float64) - affine[:3, 3]
        indexes: Floats = away @ np.linalg.inv(affine[:3, :3]).T
        return indexes

    def segmentation(self, src: Readable, *, outside: Literal["raise", "skip"] = "raise") -> Masks:
        """The segments of a Segmentation or Label Map Segmentation object as masks of this volume.

        ``src`` is its path, or its bytes. Frames are placed by Plane Position (Patient), and by the images
        that they say to come from. ``outside="skip"`` leaves out frames beyond the volume's slices, as when
        it is a part of the series; else they are an error, as a different geometry is. Raises `VolumeError`
        where they are not of this volume's geometry, `DicomError` where the object contradicts itself, and
        the errors of `fastdcm.open`.
        """
        from fastdcm.volumes.segmentation import load_segmentation

        return load_segmentation(self, src, outside=outside)
