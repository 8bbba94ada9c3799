"""What the headers of files say about the series and the planes of their frames; no pixel is decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastdcm.errors import FastdcmError, NoPixelDataError, NotDicomError, VolumeError
from fastdcm.model import Header, Lut
from fastdcm.options import ReadOptions
from fastdcm.reader.display import DisplayReader
from fastdcm.reader.elements import WANTED
from fastdcm.reader.header import read_header
from fastdcm.reader.planes import FRAME_OF_REFERENCE_UID, PLANE_TAGS, Plane, PlaneReader
from fastdcm.reader.scan import DataSet, scan, scan_as_far
from fastdcm.reader.source import Readable, open_source
from fastdcm.reader.values import Values
from fastdcm.rendering.chain import Rescale
from fastdcm.rendering.plan import modality_of
from fastdcm.volumes.volume import Slice

_SOP_CLASS_UID, _MODALITY, _SERIES_INSTANCE_UID = 0x00080016, 0x00080060, 0x0020000E
_WANTED = WANTED | PLANE_TAGS


@dataclass(frozen=True)
class Place:
    """A frame, where it lies, and how its modality values are made."""

    source: Readable
    slice: Slice
    name: str
    shape: tuple[int, int]
    plane: Plane
    modality: Rescale | Lut | None
    frame_of_reference_uid: str

    @property
    def index(self) -> int:
        """The index of the frame, from 0."""
        return self.slice.index


@dataclass
class Found:
    """One file. ``no_image`` is why it is none; ``error`` what is wrong with one of the series that it
    tells."""

    path: str | None
    series_instance_uid: str = ""
    modality: str = ""
    places: tuple[Place, ...] = ()
    no_image: str = ""
    error: FastdcmError | None = None


def look(source: Readable, options: ReadOptions) -> Found:
    """Read the header of a file. Of a damaged one, what is before the damage; an object that does not even
    tell its series there raises the error."""
    opened = open_source(source)
    path = opened.name
    try:
        limits = options.limits
        data_set, damage = scan_as_far(
            opened, max_nesting=limits.max_nesting, max_inflated=limits.max_inflated, wanted=_WANTED
        )
        if damage is not None:
            return _damaged(path, data_set, damage)
        return _found(source, path, data_set, options)
    except NotDicomError as error:
        return Found(path, no_image=error.message, error=error.at(path=path))
    except FastdcmError as error:
        error.at(path=path)
        raise
    finally:
        opened.close()


def _damaged(path: str | None, data_set: DataSet, damage: FastdcmError) -> Found:
    values = Values(data_set.encoding, data_set.elements, data_set=data_set)
    try:
        uid, modality = values.text(_SERIES_INSTANCE_UID), values.text(_MODALITY)
    except FastdcmError:  # it is this value that is cut
        uid = modality = ""
    if not uid:
        raise type(damage)(
            f"{damage.message}; so it is not known of which series this is: remove it, or give the paths of "
            "the others"
        ) from damage
    return Found(path, uid, modality, error=damage.at(path=path))


def marks(place: Place, options: ReadOptions) -> dict[str, bytes]:
    """What may tell an image apart from another one at its position; read when there is one."""
    opened = open_source(place.source)
    try:
        limits = options.limits
        data_set = scan(
            opened, max_nesting=limits.max_nesting, max_inflated=limits.max_inflated, wanted=_WANTED
        )
        groups = DisplayReader(data_set, read_header(data_set, [], limits), [])
        return PlaneReader(groups).marks(place.index)
    finally:
        opened.close()


def _found(source: Readable, path: str | None, data_set: DataSet, options: ReadOptions) -> Found:
    values = Values(data_set.encoding, data_set.elements, data_set=data_set)
    found = Found(path, values.text(_SERIES_INSTANCE_UID), values.text(_MODALITY))
    try:
        header = read_header(data_set, data_set.notices, options.limits)
        found.places = _places(source, path, data_set, header, values)
    except NoPixelDataError as error:
        found.no_image, found.error = error.message, error.at(path=path)
    except FastdcmError as error:
        found.error = error.at(path=path)
    return found


def _places(
    source: Readable, path: str | None, data_set: DataSet, header: Header, values: Values
) -> tuple[Place, ...]:
    if header.samples_per_pixel != 1 or not header.photometric_interpretation.startswith("MONOCHROME"):
        raise VolumeError(
            f"a volume has one value a voxel; this is {header.photometric_interpretation} "
            f"with {header.samples_per_pixel} samples a pixel"
        )
    groups = DisplayReader(data_set, header, data_set.notices)
    planes = PlaneReader(groups)
    frame_of_reference = values.text(FRAME_OF_REFERENCE_UID)
    if header.frames > 1 and not groups.has_functional_groups:
        raise VolumeError(
            f"{header.frames} frames without functional groups, which say where each one lies: only "
            "single-frame images and enhanced multi-frame objects make volumes"
        )
    places = []
    for index in range(header.frames):
        plane = planes.read(index)
        places.append(
            Place(
                source,
                Slice(path, index, header.sop_instance_uid, plane.position or ()),
                (path or "an image") + (f" frame {index + 1}" if header.frames > 1 else ""),
                (header.rows, header.columns),
                plane,
                modality_of(groups.read(index)),
                frame_of_reference,
            )
        )
    return tuple(places)


def chosen(found: Sequence[Found], series_instance_uid: str | None) -> list[Found]:
    """The images of the series that was asked for, or of the only one there is.

    Raises `VolumeError` that tells which series are there, or what is wrong with an image of the chosen one.
    """
    series: dict[str, list[Found]] = {}
    for one in found:
        if one.no_image:
            assert one.error is not None
            raise one.error
        series.setdefault(one.series_instance_uid, []).append(one)
    if not series:
        raise VolumeError("no images are in this folder")
    if series_instance_uid is None and len(series) == 1:
        images = found
    elif series_instance_uid is not None and series_instance_uid in series:
        images = series[series_instance_uid]
    else:
        there = "; ".join(
            f"{uid or '(none)'} ({_modalities(of)}, {len(of)} {'file' if len(of) == 1 else 'files'})"
            for uid, of in sorted(series.items())
        )
        if series_instance_uid is None:
            raise VolumeError(f"{len(series)} series; choose one by series_instance_uid=: {there}")
        raise VolumeError(f"no image is of the series {series_instance_uid}; there are: {there}")
    for one in images:
        if one.error is not None:
            raise one.error
    return list(images)


def _modalities(images: Sequence[Found]) -> str:
    return "/".join(sorted({one.modality or "no modality" for one in images}))
