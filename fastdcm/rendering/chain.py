"""The steps between a stored value and a display value, as data (PS3.3 C.11, C.7.6.3.1.2)."""

from typing import NamedTuple

from fastdcm.model import Lut, Window


class Rescale(NamedTuple):
    """``x * slope + intercept`` (C.11.1.1.2)."""

    slope: float
    intercept: float


class Range(NamedTuple):
    """``(x - low) / (high - low)``, clipped; a range without extent gives 0."""

    low: float
    high: float


class Chain(NamedTuple):
    """Modality, VOI, presentation, depth of the output: all that decides a grey.

    ``modality`` None is identity; ``invert`` applies after everything else.
    """

    modality: Rescale | Lut | None
    voi: Window | Lut | Range
    presentation_lut: Lut | None = None
    invert: bool = False
    bits: int = 8
