"""Stored and modality values in a smaller size: means of areas."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdcm.model import Display, Header, Less, Samples
from fastdcm.options import GeometryOptions
from fastdcm.rendering.areas import means
from fastdcm.rendering.geometry import is_label_map
from fastdcm.rendering.halving import enough, halvings, is_shrinking, most_halvings, squares, target
from fastdcm.rendering.resample import resampled

Array = NDArray[Any]


def less_of_values(header: Header, display: Display, options: GeometryOptions) -> Less | None:
    """How often a decoder may halve a frame whose values are wanted in another size; None for not at all."""
    if not is_shrinking(options) or _have_no_means(header) or header.is_float:
        return None
    if display.padding is not None or display.modality_lut is not None or display.supplemental:
        return None
    shape = header.rows, header.columns
    sides = target(shape, options, None)
    times = halvings(shape, sides)
    most = most_halvings((1 << header.bits_stored) / 255, colour=header.samples_per_pixel > 1)
    return Less(times, squares(shape, sides, times), reversible=most) if times else None


def smaller(values: Array, samples: Samples, header: Header, options: GeometryOptions) -> Array | int:
    """Values of a frame, (rows, columns[, samples]) in the size of the options.

    ``values`` are made of ``samples``, which a decoder may have halved: where that was too often, the result
    is how often it may be. Floats are means, integers means rounded to their dtype, floor(y + 0.5); values
    that have no means are those of the nearest pixels.
    """
    shape = header.rows, header.columns
    sides = target(shape, options, None)
    if samples.halved is not None:
        span = float(values.max()) - float(values.min())
        times = enough(values, samples.halved, shape, sides, span)
        if samples.halved.by == "5/3":
            times = min(times, most_halvings(_grey(samples.array), colour=values.ndim == 3))
        if times < samples.halved.times:
            return times
    elif sides == shape:
        return values
    if _have_no_means(header):
        return resampled(values, *sides, "nearest")
    found = means(values, *sides, samples.halved, of=shape)
    if values.dtype.kind == "f":
        return found.astype(values.dtype)
    rounded: Array = np.floor(found + 0.5).astype(values.dtype)
    return rounded


def _grey(stored: Array) -> float:
    """Stored values in a grey, of which their range has 255; at least one, to which they are rounded."""
    return max(1.0, (float(stored.max()) - float(stored.min())) / 255)


def _have_no_means(header: Header) -> bool:
    """Whether values between two others have no meaning: indices into palettes, labels, single bits."""
    return header.photometric_interpretation == "PALETTE COLOR" or is_label_map(header)
