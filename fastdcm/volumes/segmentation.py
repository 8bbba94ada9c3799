"""The frames of a Segmentation object, placed among the slices of a volume (PS3.3 A.51, C.8.20,
C.7.6.16.2)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from fastdcm.errors import DicomError, FastdcmError, OptionError, VolumeError
from fastdcm.options import ReadOptions
from fastdcm.reader.display import DisplayReader
from fastdcm.reader.elements import WANTED
from fastdcm.reader.header import read_header
from fastdcm.reader.items import all_items, first_item
from fastdcm.reader.planes import FRAME_OF_REFERENCE_UID, PLANE_TAGS, Plane, PlaneReader
from fastdcm.reader.scan import DataSet, scan
from fastdcm.reader.source import Readable, Source, open_source
from fastdcm.reader.values import Values
from fastdcm.volumes.masks import Masks, Placed, SegmentationType
from fastdcm.volumes.segments import SEGMENT_SEQUENCE, SPECIFIC_CHARACTER_SET, read_segments
from fastdcm.volumes.stack import ASIDE_TOLERANCE, DIRECTION_TOLERANCE, SPACING_TOLERANCE, numbers_of

if TYPE_CHECKING:
    from fastdcm.volumes.volume import Volume

SEGMENTATION, LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"
_TYPE, _FRACTIONAL_TYPE, _MAXIMUM = 0x00620001, 0x00620010, 0x0062000E
_PADDING = 0x00280120
_WANTED = WANTED | PLANE_TAGS | {_TYPE, _FRACTIONAL_TYPE, _MAXIMUM, SEGMENT_SEQUENCE, SPECIFIC_CHARACTER_SET}
_SEGMENT_IDENTIFICATION, _REFERENCED_SEGMENT = 0x0062000A, 0x0062000B
_DERIVATION_IMAGE, _SOURCE_IMAGE = 0x00089124, 0x00082112
_REFERENCED_INSTANCE, _REFERENCED_FRAME = 0x00081155, 0x00081160
_PLANE_POSITION_SLIDE = 0x0048021A
#: How far from a slice, in distances between slices, a frame may lie to belong to it.
_APART = 0.01


def load_segmentation(volume: Volume, src: Readable, *, outside: Literal["raise", "skip"]) -> Masks:
    """`Volume.segmentation`."""
    if outside not in ("raise", "skip"):
        raise OptionError(f"outside must be 'raise' or 'skip', not {outside!r}")
    if not isinstance(src, (str, os.PathLike, bytes)):
        raise OptionError("a segmentation is read from a path or from bytes")
    opened = open_source(src)
    try:
        limits = ReadOptions().limits
        found = scan(opened, max_nesting=limits.max_nesting, max_inflated=limits.max_inflated, wanted=_WANTED)
        return _masks(volume, src, opened, found, skip=outside == "skip")
    except FastdcmError as error:
        error.at(path=opened.name)
        raise
    finally:
        opened.close()


def _masks(volume: Volume, src: Readable, opened: Source, found: DataSet, *, skip: bool) -> Masks:
    header = read_header(found, found.notices)
    top = Values(found.encoding, found.elements, data_set=found)
    if header.sop_class_uid not in (SEGMENTATION, LABEL_MAP):
        raise VolumeError(f"no segmentation, but an object of SOP Class {header.sop_class_uid or '(none)'}")
    kind = top.text(_TYPE).upper()
    if kind not in get_args(SegmentationType):
        raise DicomError(f"Segmentation Type (0062,0001) is {kind!r}, not BINARY, FRACTIONAL or LABELMAP")
    segmentation_type: SegmentationType = kind  # type: ignore[assignment]  # it is one of the three
    background = (top.numbers(_PADDING) or [0])[0] if segmentation_type == "LABELMAP" else 0
    segments = read_segments(top)
    if segmentation_type == "LABELMAP":
        segments = tuple(one for one in segments if one.number != background or _PADDING not in top)
    if (header.rows, header.columns) != volume.shape[1:]:
        raise VolumeError(
            f"the segmentation has {header.rows} x {header.columns} pixels a frame, the volume "
            f"{volume.shape[1]} x {volume.shape[2]}"
        )
    reference = top.text(FRAME_OF_REFERENCE_UID)
    if reference and volume.frame_of_reference_uid and reference != volume.frame_of_reference_uid:
        raise VolumeError(
            f"the segmentation has the Frame of Reference UID {reference}, the volume "
            f"{volume.frame_of_reference_uid}: their coordinates are of different spaces"
        )
    groups = DisplayReader(found, header, found.notices)
    placer, planes = Placer(volume), PlaneReader(groups)
    frames: dict[int, list[Placed]] = {}
    known = {segment.number for segment in segments}
    taken: dict[tuple[int, int], int] = {}
    for index in range(header.frames):
        levels = [values for values, _ in groups.levels(index)]
        number = background if segmentation_type == "LABELMAP" else _segment_number(levels)
        if segmentation_type != "LABELMAP" and number not in known:
            raise DicomError(f"the frame is of segment {number}, which is not described", frame=index + 1)
        try:
            slice_ = placer.slice_of(planes.read(index), levels)
        except FastdcmError as error:
            raise error.at(frame=index + 1)  # noqa: B904  # it is the same one
        if slice_ is None:
            if skip:
                continue
            raise VolumeError(
                "the frame lies beyond the volume's slices; where the volume is a part of the series, "
                "outside='skip' leaves such frames out",
                frame=index + 1,
            )
        if (other := taken.setdefault((number, slice_), index)) != index:
            raise VolumeError(
                f"the frames {other + 1} and {index + 1} are of the same slice and segment", frame=index + 1
            )
        frames.setdefault(number, []).append((index, slice_))
    return Masks(
        src,
        opened.name,
        volume.shape,
        segmentation_type,
        segments,
        frames,
        maximum=_maximum(top) if segmentation_type == "FRACTIONAL" else 1,
        fractional_type=top.text(_FRACTIONAL_TYPE).upper(),
        background=background,
    )


def _segment_number(levels: Sequence[Values]) -> int:
    for values in levels:
        if (item := first_item(values, _SEGMENT_IDENTIFICATION)) is not None:
            return item.number(_REFERENCED_SEGMENT, "Referenced Segment Number")
    raise DicomError("nothing says of which segment a frame is: no Segment Identification Sequence")


def _maximum(top: Values) -> int:
    maximum = top.number(_MAXIMUM, "Maximum Fractional Value")
    if not maximum:
        raise DicomError("Maximum Fractional Value is 0")
    return maximum


class Placer:
    """Tells to which slice of a volume a frame belongs."""

    def __init__(self, volume: Volume) -> None:
        self._volume = volume
        self._slices: dict[str, dict[int, int]] = {}
        for number, one in enumerate(volume.slices):
            self._slices.setdefault(one.sop_instance_uid, {})[one.index] = number

    def slice_of(self, plane: Plane, levels: Sequence[Values]) -> int | None:
        """The index of a frame's slice, None where it is beyond all.

        By its Plane Position (Patient); without one by the images that it comes from. Where it has both, they
        must agree. Raises `VolumeError` where its geometry is not the volume's.
        """
        self._compare(plane)
        referenced = self._referenced(levels)
        if plane.position is None:
            if any(_PLANE_POSITION_SLIDE in values for values in levels):
                raise VolumeError("the segmentation is of a slide: Plane Position (Slide), not (Patient)")
            if len(referenced) != 1:
                raise VolumeError(
                    "nothing says where the frame lies: it has no Plane Position (Patient) and comes from "
                    f"{len(referenced) or 'none'} of the volume's slices"
                )
            return referenced.pop()
        slice_ = self._nearest(plane.position)
        if referenced and slice_ not in referenced:
            by_name = ", ".join(map(str, sorted(referenced)))
            raise VolumeError(
                f"the frame lies at slice {slice_}, and says to come from the image of slice {by_name} "
                "(from 0)"
            )
        return slice_

    def _compare(self, plane: Plane) -> None:
        volume = self._volume
        if plane.orientation is not None:
            away = np.abs(np.subtract(plane.orientation, volume.orientation)).max()
            if away > DIRECTION_TOLERANCE:
                raise VolumeError(
                    f"the segmentation's Image Orientation (Patient) is {numbers_of(plane.orientation)}, "
                    f"the volume's {numbers_of(volume.orientation)}; resample it first"
                )
        if plane.spacing is not None and not np.allclose(
            plane.spacing, volume.spacing[1:], rtol=SPACING_TOLERANCE, atol=0
        ):
            raise VolumeError(
                f"the segmentation's Pixel Spacing is {numbers_of(plane.spacing)}, the volume's "
                f"{numbers_of(volume.spacing[1:])}; resample it first"
            )

    def _nearest(self, position: Sequence[float]) -> int | None:
        along, down, right = self._volume.to_index(position).tolist()
        if max(abs(down), abs(right)) > ASIDE_TOLERANCE:
            raise VolumeError(
                f"the frame at {numbers_of(position)} lies {down:.4g} rows and {right:.4g} columns beside "
                "the volume's slices; resample it first"
            )
        slice_: int = round(along)
        if not 0 <= slice_ < len(self._volume.slices):
            return None
        if abs(along - slice_) > max(_APART, self._volume.tolerance):
            raise VolumeError(
                f"the frame at {numbers_of(position)} lies between the volume's slices, at {along:.4g} "
                "(from 0); resample it first"
            )
        return slice_

    def _referenced(self, levels: Sequence[Values]) -> set[int]:
        """The volume's slices among the source images (C.7.6.16.2.6)."""
        found = set[int]()
        for values in levels:
            for derivation in all_items(values, _DERIVATION_IMAGE):
                for image in all_items(derivation, _SOURCE_IMAGE):
                    frames = self._slices.get(image.text(_REFERENCED_INSTANCE), {})
                    numbers = _frame_numbers(image)
                    found |= {
                        slice_ for index, slice_ in frames.items() if not numbers or index + 1 in numbers
                    }
        return found


def _frame_numbers(image: Values) -> set[int]:
    """Referenced Frame Number (0008,1160), from 1; empty for all."""
    numbers = set[int]()
    for text in image.texts(_REFERENCED_FRAME):
        if not text.isascii() or not text.isdecimal() or len(text) > 12:
            raise DicomError(f"Referenced Frame Number {text[:20]!r} is no number")
        numbers.add(int(text))
    return numbers
