"""The segments of a Segmentation object as arrays in a volume's geometry (PS3.3 C.8.20)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fastdcm.errors import DicomError, VolumeError
from fastdcm.pipeline import Image, open_image
from fastdcm.reader.source import Readable
from fastdcm.volumes.segments import Segment

SegmentationType = Literal["BINARY", "FRACTIONAL", "LABELMAP"]
#: (index of the frame, index of the slice)
Placed = tuple[int, int]


class Masks(Mapping[int, NDArray[Any]]):
    """The masks of a volume by Segment Number; made by `fastdcm.Volume.segmentation`.

    ``masks[number]`` has the shape of the volume's array, (slices, rows, columns): bool, or for a FRACTIONAL
    segmentation float32 from 0 to 1 (stored value / Maximum Fractional Value, C.8.20.2.3.1). Where no frame
    is, nothing is segmented. Each is decoded when it is asked for, so that a hundred segments need not be in
    memory together; keep what is needed twice.

    ``segments`` are what the object describes, in its order, without the background of a label map
    (`background`); ``type`` is the Segmentation Type, ``fractional_type`` PROBABILITY or OCCUPANCY.
    """

    def __init__(
        self,
        src: Readable,
        path: str | None,
        shape: tuple[int, int, int],
        segmentation_type: SegmentationType,
        segments: Sequence[Segment],
        frames: Mapping[int, Sequence[Placed]],
        *,
        maximum: int = 1,
        fractional_type: str = "",
        background: int = 0,
    ) -> None:
        """``frames`` are those of each segment; for a label map those of all, under its ``background``."""
        self.path, self.shape, self.type = path, shape, segmentation_type
        self.fractional_type, self.background = fractional_type, background
        self.segments = tuple(segments)
        self._src, self._frames, self._maximum = src, frames, maximum
        self._by_number = {segment.number: segment for segment in self.segments}

    def __repr__(self) -> str:
        slices, rows, columns = self.shape
        return f"<fastdcm.Masks {self.type} {len(self)} segments, {slices} x {rows} x {columns}>"

    def __iter__(self) -> Iterator[int]:
        return iter(self._by_number)

    def __len__(self) -> int:
        return len(self._by_number)

    # Mapping compares values, and arrays have no single truth.
    __eq__, __hash__ = object.__eq__, object.__hash__

    def __contains__(self, number: object) -> bool:
        return number in self._by_number

    def segment(self, number: int) -> Segment:
        """What is known of a segment. Raises KeyError where there is none of that number."""
        return self._by_number[number]

    def number_of(self, label: str) -> int:
        """The number of the segment with a label. Raises KeyError where none or several have it."""
        numbers = [segment.number for segment in self.segments if segment.label == label]
        if len(numbers) != 1:
            there = ", ".join(sorted(segment.label for segment in self.segments))
            raise KeyError(f"{len(numbers)} segments have the label {label!r}; there are: {there}")
        return numbers[0]

    def __getitem__(self, number: int) -> NDArray[Any]:
        if number not in self._by_number:
            raise KeyError(number)
        mask: NDArray[Any]
        if self.type == "LABELMAP":
            mask = self.labels() == number
            return mask
        fractional = self.type == "FRACTIONAL"
        mask = np.zeros(self.shape, np.float32 if fractional else np.bool_)
        with self._open() as image:
            for frame, slice_ in self._frames.get(number, ()):
                pixels = image.pixels(frame, raw=True)
                if not fractional:
                    np.not_equal(pixels, 0, out=mask[slice_])
                    continue
                if (largest := int(pixels.max())) > self._maximum:
                    raise DicomError(
                        f"the value {largest} is above the Maximum Fractional Value {self._maximum}",
                        path=self.path,
                        frame=frame + 1,
                    )
                np.divide(pixels, np.float32(self._maximum), out=mask[slice_])
        return mask

    def labels(self) -> NDArray[Any]:
        """All segments in one array, (slices, rows, columns): the Segment Number of each voxel.

        `background` where no segment is; uint8 or uint16. Raises `VolumeError` where segments overlap, as
        those of BINARY ones may, and for FRACTIONAL ones, whose voxels are parts of several.
        """
        if self.type == "FRACTIONAL":
            raise VolumeError("the segments are fractional: a voxel has no label of its own", path=self.path)
        largest = max((*self._by_number, self.background))
        labels = np.full(self.shape, self.background, np.uint8 if largest < 256 else np.uint16)
        with self._open() as image:
            for number, frames in self._frames.items():
                for frame, slice_ in frames:
                    pixels = image.pixels(frame, raw=True)
                    if self.type == "LABELMAP":
                        self._check_described(pixels, frame)
                        labels[slice_] = pixels
                        continue
                    inside = pixels != 0
                    if (others := np.unique(labels[slice_][inside])).any():
                        raise VolumeError(
                            f"the segments {int(others[-1])} and {number} overlap in slice {slice_}: ask for "
                            "one by one",
                            path=self.path,
                        )
                    labels[slice_][inside] = number
        return labels

    def _check_described(self, pixels: NDArray[Any], frame: int) -> None:
        unknown = set(np.flatnonzero(np.bincount(pixels.ravel())).tolist()) - {
            self.background,
            0,
            *self._by_number,
        }
        if unknown:
            raise DicomError(
                f"the label map has the value {min(unknown)}, but no segment of that number",
                path=self.path,
                frame=frame + 1,
            )

    def _open(self) -> Image:
        return open_image(self._src)
