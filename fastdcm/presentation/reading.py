"""A presentation state's file as a `State`."""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Callable, Iterator
from functools import lru_cache

from fastdcm.errors import DicomError, FastdcmError, SourceError, UnsupportedError
from fastdcm.presentation.drawings import integer, read_annotations, read_layers
from fastdcm.presentation.kinds import kind_of
from fastdcm.presentation.state import Area, References, Shutter, State, Voi
from fastdcm.presentation.styles import lab_of
from fastdcm.reader.items import all_items, first_item
from fastdcm.reader.luts import read_lut, read_modality, read_voi_luts, read_windows
from fastdcm.reader.overlays import GROUPS, OVERLAY_TAGS, OverlayReader
from fastdcm.reader.palette import read_palette
from fastdcm.reader.profiles import trimmed
from fastdcm.reader.scan import scan
from fastdcm.reader.source import MemorySource, open_source
from fastdcm.reader.values import Values

Note = Callable[[str, str], None]
#: The references of a state may be as many as the images of a study.
_MOST = 1 << 20
#: A state has no pixels: overlays and LUTs are all that is large in it.
_MOST_BYTES = 1 << 28
_ACTIVATION = 0x1001
_WANTED = (
    frozenset(
        {
            0x00020010,
            0x00080005,  # Specific Character Set
            0x00080016,
            0x00081115,  # Referenced Series Sequence
            0x00181600,  # Shutter Shape, and what belongs to it
            0x00181602,
            0x00181604,
            0x00181606,
            0x00181608,
            0x00181610,
            0x00181612,
            0x00181620,
            0x00181622,
            0x00181623,
            0x00181624,
            0x00281052,  # Rescale Intercept
            0x00281053,
            0x00281054,  # Rescale Type
            0x00281101,  # Palette Color Lookup Tables
            0x00281102,
            0x00281103,
            0x00281201,
            0x00281202,
            0x00281203,
            0x00281221,
            0x00281222,
            0x00281223,
            0x00282000,  # ICC Profile
            0x00283000,  # Modality LUT Sequence
            0x00283110,  # Softcopy VOI LUT Sequence
            0x00286100,  # Mask Subtraction Sequence
            0x00700001,  # Graphic Annotation Sequence
            0x00700041,  # Image Horizontal Flip
            0x00700042,  # Image Rotation
            0x0070005A,  # Displayed Area Selection Sequence
            0x00700060,  # Graphic Layer Sequence
            0x00700080,  # Content Label
            0x00700082,  # Presentation Creation Date
            0x00700083,  # Presentation Creation Time
            0x20500010,  # Presentation LUT Sequence
            0x20500020,  # Presentation LUT Shape
        }
    )
    | OVERLAY_TAGS
    | {group << 16 | _ACTIVATION for group in GROUPS}
)


def read_state(path: str) -> State:
    """The presentation state in a file; of the last ones that were read, what is known.

    Raises errors whose messages name the file.
    """
    try:
        known = os.stat(path)
        return _read_file(path, known.st_mtime_ns, known.st_size)
    except OSError as error:
        raise SourceError(f"presentation state {path}: {error.strerror or error}") from error
    except FastdcmError as error:
        raise type(error)(f"presentation state {path}: {error.message}") from error


@lru_cache(maxsize=16)
def _read_file(path: str, changed: int, size: int) -> State:
    """``changed`` and ``size`` tell files apart that had the same name, one after the other."""
    if size > _MOST_BYTES:
        raise DicomError(f"{size} bytes are more than any presentation state has")
    with open(path, "rb") as file:
        return parse_state(file.read(), os.path.basename(path))


def parse_state(data: bytes, name: str) -> State:
    """The presentation state in some bytes; ``name`` is what to call it.

    Raises `UnsupportedError` for kinds of states that are not done, `RenderError` for what is no state,
    `NotDicomError`, `DicomError`.
    """
    odd: list[tuple[str, str]] = []

    def note(code: str, message: str) -> None:
        if (code, message) not in odd:
            odd.append((code, message))

    found = scan(MemorySource(data), wanted=_WANTED)
    values = Values(found.encoding, found.elements, data_set=found)
    kind = kind_of(values.text(0x00080016))
    if first_item(values, 0x00286100) is not None:
        raise UnsupportedError("mask subtraction (0028,6100) is not supported")
    rescale, modality_lut, unit = read_modality(values, signed=False, note=note)
    presentation = first_item(values, 0x20500010)
    shape = values.text(0x20500020).upper()
    if shape not in ("", "IDENTITY", "INVERSE"):
        note("presentation-shape", f"Presentation LUT Shape {shape} is not for displays; IDENTITY was taken")
    state = State(
        name=name,
        kind=kind,
        label=values.text(0x00700080),
        created=_created(values),
        images=References(_merged(_series_images(values))),
        rescale=rescale,
        modality_lut=modality_lut,
        rescale_type=unit,
        vois=tuple(_vois(values, note)),
        presentation_lut=None if presentation is None else read_lut(presentation, signed=False, note=note),
        presentation_lut_shape=shape,
        palette=read_palette(values, signed=False) if kind == "pseudo-color" else None,
        shutter=_shutter(values, note),
        rotation=_rotation(values),
        flip=values.text(0x00700041).upper() == "Y",
        areas=tuple(_areas(values)),
        layers=read_layers(values),
        annotations=read_annotations(values, values.texts(0x00080005), _item_references, note),
        activations={
            group: values.text(group << 16 | _ACTIVATION)
            for group in GROUPS
            if group << 16 | _ACTIVATION in values
        },
        overlays=OverlayReader(found, note),
        icc_profile=trimmed(values.raw(0x00282000) or b""),
        odd=(),
    )
    # Only now is all of it read. What the file itself has odd is no matter of the image.
    return state._replace(odd=tuple(odd))


def references_of(path: str) -> tuple[str, str, tuple[str, ...]]:
    """What an index has to know of a file: its SOP Class, date and time, the UIDs of what it references."""
    source = open_source(path)
    try:
        found = scan(source, wanted=_WANTED)
        values = Values(found.encoding, found.elements, data_set=found)
        uids = dict.fromkeys(image.text(0x00081155) for image in _series_images(values))
        return values.text(0x00080016), _created(values), tuple(uids)
    finally:
        source.close()


def _created(values: Values) -> str:
    return values.text(0x00700082) + values.text(0x00700083)


def _series_images(values: Values) -> Iterator[Values]:
    """The items that reference images in the Presentation State Relationship Module (C.11.11)."""
    for series in all_items(values, 0x00081115, limit=_MOST):
        yield from all_items(series, 0x00081140, limit=_MOST)


def _item_references(item: Values) -> References:
    return References(_merged(all_items(item, 0x00081140, limit=_MOST)))


def _merged(images: Iterator[Values]) -> dict[str, frozenset[int]]:
    """Frames by the UID of their image; none of an image that is referenced as a whole."""
    frames: dict[str, frozenset[int]] = {}
    for image in images:
        uid = image.text(0x00081155)
        numbers = frozenset(filter(None, map(integer, image.texts(0x00081160))))
        known = frames.get(uid)
        whole = not numbers or (known is not None and not known)
        frames[uid] = frozenset() if whole else numbers | (known or frozenset())
    return frames


def _vois(values: Values, note: Note) -> Iterator[Voi]:
    for item in all_items(values, 0x00283110, limit=_MOST):
        luts = read_voi_luts(item, signed=False, note=note)
        yield Voi(_item_references(item), read_windows(item, note), luts)


def _rotation(values: Values) -> int:
    rotation = values.numbers(0x00700042)
    if not rotation:
        return 0
    if rotation[0] not in (0, 90, 180, 270):
        raise DicomError(f"Image Rotation is {rotation[0]}, not 0, 90, 180 or 270")
    return rotation[0]


def _areas(values: Values) -> Iterator[Area]:
    for item in all_items(values, 0x0070005A, limit=_MOST):
        corners = [_pair(item, tag) for tag in (0x00700052, 0x00700053)]
        if corners[0] is None or corners[1] is None:
            raise DicomError("an item of the Displayed Area Selection Sequence has no two corners")
        mode = item.text(0x00700100).upper() or "SCALE TO FIT"
        if mode not in ("SCALE TO FIT", "TRUE SIZE", "MAGNIFY"):
            raise DicomError(f"Presentation Size Mode {mode!r} is not SCALE TO FIT, TRUE SIZE or MAGNIFY")
        spacing = item.decimals(0x00700101)
        ratio = spacing or item.decimals(0x00700102) or (1.0, 1.0)
        if len(ratio) != 2 or not all(0 < part < math.inf for part in ratio):
            raise DicomError("Presentation Pixel Spacing or Presentation Pixel Aspect Ratio is unusable")
        if mode == "TRUE SIZE" and not spacing:
            raise DicomError(
                "Presentation Size Mode is TRUE SIZE, but there is no Presentation Pixel Spacing"
            )
        factor = 1.0
        if mode == "MAGNIFY":
            factors = item.floats(0x00700103, item.vr(0x00700103)) if 0x00700103 in item else []
            if not factors or not 0 < factors[0] < math.inf:
                raise DicomError("Presentation Size Mode is MAGNIFY, but there is no usable magnification")
            factor = factors[0]
        size = (ratio[0], ratio[1])
        yield Area(_item_references(item), corners[0], corners[1], mode, size, bool(spacing), factor)


def _pair(item: Values, tag: int) -> tuple[int, int] | None:
    """Two SL values."""
    raw = item.raw(tag) or b""
    if len(raw) != 8:
        return None
    first, second = struct.unpack(item.encoding.order + "2i", raw)
    return first, second


def _shutter(values: Values, note: Note) -> Shutter | None:
    shapes = [shape.upper() for shape in values.texts(0x00181600) if shape]
    if not shapes:
        return None
    rectangle: tuple[int, ...] | None = None
    circle: tuple[int, ...] | None = None
    polygon: tuple[tuple[int, int], ...] = ()
    group: int | None = None
    for shape in shapes:
        if shape == "RECTANGULAR":
            edges = [integer(values.text(tag)) for tag in (0x00181602, 0x00181604, 0x00181606, 0x00181608)]
            rectangle = _whole(edges, shape)
        elif shape == "CIRCULAR":
            parts = [*map(integer, values.texts(0x00181610)), integer(values.text(0x00181612))]
            circle = _whole(parts, shape)
        elif shape == "POLYGONAL":
            numbers = _whole(list(map(integer, values.texts(0x00181620))), shape)
            polygon = tuple(zip(numbers[::2], numbers[1::2], strict=False))
            if len(polygon) < 3:
                raise DicomError("a POLYGONAL shutter has fewer than three vertices")
        elif shape == "BITMAP":
            group = values.number(0x00181623, "Shutter Overlay Group")
        else:
            note("shutter", f"Shutter Shape {shape} is not known, and was left out")
    gray = values.numbers(0x00181622)
    return Shutter(
        rectangle,  # type: ignore[arg-type]  # as many as there are tags
        circle,  # type: ignore[arg-type]
        polygon,
        group,
        gray[0] if gray else 0,
        lab_of(values, 0x00181624),
    )


def _whole(numbers: list[int | None], shape: str) -> tuple[int, ...]:
    known = tuple(number for number in numbers if number is not None)
    if len(known) < len(numbers) or (shape == "CIRCULAR" and len(known) != 3):
        raise DicomError(f"a {shape} shutter has not all of its numbers")
    return known
