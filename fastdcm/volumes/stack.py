"""Planes in order along their normal, or the reason why they make no volume (PS3.3 C.7.6.2.1.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.errors import VolumeError
from fastdcm.reader.planes import Plane

Floats = NDArray[np.float64]
#: By how much direction cosines may differ, which at the far side of a field of 500 mm is 0.05 mm; and
#: spacings, relative to themselves. Writers round both.
DIRECTION_TOLERANCE, SPACING_TOLERANCE = 1e-4, 1e-4
#: By how much of a pixel slices may lie beside the line through the first one.
ASIDE_TOLERANCE = 0.1
#: Closer than so much of a pixel, two positions are one.
_ONE_POSITION = 1e-3


class Stack(NamedTuple):
    """``order`` are the indexes of the planes along their normal; the rest as `fastdcm.Volume` has it."""

    order: tuple[int, ...]
    origin: tuple[float, float, float]
    orientation: tuple[float, ...]
    spacing: tuple[float, float, float]


def directions(orientation: Sequence[float]) -> tuple[Floats, Floats, Floats]:
    """Unit vectors along a row, along a column, and along the normal: the cross product of both."""
    row, column = np.array(orientation[:3], np.float64), np.array(orientation[3:], np.float64)
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if any(abs(length - 1) > 1e-2 for length in lengths) or abs(row @ column) > 1e-3:
        raise VolumeError(
            f"Image Orientation (Patient) {numbers_of(orientation)} is no two directions at right angles"
        )
    row, column = row / lengths[0], column / lengths[1]
    normal = np.cross(row, column)
    return row, column, normal / np.linalg.norm(normal)


def stacked(
    planes: Sequence[Plane],
    name: Callable[[int], str],
    differences: Callable[[Sequence[int]], str],
    tolerance: float,
) -> Stack:
    """The order and the geometry of one or more planes.

    ``name`` is how messages call a plane; ``differences`` tells in words by what several differ.
    ``tolerance`` is the part of the distance between slices by which one may be off its place.

    Raises `VolumeError` where they make no regular volume.
    """
    for index, plane in enumerate(planes):
        for value, what in zip(plane, ("Position (Patient)", "Orientation (Patient)"), strict=False):
            if value is None:
                raise VolumeError(f"{name(index)} has no Image {what}: nothing says where it lies")
        if plane.spacing is None:
            raise VolumeError(f"{name(index)} has no Pixel Spacing")
        if min(plane.spacing) <= 0:
            raise VolumeError(f"{name(index)} has the Pixel Spacing {numbers_of(plane.spacing)}")
    orientation = _agreed(planes, name)
    normal = directions(orientation)[2]
    positions = np.array([plane.position for plane in planes], np.float64)
    along = positions @ normal
    order = np.argsort(along, kind="stable")
    spacing = planes[order[0]].spacing or (0.0, 0.0)
    _no_duplicates(order.tolist(), along, min(spacing), name, differences)
    between = _distance(order.tolist(), along, name, tolerance, planes[order[0]])
    beside = positions - positions[order[0]]
    beside -= np.outer(along - along[order[0]], normal)
    aside = np.linalg.norm(beside, axis=1)
    if aside.max() > max(ASIDE_TOLERANCE, tolerance) * min(spacing):
        far = int(aside.argmax())
        raise VolumeError(
            f"the slices are not above each other: {name(far)} lies {aside[far]:.4g} mm beside the normal "
            f"through {name(int(order[0]))} (as with a tilted gantry); a volume has right angles"
        )
    x, y, z = positions[order[0]].tolist()
    return Stack(tuple(order.tolist()), (x, y, z), orientation, (between, *spacing[:2]))


def _agreed(planes: Sequence[Plane], name: Callable[[int], str]) -> tuple[float, ...]:
    """The orientation that all have, as all have one spacing of pixels."""
    first = planes[0]
    assert first.orientation is not None
    assert first.spacing is not None
    for index, plane in enumerate(planes):
        assert plane.orientation is not None
        assert plane.spacing is not None
        if np.abs(np.subtract(plane.orientation, first.orientation)).max() > DIRECTION_TOLERANCE:
            raise VolumeError(
                f"the slices have different orientations: {numbers_of(first.orientation)} in {name(0)}, "
                f"{numbers_of(plane.orientation)} in {name(index)}; give the paths of those that "
                "belong together"
            )
        if not np.allclose(plane.spacing, first.spacing, rtol=SPACING_TOLERANCE, atol=0):
            raise VolumeError(
                f"the slices have different Pixel Spacing: {numbers_of(first.spacing)} in {name(0)}, "
                f"{numbers_of(plane.spacing)} in {name(index)}"
            )
    return first.orientation


def _no_duplicates(
    order: Sequence[int],
    along: Floats,
    pixel: float,
    name: Callable[[int], str],
    differences: Callable[[Sequence[int]], str],
) -> None:
    groups = [[order[0]]]
    for before, index in pairwise(order):
        if along[index] - along[before] <= _ONE_POSITION * pixel:
            groups[-1].append(index)
        else:
            groups.append([index])
    several = [group for group in groups if len(group) > 1]
    if several:
        group = several[0]
        more = f"; so it is at {len(several) - 1} more positions" if len(several) > 1 else ""
        raise VolumeError(
            f"{len(group)} images at one position, {_at(along[group[0]])}: {name(group[0])} and "
            f"{name(group[1])}{differences(group)}{more}; give the paths (or frames=) of one image a position"
        )


def _distance(
    order: Sequence[int], along: Floats, name: Callable[[int], str], tolerance: float, first: Plane
) -> float:
    """Millimetres from slice to slice."""
    if len(order) == 1:
        told = first.between or first.thickness
        if not told or told < 0:
            raise VolumeError(
                "one slice has no next one, and says neither Spacing Between Slices nor Slice Thickness"
            )
        return told
    gaps = np.diff(along[list(order)])
    usual = float(np.sort(gaps)[(len(gaps) - 1) // 2])
    for number, gap in enumerate(gaps.tolist()):
        if abs(gap - usual) <= tolerance * usual:
            continue
        before, after = order[number], order[number + 1]
        between = (
            f"between {name(before)} ({_at(along[before])}) and {name(after)} ({_at(along[after])}), which "
            f"are {gap:.6g} mm apart where slices are {usual:.6g} mm apart"
        )
        times = round(gap / usual)
        if times > 1 and abs(gap - times * usual) <= tolerance * usual * times:
            missing = "1 slice is" if times == 2 else f"{times - 1} slices are"
            raise VolumeError(f"{missing} missing {between}")
        raise VolumeError(f"the spacing is not uniform {between} (tolerance={tolerance:g} of it)")
    step = float(along[order[-1]] - along[order[0]]) / (len(order) - 1)
    off = np.abs(along[list(order)] - along[order[0]] - step * np.arange(len(order)))
    # Each gap is near the usual one, yet small deviations to one side may add up.
    if off.max() > max(tolerance, 0.1) * step:
        far = int(off.argmax())
        raise VolumeError(
            f"the spacing is not uniform: {name(order[far])} ({_at(along[order[far]])}) is {off[far]:.4g} mm "
            f"off its place among slices that are {step:.6g} mm apart (tolerance={tolerance:g} of it)"
        )
    return step


def _at(along: float) -> str:
    return f"{along:.6g} mm along the normal"


def numbers_of(values: Sequence[float]) -> str:
    """Several values as DICOM writes them."""
    return "\\".join(f"{value + 0.0:g}" for value in values)  # -0 is 0
