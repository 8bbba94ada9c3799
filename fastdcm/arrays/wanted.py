"""What a run over many frames is to make of each: validated once."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np

from fastdcm.errors import OptionError
from fastdcm.options import (
    LIMIT_NAMES,
    EncodeOptions,
    FrameSelection,
    GeometryOptions,
    ReadOptions,
    RenderOptions,
    split_options,
)

Values = Literal["display", "modality", "stored"]
OnError = Literal["raise", "skip", "mask"]
#: Number of samples a pixel; None leaves each frame its own.
Samples = Literal[1, 3] | None

#: Types of arrays, by what they hold; the first of each is the usual one.
DISPLAY = ("uint8", "uint16", "float32", "float64")
VALUES = ("float32", "float64", "int16", "int32", "uint8", "uint16", "uint32", "int8")

#: How objects are read, by keyword; threads are the run's own.
_READ_NAMES = {*LIMIT_NAMES, *(field.name for field in fields(ReadOptions))} - {"threads", "limits"}


@dataclass(frozen=True)
class Wanted:
    """What a run over many frames is to make of each.

    ``values`` are display values, modality values (PS3.3 C.11.1) or stored values; ``dtype`` is the name of
    the array's type, None for uint8, float32 or the first frame's own type. ``samples`` are those of a
    pixel, None for the frames' own. ``frames`` are those of each object. ``on_error`` says what becomes of
    frames that fail: the first one is raised, they are left out, or their rows are zeros.
    """

    values: Values
    dtype: str | None
    samples: Samples
    frames: FrameSelection
    on_error: OnError
    render: RenderOptions
    read: ReadOptions

    def __post_init__(self) -> None:
        if self.values not in get_args(Values):
            raise OptionError(f"values must be one of {', '.join(get_args(Values))}, not {self.values!r}")
        if self.on_error not in get_args(OnError):
            raise OptionError(
                f"on_error must be one of {', '.join(get_args(OnError))}, not {self.on_error!r}"
            )
        there = DISPLAY if self.values == "display" else VALUES
        if self.dtype is not None and self.dtype not in there:
            raise OptionError(
                f"dtype of {self.values} values must be one of {', '.join(there)}, not {self.dtype}"
            )

    @cached_property
    def unsized(self) -> RenderOptions | None:
        """The options for a frame that has the size already; None where something else is done to it."""
        geometry = self.render.geometry
        rest = replace(geometry, size=None, fit="inside", enlarge=False, resample=None, exact=False)
        options = replace(self.render, geometry=GeometryOptions())
        return options if rest == GeometryOptions() and options.is_plain else None

    @cached_property
    def shape(self) -> tuple[int, int] | None:
        """(rows, columns) that were asked for."""
        size = self.render.geometry.size
        return (size, size) if isinstance(size, int) else size

    @property
    def first_only(self) -> bool:
        """Whether it is the first frame of each object, of which there always is one."""
        return self.frames.ranges == ((1, 1),)

    @property
    def usual_dtype(self) -> str | None:
        """The name of the array's type, where it does not take a frame to know it."""
        return self.dtype or {"display": "uint8", "modality": "float32", "stored": None}[self.values]


def wanted(
    options: RenderOptions,
    read: ReadOptions,
    *,
    values: Any,
    dtype: Any,
    samples: Samples,
    frames: str,
    on_error: Any,
    out: Any = None,
) -> Wanted:
    """`Wanted` from arguments of the API; display values are of as many bits as their type needs."""
    name = dtype_name(dtype)
    if out is not None:
        if not isinstance(out, np.ndarray):
            raise OptionError(f"out must be a NumPy array, not {type(out).__name__}")
        if name is not None and out.dtype != np.dtype(name):
            raise OptionError(f"out is {out.dtype}, but dtype is {name}: give one of them")
        name = dtype_name(out.dtype)
    if values == "display" and name not in (None, "uint8"):
        # Floats are made of 16 bits, as PNG has them: 8 would leave 256 different ones.
        options = replace(options, bits=16)
    elif values != "display" and options != RenderOptions(geometry=options.geometry):
        raise OptionError(
            f"{values} values are those before windows, channels, overlays, presentation states and masks: "
            "of the options of rendering they take those of the geometry"
        )
    selection = FrameSelection.parse("1" if frames == "first" else frames)
    return Wanted(values, name, samples, selection, on_error, options, read)


def wanted_of(options: dict[str, Any], *, out: Any = None, **named: Any) -> Wanted:
    """`wanted` from the keywords of `fastdcm.load`: how objects are read, and how frames are shown.

    Raises `OptionError` for what is none of these.
    """
    given = {name: value for name, value in options.items() if value is not None}
    samples = given.pop("channels") if given.get("channels") in (1, 3) else None
    if isinstance(other := given.get("channels"), int):
        raise OptionError(f"channels {other}: give 1, 3 or three windows")
    if "size" not in given:
        del given["fit"]
    if "bits" in given:
        raise OptionError("bits follow from dtype: give dtype='uint8' or 'uint16'")
    read = ReadOptions.of(**{name: given.pop(name) for name in _READ_NAMES & given.keys()})
    render, encode = split_options(given)
    if encode != EncodeOptions():
        raise OptionError("arrays have no format, quality, lossless, subsampling or png_level")
    return wanted(render, read, samples=samples, out=out, **named)


def dtype_name(dtype: Any) -> str | None:
    """The name of a type that NumPy knows: "uint8", `numpy.uint8`, ..."""
    if dtype is None:
        return None
    try:
        found = np.dtype(dtype)
    except TypeError as error:
        raise OptionError(f"dtype {dtype!r} is none that NumPy knows") from error
    if not found.isnative:
        raise OptionError(f"dtype {found.str} has another byte order than this machine")
    return str(found.name)
