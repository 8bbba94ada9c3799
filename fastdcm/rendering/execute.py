"""A plan and samples to display values: one match over the plans, tables wherever 16 bits suffice."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdcm.errors import RenderError
from fastdcm.kernels import Payoff
from fastdcm.kernels.words import masked
from fastdcm.model import Header, Palette, Region, Samples, Window
from fastdcm.rendering import lut
from fastdcm.rendering.chain import Chain, Range, Rescale
from fastdcm.rendering.colour import palette_table, to_rgb
from fastdcm.rendering.identity import is_identity
from fastdcm.rendering.line import line_of
from fastdcm.rendering.plan import Automatic, ChannelsPlan, ColourPlan, GrayPlan, PalettePlan, Plan

Array = NDArray[Any]
_PAYOFF = Payoff()


def rgb(samples: Samples) -> Array:
    """Colour samples as RGB, gray ones as they are."""
    samples = _masked(samples)
    if samples.array.ndim == 2:
        array: Array = samples.array
        return array
    return to_rgb(samples.array, samples.photometric_interpretation, samples.bits, _PAYOFF)


def execute(
    plan: Plan, samples: Samples, object_range: Range | None = None, out: Array | None = None
) -> Array:
    """Display values: (rows, columns) or (rows, columns, 3), uint8 or uint16 as the plan's bits say.

    Where they are the stored values, the samples' own array, which may be read-only.

    ``object_range`` is what `value_range` of all frames gave, where the plan asks for it. Gray values may be
    written to ``out``, where it fits (`fits`): then it is what is returned.
    """
    match plan:
        case GrayPlan():
            return _gray(plan, samples, object_range, out)
        case ChannelsPlan():
            planes = [_gray(channel, samples, None) for channel in plan.channels]
            return np.stack(planes, axis=-1)
        case PalettePlan():
            return _coloured(plan.palette, plan.bits, samples)
        case ColourPlan():
            array = rgb(samples)
            ymax = float((1 << samples.bits) - 1)
            voi = Range(0.0, ymax) if isinstance(plan.voi, Range) else plan.voi
            if samples.bits == plan.bits == 8 and isinstance(voi, Range) and array.dtype == np.uint8:
                return array
            return _display(Chain(None, voi, bits=plan.bits), array, samples.bits, samples.signed)


def fits(out: Array | None, shape: tuple[int, ...], kind: type[Any]) -> bool:
    """Whether an array can take what would be a new one of this shape and type."""
    return out is not None and out.shape == shape and out.dtype == kind and out.flags.c_contiguous


def execute_parts(
    plan: Plan, header: Header, parts: Callable[[], Iterable[memoryview]], out: Array | None = None
) -> Array | None:
    """`execute` for a native frame of gray words (little-endian) that comes in parts.

    ``parts`` is called where the plan needs no look at the frame as a whole; else the result is None. ``out``
    is as `execute` has it.
    """
    if not isinstance(plan, GrayPlan) or plan.automatic is not None or plan.supplemental is not None:
        return None
    shape, kind = (header.rows, header.columns), _kind(plan.chain)
    shown = out if out is not None and fits(out, shape, kind) else np.empty(shape, kind)
    flat, done = shown.reshape(-1), 0
    for part in parts():
        words = np.frombuffer(part, "<u2").astype(np.uint16, copy=False)
        end = done + words.size
        _show(plan.chain, words, header.bits_stored, header.signed, flat[done:end])
        done = end
    return shown


def _gray(plan: GrayPlan, samples: Samples, object_range: Range | None, out: Array | None = None) -> Array:
    chain = plan.chain
    if plan.automatic is not None or plan.supplemental is not None:
        samples = _masked(samples)
    if plan.automatic is not None:
        found = object_range if plan.automatic.scope == "object" else None
        if found is None:
            found = value_range(plan, [samples])
        if plan.automatic.region is not None and found is None:
            raise RenderError("the region holds nothing but padding, which gives no range; name another")
        if plan.automatic.region is not None and found is not None and found.low == found.high:
            # What is brighter than a region of one value is white, as a narrower and narrower range has it.
            chain = chain._replace(voi=Window(found.low + 0.5, 1.0))
        else:
            chain = chain._replace(voi=found or Range(0.0, 0.0))
    gray = _display(chain, samples.array, samples.bits, samples.signed, out)
    if plan.supplemental is None:
        return gray
    mapped = samples.array >= plan.supplemental.first
    return np.where(mapped[..., None], _coloured(plan.supplemental, chain.bits, samples), gray[..., None])


def _coloured(palette: Palette, bits: int, samples: Samples) -> Array:
    """Stored values by a palette, (rows, columns, 3)."""
    samples = _masked(samples)
    array = samples.array
    if array.dtype.kind == "f" or array.itemsize > 2:
        raise RenderError(f"a palette colours stored values of 16 bits at most, these are {array.dtype}")
    table = palette_table(palette, bits, 1 << (8 * array.itemsize), samples.signed)
    out = np.empty((*array.shape, 3), table.dtype)
    # Every index is inside; "clip" lets take write into out without a buffer, five times as fast.
    np.take(table, _words(array), axis=0, out=out, mode="clip")
    return out


def _display(chain: Chain, array: Array, bits: int, signed: bool, out: Array | None = None) -> Array:
    """Stored values through a chain: by line or table up to 16 bits, else value by value.

    Of words of 16 bits or less, what is above ``bits`` does not matter.
    """
    if array.dtype.kind == "f" or array.itemsize > 2:
        return lut.display_values(array, chain)
    if array.dtype == np.uint8 and bits == 8 and is_identity(chain):
        return array
    words = _words(np.ascontiguousarray(array))
    if out is None or not fits(out, words.shape, _kind(chain)):
        out = np.empty(words.shape, _kind(chain))
    _show(chain, words, bits, signed, out)
    return out


def _kind(chain: Chain) -> type[Any]:
    return np.uint8 if chain.bits == 8 else np.uint16


def _show(chain: Chain, words: Array, bits: int, signed: bool, out: Array) -> None:
    """`_display` of unsigned words, in C order, into ``out``."""
    bits, size = min(bits, 8 * words.itemsize), 1 << (8 * words.itemsize)
    if not _PAYOFF.reached(words.size):
        # Every index is inside, and "clip" lets take write into out without a buffer.
        np.take(lut.table(chain, bits, signed, size), words, out=out, mode="clip")
        return
    gather, line, masked_line = _kernels()
    # Samples of 16 bits may lie at an odd offset of the file.
    flat, shown = (words if words.flags.aligned else words.copy()).reshape(-1), out.reshape(-1)
    # Signed bytes are too rare for a kernel of their own.
    straight = None if words.itemsize == 1 and (signed or bits < 8) else line_of(chain, bits, signed)
    if straight is None:
        gather(flat, lut.table(chain, bits, signed, size), shown)
    elif bits == 8 * words.itemsize:
        line(flat.view(np.int16) if signed else flat, straight.scale, straight.offset, shown)
    else:
        masked_line(flat, *straight, shown)


@cache
def _kernels() -> tuple[Any, Any, Any]:
    from fastdcm.kernels.display import gather, line, masked_line

    return gather, line, masked_line


def darkest(plan: Plan, header: Header) -> float:
    """The stored value that is shown darkest: an end of the range, or an index of the palette.

    0 for colour, whose black is known without it.
    """
    if isinstance(plan, ColourPlan):
        return 0
    if isinstance(plan, ChannelsPlan):
        return darkest(plan.channels[0], header)
    if isinstance(plan, PalettePlan) and header.bits_stored > 16:
        raise RenderError("a palette colours stored values of 16 bits at most")
    span = 1 << header.bits_stored
    low, high = (-(span >> 1), (span >> 1) - 1) if header.signed else (0, span - 1)
    if isinstance(plan, PalettePlan):
        indices = np.arange(low, high + 1).astype(f"{'i' if header.signed else 'u'}2")
        colours = _coloured(plan.palette, 16, Samples(indices, "PALETTE COLOR", 16, header.signed))
        return int(indices[colours.sum(1, dtype=np.int64).argmin()])
    ends = np.array([-np.inf, np.inf] if header.is_float else [low, high])
    chain = plan.chain
    if plan.automatic is not None:
        modality = lut.modality_values(np.array([low, high], np.float64), chain.modality)
        chain = chain._replace(voi=Range(float(modality.min()), float(modality.max())))
    shown = lut.display_values(ends, chain)
    return float(ends[0]) if shown[0] <= shown[1] else float(ends[1])


def _masked(samples: Samples) -> Samples:
    """Samples without what is above their bits."""
    if samples.masked:
        return samples
    return samples._replace(array=masked(samples.array, samples.bits, signed=samples.signed), masked=True)


def _words(array: Array) -> Array:
    """Bit patterns of integer samples, by which tables are indexed."""
    return array.view(f"u{array.itemsize}")


@np.errstate(over="ignore", invalid="ignore")
def value_range(plan: GrayPlan, frames: Iterable[Samples]) -> Range | None:
    """The range of modality values that the plan's automatic rule finds in frames.

    Padding, NaN and infinities are left out; None where nothing is left.
    """
    automatic = plan.automatic or Automatic()
    found: list[Range] = []
    for samples in frames:
        array = _counted(_masked(samples), automatic.region)
        stored = _without_padding(array, plan.padding) if array.size else array
        if stored.size:
            found.append(_extent(stored, plan.chain, automatic))
    if not found:
        return None
    return Range(min(part.low for part in found), max(part.high for part in found))


def _counted(samples: Samples, region: Region | None) -> Array:
    """The samples that were in the data, those of a region alone where there is one."""
    array, missing = samples.array, samples.missing
    if region is None:
        counted: Array = array.reshape(-1)[: array.size - missing] if missing else array
        return counted
    part = np.s_[region.y : region.y + region.height, region.x : region.x + region.width]
    if not missing:
        return array[part]  # type: ignore[no-any-return]
    there = np.arange(array.size).reshape(array.shape) < array.size - missing
    return array[part][there[part]]  # type: ignore[no-any-return]


def _without_padding(array: Array, padding: tuple[float, float] | None) -> Array:
    if array.dtype.kind == "f":
        finite = array[np.isfinite(array)]
        return finite if padding is None else finite[(finite < padding[0]) | (finite > padding[1])]
    if padding is None or padding[0] > int(array.max()) or padding[1] < int(array.min()):
        return array
    return array[(array < padding[0]) | (array > padding[1])]


def _extent(stored: Array, chain: Chain, automatic: Automatic) -> Range:
    modality = chain.modality
    if automatic.low == 0 and automatic.high == 100 and (modality is None or isinstance(modality, Rescale)):
        # A line takes extremes to extremes.
        stored = np.array([stored.min(), stored.max()])
    elif stored.dtype.kind != "f" and stored.itemsize <= 2:
        values, counts = np.unique(stored, return_counts=True)
        x = lut.modality_values(values, modality)
        if automatic.low == 0 and automatic.high == 100:
            return Range(float(x.min()), float(x.max()))
        order = np.argsort(x, kind="stable")
        return Range(*_percentiles(x[order], counts[order], automatic))
    x = lut.modality_values(stored, modality)
    if automatic.low == 0 and automatic.high == 100:
        return Range(float(x.min()), float(x.max()))
    low, high = np.percentile(x, [automatic.low, automatic.high])
    return Range(float(low), float(high))


def _percentiles(x: Array, counts: Array, automatic: Automatic) -> tuple[float, float]:
    """Percentiles by linear interpolation between neighbours, as `numpy.percentile` has them."""
    last = np.cumsum(counts) - 1
    results = []
    for percent in (automatic.low, automatic.high):
        position = percent / 100 * last[-1]
        below, above = np.searchsorted(last, [np.floor(position), np.ceil(position)])
        part = position - np.floor(position)
        results.append(float(x[below] + (x[above] - x[below]) * part))
    return results[0], results[1]
