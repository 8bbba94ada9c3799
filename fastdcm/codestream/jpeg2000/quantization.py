"""How deep the coefficients of a codestream are: QCD and QCC (T.800 A.6.4, A.6.5, E.1)."""

from __future__ import annotations

from fastdcm.codestream.jpeg2000.coding import Segment
from fastdcm.codestream.jpeg2000.headers import Jpeg2000Header, tile_part_segments
from fastdcm.errors import CodestreamError

_QCD, _QCC = 0xFF5C, 0xFF5D
_NONE = 0  # reversible: exponents alone (table A.28)


def bit_planes(data: bytes, header: Jpeg2000Header) -> int:
    """The most magnitude bit-planes that any sub-band may have: guard bits + exponent - 1 (E-2).

    Raises CodestreamError where no QCD tells.
    """
    segments = list(header.segments)
    for part in header.tile_parts:
        segments += tile_part_segments(data, part.start + 12)
    found = [
        _most(data, segment, len(header.components)) for segment in segments if segment.marker in (_QCD, _QCC)
    ]
    if not found:
        raise CodestreamError("no QCD segment in the headers")
    return max(found)


def _most(data: bytes, segment: Segment, components: int) -> int:
    start = segment.start
    if segment.marker == _QCC:
        start += 1 if components < 257 else 2
    if segment.end < start + 2:
        raise CodestreamError("a QCD or QCC segment has a wrong length")
    guard_bits, style = data[start] >> 5, data[start] & 31
    # Steps of an exponent and a mantissa have two bytes, of which the first starts with the exponent.
    exponents = data[start + 1 : segment.end : 1 if style == _NONE else 2]
    return guard_bits + (max(exponents) >> 3) - 1
