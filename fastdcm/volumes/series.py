"""`load_series`: the images of one series as a volume."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from fastdcm.errors import OptionError, VolumeError
from fastdcm.options import ReadOptions
from fastdcm.pipeline import Image, open_image
from fastdcm.reader.source import Readable
from fastdcm.system import usable_cores
from fastdcm.volumes.found import Found, Place, chosen, look, marks
from fastdcm.volumes.stack import Stack, stacked
from fastdcm.volumes.values import fill, volume_dtype
from fastdcm.volumes.volume import Volume

Sources: TypeAlias = Readable | Sequence[Readable]


def load_series(
    path_or_paths: Sources,
    *,
    series_instance_uid: str | None = None,
    frames: Sequence[int] | None = None,
    dtype: DTypeLike = np.float32,
    threads: int | None = None,
    tolerance: float = 0.01,
    **options: Any,
) -> Volume:
    """The slices of a series as a `Volume` of modality values, sorted by position along their normal.

    ``path_or_paths`` is a folder (with all below it), a file, or a list of files: images of one frame, or
    enhanced multi-frame objects. Positions are those of Image Position and Orientation (Patient) (PS3.3
    C.7.6.2) or of the functional groups of frames (C.7.6.16.2.3, .4); names and instance numbers do not
    count. Of several series ``series_instance_uid`` chooses one, and files of others may be damaged behind
    it; ``frames`` are the indexes, from 0, of the frames of a single object that count. Files of a folder
    that are no images are left out (`Volume.left_out`).

    ``dtype`` is float32, float64 or an integer. Whole numbers up to 2^24 are exact in float32, all others are
    the values that float64 gives, rounded once; an integer must hold the values of each slice exactly.
    ``threads`` decode (None: as many as there are usable cores). ``tolerance`` is the part of the distance
    between slices by which one may be off its place. ``options`` are those of `fastdcm.open`.

    Raises `VolumeError` with the reason where these are not the slices of one regular volume: several series,
    orientations, shapes, spacings or images at one position, a missing slice; `OptionError` for a dtype
    that cannot hold the values; and the errors of `fastdcm.open`.
    """
    out_type = volume_dtype(dtype)
    count = _threads(threads)
    if not 0 < tolerance < 0.5:
        raise OptionError(f"tolerance must be above 0 and below 0.5, not {tolerance!r}")
    read = ReadOptions.of(**options)
    sources, is_folder = _listed(path_or_paths)
    found, left_out = [], {}
    for source in sources:
        one = look(source, read)
        if one.no_image and is_folder:
            left_out[str(one.path)] = one.no_image
        else:
            found.append(one)
    images = chosen(found, series_instance_uid)
    places = _frames(images, frames)
    stack = _stack(places, tolerance, read)
    places = [places[number] for number in stack.order]
    try:
        array = np.empty((len(places), *places[0].shape), out_type)
    except MemoryError as error:
        raise OptionError(f"the volume does not fit into memory: {error}") from error
    _decode(places, array, read, count)
    first = images[0]
    return Volume(
        array,
        stack.spacing,
        stack.origin,
        stack.orientation,
        tuple(place.slice for place in places),
        first.modality,
        first.series_instance_uid,
        places[0].frame_of_reference_uid,
        left_out,
        tolerance,
    )


def _threads(threads: int | None) -> int:
    if threads is None:
        return usable_cores()
    return ReadOptions(threads=threads).threads


def _listed(sources: Sources) -> tuple[list[Readable], bool]:
    """What to look at, and whether it was a folder."""
    if isinstance(sources, (str, os.PathLike)) and os.path.isdir(sources):
        folder = os.fspath(sources)
        files: list[Readable] = list(_files(folder))
        if not files:
            raise VolumeError("no file is in this folder", path=folder)
        return files, True
    several = isinstance(sources, Sequence) and not isinstance(sources, (str, bytes, bytearray, memoryview))
    listed: list[Readable] = list(sources) if several else [sources]  # type: ignore[arg-type,list-item]
    if not listed:
        raise VolumeError("no images were given")
    return listed, False


def _files(folder: str) -> Iterator[str]:
    def refuse(error: OSError) -> None:
        raise VolumeError(f"cannot be listed: {error.strerror or error}", path=error.filename) from error

    for place, folders, names in os.walk(folder, onerror=refuse):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(place, name)
            if os.path.isfile(path):  # opening a pipe would wait for its other end
                yield path


def _frames(images: Sequence[Found], frames: Sequence[int] | None) -> list[Place]:
    if frames is None:
        return [place for image in images for place in image.places]
    if len(images) != 1:
        raise OptionError(f"frames= chooses of one object; these are {len(images)}")
    there = images[0].places
    wrong = [index for index in frames if not 0 <= index < len(there)]
    if wrong or not len(frames):
        raise OptionError(f"frames {wrong or list(frames)} are not of the {len(there)} that there are")
    return [there[index] for index in frames]


def _stack(places: Sequence[Place], tolerance: float, read: ReadOptions) -> Stack:
    first = places[0]
    for place in places:
        if place.shape != first.shape:
            shapes = [" x ".join(map(str, one.shape)) for one in (first, place)]
            raise VolumeError(
                f"the images have different shapes: {shapes[0]} in {first.name}, {shapes[1]} in {place.name}"
            )
        if place.frame_of_reference_uid != first.frame_of_reference_uid:
            uids = [one.frame_of_reference_uid or "none" for one in (first, place)]
            raise VolumeError(
                f"the images have different Frame of Reference UIDs: {uids[0]} in {first.name}, {uids[1]} in "
                f"{place.name}"
            )

    def differences(numbers: Sequence[int]) -> str:
        told = [marks(places[number], read) for number in numbers]
        every = dict.fromkeys(name for one in told for name in one)
        names = [name for name in every if len({one.get(name) for one in told}) > 1]
        return f", which differ in {', '.join(names)}" if names else ""

    return stacked([place.plane for place in places], lambda n: places[n].name, differences, tolerance)


def _decode(places: Sequence[Place], array: np.ndarray[Any, Any], read: ReadOptions, threads: int) -> None:
    """Fill in the slices; those of one object share it."""
    slices: dict[int, list[int]] = {}
    for number, place in enumerate(places):
        slices.setdefault(id(place.source), []).append(number)

    def decode(number: int, image: Image) -> None:
        place = places[number]
        stored = image.pixels(place.index, raw=True)
        try:
            fill(array[number], stored, place.modality)
        except OptionError as error:
            raise error.at(path=image.path, frame=place.index + 1)  # noqa: B904  # it is the same one

    def alone(number: int) -> None:
        with open_image(places[number].source, read) as image:
            decode(number, image)

    with ExitStack() as opened, ThreadPoolExecutor(threads) as pool:
        tasks = []
        for numbers in slices.values():
            if len(numbers) == 1:
                tasks.append(pool.submit(alone, numbers[0]))
            else:
                image = opened.enter_context(open_image(places[numbers[0]].source, read))
                tasks += [pool.submit(decode, number, image) for number in numbers]
        try:
            for task in tasks:
                task.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
