"""What a run over many frames is to make of each: validated once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np

from fastdcm.errors import OptionError
from fastdcm.options import FrameSelection, ReadOptions, RenderOptions

Values = Literal["display", "modality", "stored"]
OnError = Literal["raise", "skip", "mask"]
#: Number of samples a pixel; None leaves each frame its own.
Samples = Literal[1, 3] | None

#: Types of arrays, by what they hold; the first of each is the usual one.
DISPLAY = ("uint8", "uint16", "float32", "float64")
VALUES = ("float32", "float64", "int16", "int32", "uint8", "uint16", "uint32", "int8")


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
    selection = FrameSelection.parse("1" if frames == "first" else frames)
    return Wanted(values, name, samples, selection, on_error, options, read)


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
