"""Stored and modality values in another geometry: means of areas where they shrink."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdcm.errors import OptionError
from fastdcm.model import Display, Header, Less, Samples
from fastdcm.options import GeometryOptions
from fastdcm.rendering.areas import means
from fastdcm.rendering.fitting import Arrangement, on_canvas, turned
from fastdcm.rendering.geometry import is_label_map
from fastdcm.rendering.halving import enough, halvings, is_shrinking, most_halvings, squares
from fastdcm.rendering.resample import as_kind, resampled_values

Array = NDArray[Any]


def less_of_values(
    header: Header, display: Display, options: GeometryOptions, how: Arrangement
) -> Less | None:
    """How often a decoder may halve a frame whose values are wanted in another size; None for not at all."""
    if not is_shrinking(options) or _have_no_means(header) or header.is_float:
        return None
    if display.padding is not None or display.modality_lut is not None or display.supplemental:
        return None
    shape, sides = how.shape, how.unturned_sides
    times = halvings(shape, sides)
    most = most_halvings((1 << header.bits_stored) / 255, colour=header.samples_per_pixel > 1)
    return Less(times, squares(shape, sides, times), reversible=most) if times else None


def arranged_values(
    values: Array,
    samples: Samples,
    header: Header,
    options: GeometryOptions,
    how: Arrangement,
    padding: tuple[float, float] | None = None,
) -> Array | int:
    """Values of a frame, (rows, columns[, samples]) in the geometry of the options, of which ``how`` is.

    ``values`` are made of ``samples``, which a decoder may have halved: where that was too often, the result
    is how often it may be. Floats are means, integers means rounded to their dtype, floor(y + 0.5); values
    that have no means are those of the nearest pixels. Around the image is `_background`; ``padding`` are the
    first and the last stored value that are none.
    """
    if options.resample in ("linear", "lanczos"):
        raise OptionError(
            "values are resampled by areas, linearly where they grow, or nearest; leave resample out"
        )
    nearest = _have_no_means(header) or options.resample == "nearest"
    if samples.halved is not None:
        sides = how.unturned_sides
        span = float(values.max()) - float(values.min())
        times = enough(values, samples.halved, how.shape, sides, span)
        if samples.halved.by == "5/3":
            times = min(times, most_halvings(_grey(samples.array), colour=values.ndim == 3))
        if times < samples.halved.times:
            return times
        found = as_kind(means(values, *sides, samples.halved, of=how.shape), values.dtype)
        found = turned(found, how.rotate, how.flip)
    elif how.is_identity:
        return values
    else:
        x, y, width, height = how.region
        found = turned(values[y : y + height, x : x + width], how.rotate, how.flip)
        if found.shape[:2] != how.resized:
            by = "nearest" if nearest else options.resample
            found = resampled_values(found, *how.resized, by)
    if not how.is_whole:
        found = on_canvas(found, how, _background(values, samples, header, padding))
    return np.ascontiguousarray(found)


def _background(values: Array, samples: Samples, header: Header, padding: tuple[float, float] | None) -> Any:
    """The darkest value of a frame that is no padding: the least, of MONOCHROME1 the greatest.

    0 for labels and single bits; black for colour, of YBR that is not made RGB, too.
    """
    if values.ndim == 3:
        if samples.photometric_interpretation.startswith("YBR") and values is samples.array:
            half = 1 << (header.bits_stored - 1)
            return np.array([0, half, half], values.dtype)
        return 0
    if is_label_map(header):
        return 0
    kept = np.isfinite(values) if values.dtype.kind == "f" else np.ones(values.shape, bool)
    if padding is not None:
        kept &= (samples.array < padding[0]) | (samples.array > padding[1])
    known = values[kept]
    if not known.size:
        return 0
    return known.max() if header.photometric_interpretation == "MONOCHROME1" else known.min()


def _grey(stored: Array) -> float:
    """Stored values in a grey, of which their range has 255; at least one, to which they are rounded."""
    return max(1.0, (float(stored.max()) - float(stored.min())) / 255)


def _have_no_means(header: Header) -> bool:
    """Whether values between two others have no meaning: indices into palettes, labels, single bits."""
    return header.photometric_interpretation == "PALETTE COLOR" or is_label_map(header)
