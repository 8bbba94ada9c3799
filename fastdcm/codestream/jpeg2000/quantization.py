"""How deep and how coarse the coefficients of a codestream are: QCD and QCC (T.800 A.6.4, A.6.5, E.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from fastdcm.codestream.jpeg2000.coding import Bytes, Segment
from fastdcm.codestream.jpeg2000.headers import Jpeg2000Header, tile_part_segments
from fastdcm.errors import CodestreamError

QCD, QCC = 0xFF5C, 0xFF5D
_NONE, _DERIVED, _EXPOUNDED = range(3)  # table A.28: of the first, exponents alone are given
_GAINS = {"LL": 0, "HL": 1, "LH": 1, "HH": 2}  # table E.1, as powers of two
_POSITIONS = {"LL": 0, "HL": 0, "LH": 1, "HH": 2}  # among the sub-bands of a resolution, in the order of B.9


class Quantization(NamedTuple):
    """One QCD or QCC segment: ``steps`` are the (exponent, mantissa) of each sub-band from LL on.

    Where they are ``derived``, the one of LL stands for all (E-5).
    """

    guard_bits: int
    derived: bool
    steps: tuple[tuple[int, int], ...]

    def step(self, level: int, band: str) -> tuple[int, int]:
        """Exponent and mantissa of a sub-band, which resolution ``level`` adds.

        Raises CodestreamError where there are none.
        """
        if self.derived:
            exponent, mantissa = self.steps[0]
            return exponent - max(level - 1, 0), mantissa
        number = 3 * level - 2 + _POSITIONS[band] if level else 0
        if number >= len(self.steps):
            raise CodestreamError(
                f"a QCD or QCC segment has steps for {len(self.steps)} sub-bands, there are more"
            )
        return self.steps[number]

    def bit_planes(self, level: int, band: str) -> int:
        """M_b: how many magnitude bit-planes the sub-band has at most (E-2)."""
        return self.guard_bits + self.step(level, band)[0] - 1

    def step_size(self, level: int, band: str, precision: int) -> float:
        """Delta_b: what a coefficient of 1 stands for (E-3), in a component of ``precision`` bits."""
        exponent, mantissa = self.step(level, band)
        return float(2.0 ** (precision + _GAINS[band] - exponent) * (1 + mantissa / 2048))

    @property
    def most_bit_planes(self) -> int:
        """The largest M_b of all sub-bands that there are steps for."""
        return self.guard_bits + max(exponent for exponent, _ in self.steps) - 1


class Quantizations(NamedTuple):
    """What one header, main or of a tile-part, says: its QCD, and its QCC by component."""

    default: Quantization | None
    components: Mapping[int, Quantization]


def read_quantization(data: Bytes, segments: Iterable[Segment], components: int) -> Quantizations:
    """Read QCD and QCC among the marker segments of one header.

    Raises CodestreamError for lengths and values that T.800 does not define.
    """
    default: Quantization | None = None
    found: dict[int, Quantization] = {}
    for segment in segments:
        if segment.marker in (QCD, QCC):
            component, quantization = _read(data, segment, components)
            if component is None:
                default = quantization
            else:
                found[component] = quantization
    return Quantizations(default, found)


def bit_planes(data: Bytes, header: Jpeg2000Header) -> int:
    """The most magnitude bit-planes that any sub-band may have: guard bits + exponent - 1 (E-2).

    Raises CodestreamError where no QCD tells.
    """
    segments = list(header.segments)
    for part in header.tile_parts:
        segments += tile_part_segments(data, part.start + 12)
    found = [
        _read(data, segment, len(header.components))[1].most_bit_planes
        for segment in segments
        if segment.marker in (QCD, QCC)
    ]
    if not found:
        raise CodestreamError("no QCD segment in the headers")
    return max(found)


def _read(data: Bytes, segment: Segment, components: int) -> tuple[int | None, Quantization]:
    """The component of a QCC segment, None of QCD, and what is said of it."""
    start, end = segment.start, segment.end
    component = None
    if segment.marker == QCC:
        start += 1 if components < 257 else 2
        component = int.from_bytes(data[segment.start : start], "big")
    if end < start + 2:
        raise CodestreamError("a QCD or QCC segment has a wrong length")
    guard_bits, style, values = data[start] >> 5, data[start] & 31, data[start + 1 : end]
    if style > _EXPOUNDED:
        raise CodestreamError("a QCD or QCC segment has a style that T.800 does not define")
    if style == _NONE:
        return component, Quantization(guard_bits, False, tuple((value >> 3, 0) for value in values))
    if len(values) % 2:
        raise CodestreamError("a QCD or QCC segment has a wrong length")
    words = [high << 8 | low for high, low in zip(values[::2], values[1::2], strict=True)]
    steps = tuple((word >> 11, word & 2047) for word in words)
    return component, Quantization(guard_bits, style == _DERIVED, steps)
